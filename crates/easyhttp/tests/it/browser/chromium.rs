//! The browser, in a process and with a profile of its own.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::folder::Folder;
use crate::support::skip;

/// The browser of this machine. None: there is none, so that the test is
/// skipped.
pub(super) fn find() -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    if found.is_none() {
        let why = "there is no Chromium (on Debian: apt-get install chromium)";
        skip("what web pages in a browser can do", why);
    }
    found
}

/// A browser that runs, and ends with this.
pub(super) struct Chromium {
    child: Child,
    folder: Folder,
}

impl Chromium {
    /// Starts it with a page.
    pub(super) fn start(program: &Path, url: &str) -> Self {
        let folder = Folder::new();
        let log = File::create(folder.join("log")).unwrap();
        let child = Command::new(program)
            .args([
                "--headless",
                // The pages are ours, and its sandbox does not run as root.
                "--no-sandbox",
                // Not needed, not there in every container, or on the network.
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--no-proxy-server",
                // Every name is this machine.
                "--host-resolver-rules=MAP * 127.0.0.1",
                // What a user would have clicked.
                "--disable-popup-blocking",
                "--disable-features=HttpsUpgrades,HttpsFirstBalancedMode",
            ])
            .arg(format!("--user-data-dir={}", folder.join("profile").display()))
            .arg(url)
            .env("HOME", folder.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { child, folder }
    }

    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it said on standard error.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Asked to end, it ends its own processes, and then writes no more to
        // the folder.
        #[cfg(unix)]
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        );
        #[cfg(not(unix))]
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
