//! The network keys that the user gave: by `--key`, by `--key-file`, or in
//! `EASYHTTP_KEY`, the first of these that is there.

use std::env;
use std::path::PathBuf;

use easyhttp::{InvalidKey, NetworkKey, read_key_file};

use crate::args::Common;
use crate::failure::Failure;
use crate::secret::Secret;

const VARIABLE: &str = "EASYHTTP_KEY";

/// Where keys are from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// They stand on the command line.
    CommandLine,
    File(PathBuf),
    Environment,
}

/// The keys, of which the first one signs. None at all: the device is open.
pub(crate) fn given(common: &Common) -> Result<Vec<NetworkKey>, Failure> {
    Ok(find(common)?.map_or_else(Vec::new, |(_, keys)| keys))
}

/// The keys, and where they are from.
pub(crate) fn find(common: &Common) -> Result<Option<(Origin, Vec<NetworkKey>)>, Failure> {
    if !common.keys.is_empty() {
        let keys = common.keys.iter().map(|key| key.text().parse());
        return Ok(Some((Origin::CommandLine, keys.collect::<Result<_, InvalidKey>>()?)));
    }
    if let Some(path) = &common.key_file {
        return Ok(Some((Origin::File(path.clone()), read_key_file(path)?)));
    }
    let Some(text) = env::var_os(VARIABLE) else { return Ok(None) };
    // One that is set to nothing is a mistake: without a key the device would be open.
    let text = Secret::from(text.into_string().unwrap_or_default());
    let key = text.text().parse::<NetworkKey>().map_err(|invalid| {
        Failure::from(invalid).with_hint(format!(
            "the key is the one that {VARIABLE} has; a file with keys is given by --key-file"
        ))
    })?;
    Ok(Some((Origin::Environment, vec![key])))
}
