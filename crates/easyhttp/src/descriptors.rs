//! How many files this process may have open: each connection takes one.

/// So many of them as one in `parts`. Of all that a process may have open, a third is for
/// the connections of others, a quarter for calls to many devices at once, and a fifth for
/// connections that wait for the next call. What is left is for other calls, for discovery
/// and for the rest of the program.
#[cfg(unix)]
pub(crate) fn one_in(parts: usize) -> usize {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    (most / parts).max(1)
}

/// On Windows, sockets are not counted.
#[cfg(not(unix))]
pub(crate) fn one_in(_parts: usize) -> usize {
    usize::MAX
}
