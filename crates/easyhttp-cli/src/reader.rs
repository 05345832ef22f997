//! Whoever reads the standard output: when they have gone, there is nobody left to
//! print for (`easyhttp discover --watch | head -1`).

use std::future::pending;

/// Waits until the standard output is a pipe that nobody reads any more. Otherwise that
/// would be seen with the next line only, which may never come. So it is where the
/// system does not tell of it, as Linux does.
pub(crate) async fn gone() {
    #[cfg(unix)]
    if let Some(stdout) = pipe()
        && stdout.ready(tokio::io::Interest::ERROR).await.is_ok()
    {
        return;
    }
    pending().await
}

/// The standard output, if it is a pipe. It still blocks those who write to it: that is
/// a property of the pipe, which other programs may have as well.
#[cfg(unix)]
fn pipe() -> Option<tokio::net::unix::pipe::Sender> {
    use std::fs::File;
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    let stdout = File::from(std::io::stdout().as_fd().try_clone_to_owned().ok()?);
    let is_pipe = stdout.metadata().ok()?.file_type().is_fifo();
    is_pipe.then(|| tokio::net::unix::pipe::Sender::from_file_unchecked(stdout).ok())?
}
