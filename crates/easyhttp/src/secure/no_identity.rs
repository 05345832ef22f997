//! Keys of devices for those who build without the feature `device-keys`: no device has one.

use easyhttp_proto::DeviceId;
use easyhttp_proto::secure::{DeviceKey, PublicKey};

use super::{Impostor, SecureSettings};
use crate::error::StartError;

pub(super) enum Identity {}

impl Identity {
    pub(super) fn open(_: &SecureSettings) -> Result<Option<Self>, StartError> {
        Ok(None)
    }

    pub(super) fn key(&self) -> &DeviceKey {
        match *self {}
    }

    pub(super) fn check(&self, _: DeviceId, _: Option<PublicKey>) -> Result<(), Impostor> {
        match *self {}
    }

    pub(super) fn compare(&self, _: DeviceId, _: Option<PublicKey>) -> Result<(), Impostor> {
        match *self {}
    }
}
