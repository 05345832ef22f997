//! Those who do the job. Each is one file.

mod async_face;
mod bare_hyper;
mod blocking_face;

use tokio::runtime::{Builder, Runtime};

use crate::Result;
use crate::load::Load;

/// A server and a client, each in a process of its own.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// Answers FETCH on a free port of loopback, which it tells, for ever.
    pub(crate) serve: fn(told: fn(u16)) -> Result<()>,
    /// FETCHes from this port until the load is over, on kept connections.
    pub(crate) call: fn(port: u16, load: &'static Load) -> Result<()>,
}

/// The first is what the others are compared with.
pub(crate) const CONTENDERS: &[Contender] = &[
    bare_hyper::ONE_THREAD,
    async_face::ASYNC_HANDLER,
    bare_hyper::TOKIO_MAIN,
    async_face::TOKIO_MAIN,
    async_face::PLAIN_CLOSURE,
    blocking_face::CONTENDER,
];

fn one_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}
