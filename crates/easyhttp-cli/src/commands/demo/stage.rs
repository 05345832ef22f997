//! The three devices of the demo.

use std::net::SocketAddr;

use easyhttp::{Builder, EasyHttpAsync};
use tokio::sync::mpsc::UnboundedSender;

use super::controller::Controller;
use super::event::{Event, Role, Witness};
use super::{hints, lamp, sensor};
use crate::args::{Common, Demo, Finding};
use crate::failure::Failure;
use crate::network::{self, own_address};

/// The devices, on ports that were free, with ids of their own.
pub(super) struct Stage {
    pub(super) controller: Controller,
    sensor: EasyHttpAsync,
    lamp: EasyHttpAsync,
}

impl Stage {
    /// Starts the devices. None is told where the others are.
    pub(super) async fn set(
        args: &Demo,
        common: &Common,
        events: UnboundedSender<Event>,
    ) -> Result<Self, Failure> {
        let ip = own_address(common);
        let address = |device: &EasyHttpAsync| {
            let port = device.port().unwrap_or_default();
            SocketAddr::new(ip, port)
        };
        let tell = |role, device: &EasyHttpAsync| {
            let started = Event::Started { role, id: device.id(), address: address(device) };
            let _ = events.send(started);
        };

        let device = builder(common)?.start().await?;
        let witness = |role| Witness { role, controller: device.id(), events: events.clone() };
        let sensor = sensor::equip(builder(common)?, witness(Role::Sensor)).start().await?;
        let lamp = lamp::equip(builder(common)?, witness(Role::Lamp)).start().await?;
        tell(Role::Sensor, &sensor);
        tell(Role::Lamp, &lamp);
        tell(Role::Controller, &device);
        // After one round they are gone, before anybody could ask them.
        if !args.once {
            let hints = hints::all(common, sensor.id(), lamp.id(), address(&sensor));
            let _ = events.send(Event::Hints(hints));
        }

        let controller = Controller { device, sensor: sensor.id(), lamp: lamp.id(), events };
        Ok(Self { controller, sensor, lamp })
    }

    /// Says goodbye, and stops.
    pub(super) async fn clear(&self) {
        tokio::join!(self.controller.device.stop(), self.sensor.stop(), self.lamp.stop());
    }
}

fn builder(common: &Common) -> Result<Builder<EasyHttpAsync>, Failure> {
    Ok(network::builder(common, &Finding::default())?.port(0).random_id())
}
