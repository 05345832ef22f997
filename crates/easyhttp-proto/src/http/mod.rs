//! HTTP/1.1 as devices speak it (RFC 9110, RFC 9112), without sockets.
//!
//! Bytes that arrive go into an [`Incoming`], which says what they mean: first
//! the head of a message, then whether its body is whole. What is to be sent
//! comes from [`head`]. Whoever has the connection reads and writes, and knows
//! how long that may take.
//!
//! What could be read in two ways is refused, never guessed: that is how one
//! request hides in another. A line ends in CRLF and in nothing else, a body has
//! one length or is chunked, never both.

mod body;
mod fault;
mod fields;
pub mod head;
mod incoming;
mod known;
pub mod shared;
mod start;

pub use fault::Fault;
pub use fields::Fields;
pub use incoming::{Incoming, Sizes};
pub use known::Known;
pub use start::{AnswerHead, RequestHead};
