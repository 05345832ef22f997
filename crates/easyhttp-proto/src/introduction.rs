//! TMP
use alloc::vec::Vec;
use core::net::SocketAddr;
use crate::DeviceId;
/// TMP
pub const MOST: usize = 64;
/// TMP
pub fn encode(_: &[(DeviceId, SocketAddr)]) -> Vec<u8> { Vec::new() }
/// TMP
pub fn decode(_: &[u8]) -> Result<Vec<(DeviceId, SocketAddr)>, crate::Malformed> { Ok(Vec::new()) }
