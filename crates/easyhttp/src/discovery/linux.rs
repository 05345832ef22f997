//! What Linux offers to a device that wants to be woken seldom: a timer that wakes
//! it once, and news of the interfaces.

use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A timer. Its clock runs on while the machine sleeps: what was due then rings as
/// soon as the machine wakes.
pub(super) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        readable(timerfd_create(TimerfdClockId::Boottime, flags)?).map(Self)
    }

    /// Lets it ring once, after this time instead of any other. Zero switches it off.
    pub(super) fn set(&self, left: Duration) -> io::Result<()> {
        let it_value = left.try_into().map_err(io::Error::other)?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Returns when it rings. Once in a while it does so for a time to which it is
    /// set no more.
    pub(super) async fn ring(&self) {
        let Ok(mut ready) = self.0.readable().await else { return pending().await };
        ready.clear_ready();
    }
}

/// The groups of rtnetlink(7) that are told of interfaces, and of their addresses.
const LINK: u32 = 0x1;
const IPV4_ADDRESS: u32 = 0x10;
const IPV6_ADDRESS: u32 = 0x100;

/// Hears that an interface or an address has come, gone or changed. Which one is
/// looked up, as on other systems.
pub(super) struct News(AsyncFd<OwnedFd>);

impl News {
    pub(super) fn listen() -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // The protocol for routes is number 0, which is what none means.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, LINK | IPV4_ADDRESS | IPV6_ADDRESS))?;
        readable(socket).map(Self)
    }

    /// Returns when there are any.
    pub(super) async fn next(&self) {
        let Ok(mut ready) = self.0.readable().await else { return pending().await };
        // Reading one byte takes a whole message. If there were more than the system
        // keeps, an error says so, once.
        while !matches!(recv(&self.0, &mut [0; 1], RecvFlags::empty()), Err(Errno::AGAIN)) {}
        ready.clear_ready();
    }
}

fn readable(file: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(deprecated, reason = "right for what owns its file: the other one is unsafe")]
    AsyncFd::with_interest(file, Interest::READABLE)
}
