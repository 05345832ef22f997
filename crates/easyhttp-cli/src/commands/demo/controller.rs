//! The controller of the demo: it finds the others by multicast, and asks them.

use std::fmt::Display;
use std::time::{Duration, Instant};

use easyhttp::{DeviceId, EasyHttpAsync, Error, Peer, json};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;

use super::event::{Event, Outcome, Role};
use super::lamp::{self, State};
use super::sensor::Reading;
use crate::failure::{Exit, Failure};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);

/// How many rounds pass until the lamp is switched again.
const SWITCH_EVERY: u64 = 4;

/// How many rounds pass until it is asked for what it refuses.
const REFUSED_EVERY: u64 = 12;

/// How many rounds the lamp is left as somebody else has switched it.
const RESPECT: u64 = 20;

/// A device that asks the others of the demo.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) device: EasyHttpAsync,
    pub(super) sensor: DeviceId,
    pub(super) lamp: DeviceId,
    pub(super) events: UnboundedSender<Event>,
}

impl Controller {
    /// Finds both, as a device that knows nothing but their ids.
    pub(super) async fn find(&self, wait: Duration) -> Result<(), Failure> {
        let started = Instant::now();
        let find = |role, id| async move {
            let peer = self.device.find(id, wait).await.map_err(Failure::from)?;
            let after = started.elapsed();
            self.tell(Event::Found { role, id, address: peer.address(), after });
            Ok::<_, Failure>(())
        };
        tokio::try_join!(find(Role::Sensor, self.sensor), find(Role::Lamp, self.lamp))?;
        Ok(())
    }

    /// Everything once. The first thing that fails ends it.
    pub(super) async fn once(&self) -> Result<(), Failure> {
        self.ping().await?;
        self.read().await?;
        self.switch("on").await?;
        let state = self.look().await?;
        if state.led != "on" {
            let message = format!("the lamp is {:?} after it was switched on", state.led);
            return Err(Failure::new(Exit::Other, "demo", message));
        }
        self.overdo().await?;
        self.tell(Event::Worked);
        Ok(())
    }

    /// Round by round, for ever. What fails is told, and tried again.
    pub(super) async fn run(&self) {
        let mut rounds = tokio::time::interval(ROUND);
        let mut left_alone = 0;
        for round in 1_u64.. {
            rounds.tick().await;
            let _ = self.read().await;
            if let Ok(state) = self.look().await {
                // When somebody else has switched the lamp, it stays so for a while.
                let is_ours = state.by.is_none_or(|id| id == self.device.id());
                left_alone = if is_ours { 0 } else { left_alone + 1 };
                if round % SWITCH_EVERY == 0 && (is_ours || left_alone > RESPECT) {
                    let _ = self.switch(if state.led == "on" { "off" } else { "on" }).await;
                }
            }
            if round % REFUSED_EVERY == 2 {
                let _ = self.overdo().await;
            }
            self.tell(Event::Others(self.others()));
        }
    }

    async fn ping(&self) -> Result<(), Failure> {
        let asking = async { Ok(self.device.ping(self.sensor).await?) };
        self.call(Role::Sensor, "ping", asking, |_| Outcome::Pong).await?;
        Ok(())
    }

    async fn read(&self) -> Result<(), Failure> {
        self.fetch::<Reading>(Role::Sensor, self.sensor).await?;
        Ok(())
    }

    async fn look(&self) -> Result<State, Failure> {
        self.fetch(Role::Lamp, self.lamp).await
    }

    async fn switch(&self, led: &str) -> Result<(), Failure> {
        let command = lamp::command(led);
        let asking = async { Ok(self.device.push(self.lamp, &command).await?) };
        self.call(Role::Lamp, &format!("push {command}"), asking, |()| Outcome::Accepted).await
    }

    /// Asks of the lamp what it cannot do, which it has to refuse in its words.
    async fn overdo(&self) -> Result<(), Failure> {
        let command = json!({"command": "fan", "state": "on"});
        let asking = async {
            let reason = match self.device.push(self.lamp, &command).await {
                Err(Error::Refused { reason, .. }) => reason.unwrap_or_default(),
                Err(error) => return Err(error.into()),
                Ok(()) => String::new(),
            };
            match lamp::switch(&command) {
                Err(expected) if expected == reason => Ok(reason),
                _ => {
                    let message = format!("the lamp should have refused {command}: {reason:?}");
                    Err(Failure::new(Exit::Other, "demo", message))
                }
            }
        };
        let call = format!("push {command}");
        self.call(Role::Lamp, &call, asking, |reason| Outcome::Refused(reason.clone())).await?;
        Ok(())
    }

    async fn fetch<T: DeserializeOwned + Display>(
        &self,
        role: Role,
        id: DeviceId,
    ) -> Result<T, Failure> {
        let asking = async {
            let json: Box<RawValue> = self.device.fetch_as(id, ()).await?;
            let value: T = serde_json::from_str(json.get())
                .map_err(|source| Error::UnexpectedData { id, source })?;
            Ok((json, value))
        };
        let outcome = |(json, value): &(Box<RawValue>, T)| Outcome::Data {
            json: json.clone(),
            words: value.to_string(),
        };
        let (_, value) = self.call(role, "fetch", asking, outcome).await?;
        Ok(value)
    }

    /// Asks, and tells what came of it.
    async fn call<T>(
        &self,
        role: Role,
        call: &str,
        asking: impl Future<Output = Result<T, Failure>>,
        outcome: impl FnOnce(&T) -> Outcome,
    ) -> Result<T, Failure> {
        let id = if role == Role::Sensor { self.sensor } else { self.lamp };
        let asked = Instant::now();
        let answer = asking.await;
        let took = asked.elapsed();
        let outcome = match &answer {
            Ok(value) => outcome(value),
            Err(failure) => Outcome::failed(failure),
        };
        self.tell(Event::Called { role, id, call: call.to_owned(), took, outcome });
        answer
    }

    /// The devices that are not of the demo.
    fn others(&self) -> Vec<Peer> {
        let is_other = |peer: &Peer| peer.id != self.sensor && peer.id != self.lamp;
        self.device.devices().into_iter().filter(is_other).collect()
    }

    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}
