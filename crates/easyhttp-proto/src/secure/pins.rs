//! Which key belongs to which id: the first that proves itself, until somebody who
//! knows better says otherwise.

use alloc::collections::BTreeMap;
use core::fmt;

use super::device::PublicKey;
use crate::{DeviceId, limits};

/// The keys of the devices that are known, at most [`limits::PINS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins(BTreeMap<DeviceId, PublicKey>);

impl Pins {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares the key that a device has proved to have with the one it had first,
    /// and keeps it if it is the first.
    ///
    /// # Errors
    ///
    /// [`IdentityChanged`]: it has another key now, or shows none any more.
    pub fn check(
        &mut self,
        id: DeviceId,
        shown: Option<PublicKey>,
    ) -> Result<Pin, IdentityChanged> {
        match (self.compare(id, shown)?, shown) {
            (Pin::Unpinned, Some(key)) if self.insert(id, key) => Ok(Pin::New),
            (pin, _) => Ok(pin),
        }
    }

    /// The same without keeping it: for what does not make a key that of the device.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn compare(&self, id: DeviceId, shown: Option<PublicKey>) -> Result<Pin, IdentityChanged> {
        match (self.get(id), shown) {
            (None, _) => Ok(Pin::Unpinned),
            (Some(pinned), Some(key)) if pinned == key => Ok(Pin::Known),
            (Some(pinned), shown) => Err(IdentityChanged { id, pinned, shown }),
        }
    }

    /// Pins a key, in place of another one if need be. False if there is no room.
    pub fn insert(&mut self, id: DeviceId, key: PublicKey) -> bool {
        let has_room = self.0.len() < limits::PINS || self.0.contains_key(&id);
        if has_room {
            self.0.insert(id, key);
        }
        has_room
    }

    /// Forgets the key of a device, so that its next one is the first. Gives what it was.
    pub fn forget(&mut self, id: DeviceId) -> Option<PublicKey> {
        self.0.remove(&id)
    }

    /// The key of a device.
    pub fn get(&self, id: DeviceId) -> Option<PublicKey> {
        self.0.get(&id).copied()
    }

    /// All of them, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (DeviceId, PublicKey)> {
        self.0.iter().map(|(id, key)| (*id, *key))
    }
}

/// What is known of a device that may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pin {
    /// Its key is pinned from now on, and worth being kept.
    New,
    /// It has the key that it had before.
    Known,
    /// It has never shown a key, or there is no room for one more.
    Unpinned,
}

/// Somebody uses the id of a device that has another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityChanged {
    /// The id.
    pub id: DeviceId,
    /// The key that it had first.
    pub pinned: PublicKey,
    /// The key that it has proved to have now, if any.
    pub shown: Option<PublicKey>,
}

impl fmt::Display for IdentityChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, pinned, shown } = self;
        write!(f, "{id} had the key {pinned} before, and now ")?;
        match shown {
            Some(shown) => write!(f, "has {shown}"),
            None => f.write_str("shows none"),
        }?;
        write!(
            f,
            ": if the device was replaced or reset, forget the old key; or else it is another"
        )
    }
}

impl core::error::Error for IdentityChanged {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> PublicKey {
        PublicKey([number; 32])
    }

    #[test]
    fn the_first_key_of_a_device_is_its_key_until_it_is_forgotten() {
        let [old, new] = [key(1), key(2)];
        let id = "7H8G2K".parse().unwrap();
        let mut pins = Pins::new();
        assert_eq!(pins.check(id, None), Ok(Pin::Unpinned));
        assert_eq!(pins.compare(id, Some(new)), Ok(Pin::Unpinned));
        assert_eq!(pins.check(id, Some(old)), Ok(Pin::New));
        assert_eq!(pins.check(id, Some(old)), Ok(Pin::Known));
        for shown in [Some(new), None] {
            assert_eq!(pins.check(id, shown), Err(IdentityChanged { id, pinned: old, shown }));
            assert_eq!(pins.compare(id, shown), pins.check(id, shown));
        }
        assert_eq!(pins.compare(id, Some(old)), Ok(Pin::Known));
        assert_eq!(pins.check("AB3F9Z".parse().unwrap(), Some(old)), Ok(Pin::New));
        assert_eq!(pins.forget(id), Some(old));
        assert_eq!(pins.check(id, Some(new)), Ok(Pin::New));
        assert_eq!(pins.iter().count(), 2);
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut pins = Pins::new();
        let mut check = |number: usize| {
            let id = alloc::format!("A{number:05}").parse().unwrap();
            pins.check(id, Some(key(1)))
        };
        for number in 0..limits::PINS {
            assert_eq!(check(number), Ok(Pin::New));
        }
        assert_eq!(check(limits::PINS), Ok(Pin::Unpinned));
        assert_eq!(check(0), Ok(Pin::Known));
    }
}
