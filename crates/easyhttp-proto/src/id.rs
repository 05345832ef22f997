//! The six-character name of a device.

use alloc::string::{String, ToString};
use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The letters and digits that new ids are made of: none is mistaken for
/// another when read aloud or copied by hand.
pub const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The name of a device: six letters or digits, kept in upper case.
///
/// New ids use [`ALPHABET`] only. Parsing takes every ASCII letter and digit,
/// because devices in the field have names such as `ABC123`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId([u8; DeviceId::LEN]);

impl DeviceId {
    /// How many characters an id has.
    pub const LEN: usize = 6;

    /// Makes a new id of six bytes of entropy, each id equally likely.
    pub fn from_entropy(entropy: [u8; Self::LEN]) -> Self {
        // 256 is a multiple of 32, so the remainder favours no letter.
        Self(entropy.map(|byte| ALPHABET[usize::from(byte) % ALPHABET.len()]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // ASCII by construction, so the default is never taken.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<DeviceId> for [u8; DeviceId::LEN] {
    fn from(id: DeviceId) -> Self {
        id.0
    }
}

impl FromStr for DeviceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let Ok(mut id) = <[u8; Self::LEN]>::try_from(text.as_bytes()) else {
            return Err(InvalidId::new(text));
        };
        // Without a branch for each: there is one in every message, or two.
        let mut is_id = true;
        for byte in &mut id {
            byte.make_ascii_uppercase();
            is_id &= byte.is_ascii_uppercase() | byte.is_ascii_digit();
        }
        if is_id { Ok(Self(id)) } else { Err(InvalidId::new(text)) }
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DeviceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DeviceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is not a device id. Its `Display` shows the text and the alphabet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidId {
    given: String,
}

impl InvalidId {
    /// Enough of a wrong text to recognise it; it may come from anywhere.
    const SHOWN: usize = 32;

    fn new(given: &str) -> Self {
        Self { given: given.chars().take(Self::SHOWN).collect() }
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a device id: an id has six letters or digits, such as 7H8G2K \
             (new ids are made of 23456789ABCDEFGHJKLMNPQRSTUVWXYZ)",
            self.given
        )
    }
}

impl core::error::Error for InvalidId {}

/// Whatever a method takes as a device id: a [`DeviceId`], or a text of six
/// letters or digits.
pub trait IntoDeviceId {
    /// Gives the id, or an error that shows the text and the alphabet.
    fn into_device_id(self) -> Result<DeviceId, InvalidId>;
}

impl<T> IntoDeviceId for T
where
    T: TryInto<DeviceId>,
    T::Error: Into<InvalidId>,
{
    fn into_device_id(self) -> Result<DeviceId, InvalidId> {
        self.try_into().map_err(Into::into)
    }
}

impl TryFrom<&str> for DeviceId {
    type Error = InvalidId;

    fn try_from(text: &str) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl TryFrom<&String> for DeviceId {
    type Error = InvalidId;

    fn try_from(text: &String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl TryFrom<String> for DeviceId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<&DeviceId> for DeviceId {
    fn from(id: &DeviceId) -> Self {
        *id
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.to_string()
    }
}

impl From<Infallible> for InvalidId {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_alphabet_is_equally_likely() {
        let mut counts = [0; 32];
        for byte in 0..=255 {
            let id = DeviceId::from_entropy([byte; 6]);
            let letter = id.as_str().as_bytes()[0];
            counts[ALPHABET.iter().position(|&known| known == letter).unwrap()] += 1;
        }
        assert_eq!(counts, [8; 32]);
    }

    #[test]
    fn either_case_is_one_device() {
        assert_eq!("ab3f9z".parse::<DeviceId>().unwrap().as_str(), "AB3F9Z");
        // The examples of the Python package have letters outside of the alphabet.
        assert_eq!("ABC123".parse::<DeviceId>().unwrap().as_str(), "ABC123");
    }

    #[test]
    fn a_wrong_id_is_shown_with_the_alphabet() {
        for wrong in ["", "AB3F9", "AB3F9ZZ", "AB3F9!", "ÄB3F9", "AB 3F9", "😀AB"] {
            let message = wrong.parse::<DeviceId>().unwrap_err().to_string();
            assert!(message.contains(&alloc::format!("{wrong:?}")), "{message}");
            assert!(message.contains("23456789ABCDEFGHJKLMNPQRSTUVWXYZ"), "{message}");
        }
    }
}
