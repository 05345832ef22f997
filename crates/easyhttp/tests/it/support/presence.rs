//! Devices of which there is nothing but what they say to the group.

use easyhttp::DeviceId;

use super::udp;

/// A device says that it is here. It answers nowhere.
pub(crate) fn comes(discovery_port: u16, who: DeviceId, boot: u32) {
    say(discovery_port, "8", who, boot);
}

/// It says goodbye.
pub(crate) fn goes(discovery_port: u16, who: DeviceId, boot: u32) {
    say(discovery_port, "\"bye\"", who, boot);
}

fn say(discovery_port: u16, kind: &str, who: DeviceId, boot: u32) {
    let datagram = format!(r#"{{"type":{kind},"id":"{who}","port":9,"boot":{boot},"every":1000}}"#);
    udp::multicast(discovery_port, datagram);
}
