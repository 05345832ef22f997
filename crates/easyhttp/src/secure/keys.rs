//! Network keys as a user gives them.

use easyhttp_proto::secure::{InvalidKey, Keyring, NetworkKey};

/// What can be given as a network key: a [`NetworkKey`], or its text.
pub trait IntoNetworkKey {
    /// The key.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] says what is wrong with a text, and does not show it.
    fn into_network_key(self) -> Result<NetworkKey, InvalidKey>;
}

impl IntoNetworkKey for NetworkKey {
    fn into_network_key(self) -> Result<NetworkKey, InvalidKey> {
        Ok(self)
    }
}

impl IntoNetworkKey for &str {
    fn into_network_key(self) -> Result<NetworkKey, InvalidKey> {
        self.parse()
    }
}

impl IntoNetworkKey for String {
    fn into_network_key(self) -> Result<NetworkKey, InvalidKey> {
        self.parse()
    }
}

/// The keys of a device, of which the first one signs. None if there are none.
pub(crate) fn keyring<K: IntoNetworkKey>(
    keys: impl IntoIterator<Item = K>,
) -> Result<Option<Keyring>, InvalidKey> {
    let mut keys = keys.into_iter();
    let Some(signing) = keys.next() else { return Ok(None) };
    let signing = signing.into_network_key()?;
    let accepted = keys.map(K::into_network_key).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Keyring::new(signing, accepted)))
}
