//! What targets share: HTTP as hyper understands it, to compare ours with.

pub mod http;
