//! EasyHTTP's async face on the runtime that most programs have. A program of its own, so that
//! the other one is not larger for it.

#[path = "easyhttp.rs"]
#[expect(dead_code, reason = "its own `main`")]
mod easyhttp_on;

use easyhttp_bench::Result;
use tokio::runtime::Runtime;

fn main() -> Result<()> {
    easyhttp_on::contend_on(|| Ok(Runtime::new()?))
}
