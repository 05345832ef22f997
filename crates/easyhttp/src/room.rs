//! The memory that the last large JSON was written to, for the next one.
//!
//! What is allocated anew is cleared by the system page by page, when it is first written
//! to. For an answer of a megabyte this takes as long as to send it. There is one room for
//! all devices of the program: whoever writes does not know for which it is.

use std::mem;
use std::sync::Mutex;

use crate::lock::lock;

/// What has more bytes is large. To have less anew costs little.
const LARGE: usize = 32 * 1024;

static SPARE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Makes room for so many bytes more behind what is written.
#[cold]
pub(crate) fn grow(written: &mut Vec<u8>, more: usize) {
    let wanted = written.len() + more;
    if wanted > LARGE {
        let mut spare = mem::take(&mut *lock(&SPARE));
        if spare.capacity() >= wanted {
            spare.clear();
            spare.append(written);
            *written = spare;
        }
    }
    written.reserve(more);
}

/// Who keeps the room of what it has written, for as long as it is there.
#[derive(Default)]
pub(crate) struct Keeper {
    has_kept: bool,
}

impl Keeper {
    /// Keeps the room of what nobody wants any more, if it is large.
    pub(crate) fn keep(&mut self, written: Vec<u8>) {
        if written.capacity() > LARGE {
            self.has_kept = true;
            let mut spare = lock(&SPARE);
            if spare.capacity() < written.capacity() {
                *spare = written;
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.has_kept {
            *lock(&SPARE) = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_room_is_used_again_and_goes_with_the_last_who_kept_it() {
        let spare = || lock(&SPARE).capacity();
        let mut keeper = Keeper::default();
        keeper.keep(b"small".to_vec());
        assert_eq!(spare(), 0);
        let mut written = b"[1".to_vec();
        grow(&mut written, 2 * LARGE);
        keeper.keep(written);
        assert!(spare() > LARGE);
        let mut written = b"[2".to_vec();
        grow(&mut written, 10);
        assert!(spare() > LARGE, "what is small does not need it");
        grow(&mut written, LARGE);
        assert_eq!((&*written, spare()), (&b"[2"[..], 0));
        assert!(written.capacity() > 2 * LARGE);
        keeper.keep(written);
        drop(keeper);
        assert_eq!(spare(), 0);
    }
}
