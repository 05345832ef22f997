//! `easyhttp id`: prints the id that `serve` has.
//!
//! It only reads, so it works while the device runs and holds the file.

use std::io::ErrorKind;
use std::path::Path;

use easyhttp::{DeviceId, Error, StartError};
use serde_json::{Map, Value};

use crate::args::Id;
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::output::Output;

pub(crate) fn run(args: &Id, output: &Output) -> Result<Exit, Failure> {
    let id = read(&args.config)?;
    let file = std::path::absolute(&args.config).unwrap_or_else(|_| args.config.clone());
    output.print(
        || id.to_string(),
        || Object::new().with("id", id).with("file", file.to_string_lossy()),
    )?;
    Ok(Exit::Done)
}

pub(super) fn read(path: &Path) -> Result<DeviceId, Failure> {
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => Failure::new(
            Exit::NotFound,
            "no_device_file",
            format!("there is no device file {} yet", path.display()),
        )
        .with_hint("`easyhttp serve` makes it, with a new id, at its first start"),
        _ => Error::from(StartError::DeviceFile { path: path.to_owned(), action: "read", source })
            .into(),
    })?;
    id_in(&bytes).map_err(|problem| {
        Error::from(StartError::DeviceFileInvalid { path: path.to_owned(), problem }).into()
    })
}

fn id_in(bytes: &[u8]) -> Result<DeviceId, String> {
    let content: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is not a JSON object: {error}"))?;
    match content.get("device_id").and_then(Value::as_str) {
        Some(text) => text.parse().map_err(|invalid| format!("device_id: {invalid}")),
        None => Err("it has no device_id that is a text".to_owned()),
    }
}
