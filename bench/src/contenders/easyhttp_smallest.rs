//! The smallest device that is of use: it is found, and answers. Only its size counts.

use std::future;

use easyhttp::EasyHttpAsync;
use easyhttp_bench::Result;
use easyhttp_bench::runtime::one_thread;

fn main() -> Result<()> {
    one_thread()?.block_on(async {
        let _easy = EasyHttpAsync::builder().on_fetch_async(|_| async { 23.5 }).start().await?;
        future::pending().await
    })
}
