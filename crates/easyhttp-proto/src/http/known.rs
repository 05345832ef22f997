//! A head that comes again.

use alloc::vec::Vec;

use super::fields::Framing;

/// How large a head may be to be remembered, in bytes: that of a device has a third.
const MOST: usize = 512;

/// What a head was found to mean. Who asks once more, or is asked once more, mostly says
/// it in the same bytes: then they mean the same, and need not be read again.
#[derive(Debug, Clone)]
pub struct Known<T> {
    /// All of it, to its empty line.
    pub(super) head: Vec<u8>,
    pub(super) framing: Framing,
    /// None: no head is known.
    pub(super) meaning: Option<T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { head: Vec::new(), framing: Framing::Length(0), meaning: None }
    }
}

impl<T> Known<T> {
    pub(super) fn is(&mut self, head: &[u8], framing: Framing, meaning: T) {
        self.meaning = None;
        if head.len() <= MOST {
            self.head.clear();
            self.head.extend_from_slice(head);
            self.framing = framing;
            self.meaning = Some(meaning);
        }
    }
}
