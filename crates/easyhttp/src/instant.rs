//! Deadlines that cannot overflow.

use std::time::{Duration, Instant};

/// As good as never, for any clock.
const DECADES: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// This long from now, or decades from now if that is too far to say.
pub(crate) fn instant_after(span: Duration) -> Instant {
    let now = Instant::now();
    now + span.min(DECADES)
}
