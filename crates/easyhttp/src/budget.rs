//! Memory that all connections share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use easyhttp_proto::limits;

/// How many bytes large bodies may still have.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
}

/// What one connection has of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    held: usize,
}

/// What everybody has without asking: a small body and its head.
const FREE: usize = limits::SMALL_BODY + limits::HEADER_BLOCK;

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: AtomicUsize::new(bytes) }
    }

    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), held: 0 }
    }
}

impl Share {
    /// Holds what so many bytes take, and gives back what was held beyond that. False
    /// if there is not enough; then nothing changes.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let wanted = if bytes > FREE { bytes } else { 0 };
        let left = &self.budget.left;
        if wanted <= self.held {
            if wanted < self.held {
                left.fetch_add(self.held - wanted, Ordering::Relaxed);
                self.held = wanted;
            }
            return true;
        }
        let more = wanted - self.held;
        let taken =
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
        if taken.is_ok() {
            self.held = wanted;
        }
        taken.is_ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_holds_another_cannot_and_small_bodies_are_free() {
        let budget = Arc::new(Budget::new(1_000_000));
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.hold(600_000));
        assert!(!other.hold(600_000));
        assert!(other.hold(FREE) && other.hold(400_000));
        assert!(!one.hold(600_001) && one.hold(500_000) && other.hold(500_000));
        drop(other);
        assert!(one.hold(1_000_000));
        assert_eq!(budget.left.load(Ordering::Relaxed), 0);
    }
}
