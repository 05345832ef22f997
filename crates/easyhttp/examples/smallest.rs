//! The smallest device: it serves, and discovers others. Built for size, without
//! what it does not use:
//!
//! ```sh
//! cargo build --profile small -p easyhttp --no-default-features --example smallest
//! ```
//!
//! Ctrl-C ends it.

use std::future::pending;

use easyhttp::EasyHttpAsync;

fn main() -> easyhttp::Result<()> {
    // One thread is enough, and a runtime of one is smaller than that of many.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(easyhttp::StartError::Runtime)?.block_on(async {
        let builder = EasyHttpAsync::builder().on_fetch_async(|_| async { "here" });
        let _device = builder.start().await?;
        pending().await
    })
}
