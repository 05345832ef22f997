//! What Linux offers and other systems do not: see `linux`.

use std::io;
use std::time::Duration;

pub(super) enum Timer {}

impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn set(&self, _: Duration) -> io::Result<()> {
        match *self {}
    }

    pub(super) async fn ring(&self) {
        match *self {}
    }
}

pub(super) enum News {}

impl News {
    pub(super) fn listen() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) async fn next(&self) {
        match *self {}
    }
}
