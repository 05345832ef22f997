//! What a device is started with.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use easyhttp::{AfterCrash, Builder, EasyHttpAsync, Limits};
use pyo3::prelude::*;

/// The arguments of the constructors, after Python has checked them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    port: Option<u16>,
    address: Option<IpAddr>,
    config_file: PathBuf,
    id: Option<String>,
    enable_discovery: bool,
    discovery_port: u16,
    announce_interval: f64,
    interfaces: Vec<String>,
    all_interfaces: bool,
    peers: Vec<String>,
    dns_sd: bool,
    sweep: bool,
    allow_origins: Vec<String>,
    host_names: Vec<String>,
    network_keys: Vec<String>,
    encrypt: bool,
    device_key: Option<PathBuf>,
    allow_legacy: bool,
    timeout: f64,
    outbox_file: Option<PathBuf>,
    outbox_items: usize,
    outbox_bytes: usize,
    durable: Option<String>,
}

impl Settings {
    pub(crate) fn builder(self) -> Builder<EasyHttpAsync> {
        let mut limits = Limits::default();
        limits.outbox_items = self.outbox_items;
        limits.outbox_bytes = self.outbox_bytes;
        let mut builder = EasyHttpAsync::builder()
            .limits(limits)
            .config_file(self.config_file)
            .discovery(self.enable_discovery)
            .discovery_port(self.discovery_port)
            .announce_interval(seconds(self.announce_interval))
            .interfaces(self.interfaces)
            .dns_sd(self.dns_sd)
            .sweep(self.sweep)
            .network_keys(self.network_keys)
            .encrypt(self.encrypt)
            .allow_legacy(self.allow_legacy)
            .timeout(seconds(self.timeout));
        if let Some(path) = self.outbox_file {
            builder = builder.outbox_file(path);
        }
        builder = match self.durable.as_deref() {
            Some("run_again") => builder.durable(AfterCrash::RunAgain),
            Some(_) => builder.durable(AfterCrash::Unknown),
            None => builder,
        };
        if let Some(path) = self.device_key {
            builder = builder.device_key(path);
        }
        if let Some(id) = self.id {
            builder = builder.id(id);
        }
        if let Some(address) = self.address {
            builder = builder.address(address);
        }
        builder = match self.port {
            Some(port) => builder.port(port),
            None => builder.ask_only(),
        };
        if self.all_interfaces {
            builder = builder.all_interfaces();
        }
        builder = self.peers.into_iter().fold(builder, Builder::peer);
        builder = self.allow_origins.into_iter().fold(builder, Builder::allow_origin);
        self.host_names.into_iter().fold(builder, Builder::host_name)
    }
}

/// A time that Python gives in seconds. What is too long for a clock is for ever.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
