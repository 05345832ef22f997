//! The builder, and what it sets.

use std::net::Ipv4Addr;
use std::time::Duration;

use easyhttp::{Builder, Limits, Value};

use super::{Face, device, on_both_faces, pair};
use crate::support::folder::Folder;
use crate::support::own_port;

on_both_faces!(
    every_setting_is_there_on_both_faces,
    the_builder_and_the_device_can_be_printed,
    what_is_set_later_counts,
);

/// All settings of the builder, for whichever face: what one of them lacks
/// does not compile.
fn all_settings<Device>(builder: Builder<Device>, folder: &Folder) -> Builder<Device> {
    builder
        .debug(false)
        .port(0)
        .address(Ipv4Addr::LOCALHOST)
        .ask_only()
        .config_file(folder.join("device.json"))
        .id("AB3F9Z")
        .random_id()
        .discovery(true)
        .discovery_port(own_port())
        .announce_interval(Duration::from_secs(5))
        .all_interfaces()
        .interfaces(["lo"])
        .peer("kitchen.example:5000")
        .dns_sd(false)
        .sweep(false)
        .allow_origin("http://panel.local:8080")
        .host_name("kitchen.local")
        .limits(Limits::default())
        .timeout(Duration::from_secs(1))
        .on_ping(|_| ())
        .on_pong(|_| ())
        .on_fetch(|_| Value::Null)
        .on_data(|_| ())
        .on_push(|_| true)
        .on_joined(|_| ())
        .on_left(|_| ())
        .on_lost(|_| ())
        .on_moved(|_| ())
        .on_duplicate_id(|_| ())
}

fn every_setting_is_there_on_both_faces<F: Face>() {
    let folder = Folder::new();
    let device = F::start_with(all_settings(F::builder(), &folder)).unwrap();
    assert_eq!(device.port(), None);
    // There is a start with the defaults too. It would use the port 5000.
    let _: fn() -> easyhttp::Result<F> = F::start;
}

fn the_builder_and_the_device_can_be_printed<F: Face>() {
    let builder = device::<F>().id("AB3F9Z");
    assert!(format!("{builder:?}").contains("AB3F9Z"));
    let device = F::start_with(builder).unwrap();
    let printed = format!("{device:?}");
    assert!(printed.contains("AB3F9Z"), "{printed}");
    assert!(printed.contains(&device.port().unwrap().to_string()), "{printed}");
}

fn what_is_set_later_counts<F: Face>() {
    let (asking, answering) = pair::<F>(
        device::<F>().id("AB3F9Z").id("ZZZZZZ").ask_only().port(0).on_fetch(|_| 1).on_fetch(|_| 2),
    );
    assert_eq!(answering.id().as_str(), "ZZZZZZ");
    assert_eq!(asking.fetch("ZZZZZZ", ()).unwrap(), 2);
}
