//! Values of which there are no two.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// The nonces of requests: a random part of this process, and a number. They need
/// not be secret, and a system call for each would cost more than the signature.
pub(super) struct Nonces {
    process: [u8; 8],
    next: AtomicU64,
}

impl Nonces {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut process = [0; 8];
        getrandom::fill(&mut process)?;
        Ok(Self { process, next: AtomicU64::new(0) })
    }

    pub(super) fn next(&self) -> [u8; 16] {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.process);
        nonce[8..].copy_from_slice(&number.to_le_bytes());
        nonce
    }
}

/// The salt of a sealed body. Two bodies with one salt would reveal each other, also
/// if this process was copied while it ran, so each is drawn.
pub(super) fn salt() -> io::Result<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    Ok(salt)
}
