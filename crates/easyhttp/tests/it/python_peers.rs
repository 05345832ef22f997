//! The devices that are already out there: the real Python package on the
//! other side, its own client and server, unmodified.
//!
//! `cargo xtask test` installs the package and names its interpreter in
//! `EASYHTTP_TEST_PYTHON`. Without that these tests are skipped, and say so.

mod meeting;
mod program;
mod python_asks;
mod requests;
mod rust_asks;

use easyhttp::{Builder, EasyHttp};

use crate::support::{PATIENCE, quiet};

/// A device that has patience with a Python that starts while others do.
fn device<Face>(builder: Builder<Face>) -> Builder<Face> {
    quiet(builder).timeout(PATIENCE)
}

/// The same, started.
fn start() -> EasyHttp {
    device(EasyHttp::builder()).start().unwrap()
}
