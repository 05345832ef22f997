//! Bare hyper on the runtime that most programs have; see `easyhttp_main.rs`.

#[path = "hyper.rs"]
#[expect(dead_code, reason = "its own `main`")]
mod hyper_on;

use easyhttp_bench::Result;
use tokio::runtime::Runtime;

fn main() -> Result<()> {
    hyper_on::contend_on(|| Ok(Runtime::new()?))
}
