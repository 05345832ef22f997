//! Devices as their users see them, on real sockets.

mod device_file;
mod faces;
mod hostile;
mod http;
mod python_peers;
mod support;
