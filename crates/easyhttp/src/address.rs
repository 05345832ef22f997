//! What the user may give as the address of a device.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use easyhttp_proto::peers::can_be_address;

use crate::error::{Error, Result};

/// Whatever a method takes as an address: a [`SocketAddr`], an IP address with
/// a port, or a text such as `"192.168.1.23:5000"`. Names are not looked up.
pub trait IntoAddress {
    /// Gives the address, or an error that shows the text.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddress`].
    fn into_address(self) -> Result<SocketAddr>;
}

impl IntoAddress for SocketAddr {
    fn into_address(self) -> Result<SocketAddr> {
        match can_be_address(self) {
            true => Ok(self),
            false => Err(Error::InvalidAddress(self.to_string())),
        }
    }
}

macro_rules! ip_and_port {
    ($($Ip:ty),*) => {$(
        impl IntoAddress for ($Ip, u16) {
            fn into_address(self) -> Result<SocketAddr> {
                SocketAddr::new(self.0.into(), self.1).into_address()
            }
        }
    )*};
}

ip_and_port!(IpAddr, Ipv4Addr, Ipv6Addr, [u8; 4]);

impl IntoAddress for (&str, u16) {
    fn into_address(self) -> Result<SocketAddr> {
        let (ip, port) = self;
        let invalid = |_| Error::InvalidAddress(format!("{ip}:{port}"));
        (ip.parse::<IpAddr>().map_err(invalid)?, port).into_address()
    }
}

impl IntoAddress for &str {
    fn into_address(self) -> Result<SocketAddr> {
        self.parse::<SocketAddr>()
            .map_err(|_| Error::InvalidAddress(self.to_owned()))?
            .into_address()
    }
}

impl IntoAddress for &String {
    fn into_address(self) -> Result<SocketAddr> {
        self.as_str().into_address()
    }
}

impl IntoAddress for String {
    fn into_address(self) -> Result<SocketAddr> {
        self.as_str().into_address()
    }
}
