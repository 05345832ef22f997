//! For contenders on tokio.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

use crate::{Caller, Load, Result};

/// A runtime that is the thread it is driven from.
///
/// # Errors
///
/// The system gives no more files.
pub fn one_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// As many callers as shall be in flight, until all of them are done.
///
/// # Errors
///
/// Those of a caller.
pub async fn callers<F>(load: &'static Load, call: impl Fn(Caller) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    // A single caller needs no task of its own.
    let others: Vec<_> =
        (1..load.task().in_flight).map(|_| tokio::spawn(call(load.caller()))).collect();
    call(load.caller()).await?;
    for other in others {
        other.await??;
    }
    Ok(())
}
