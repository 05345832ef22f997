//! Network keys, which Python keeps as texts.

use easyhttp::NetworkKey;
use pyo3::prelude::*;

use crate::errors::raise;

/// The text of the network key that is made of 16 random bytes.
#[pyfunction]
pub(crate) fn key_text(entropy: [u8; NetworkKey::LEN]) -> String {
    NetworkKey::from_entropy(entropy).text().to_string()
}

/// The name of a network key, which is no secret.
#[pyfunction]
pub(crate) fn key_id(py: Python<'_>, key: &str) -> PyResult<String> {
    let key = key.parse::<NetworkKey>();
    key.map(|key| key.id().to_string()).map_err(|invalid| raise(py, &invalid.into()))
}
