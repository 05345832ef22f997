//! `easyhttp trust`: the devices that are known by a key of their own.
//!
//! It works on the file, so the device that has it may run or not: it looks there
//! before it says that another one has changed its identity.

use easyhttp::{Error, StartError, TrustFile};

use crate::args::{Common, Trust};
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::output::Output;
use crate::style::{ID, styled};

/// What `--device-key` is unless it is given.
const DEVICE_KEY: &str = "easyhttp_device.key";

pub(crate) fn run(command: Trust, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let key = common.device_key.clone().unwrap_or_else(|| DEVICE_KEY.into());
    let file = TrustFile::beside(key);
    let failed = |error: StartError| Failure::from(Error::from(error));
    match command {
        Trust::List => {
            let known = file.list().map_err(failed)?;
            if known.is_empty() && !output.is_json() {
                // The file is named, as another one may be meant.
                let path = file.path().display();
                output.text(&format!("no key of another device is in {path}"))?;
            }
            for (id, key) in known {
                output.print(
                    || format!("{}  {key}", styled(ID, id)),
                    || Object::new().with("id", id).with("device_key", key.to_string()),
                )?;
            }
            Ok(Exit::Done)
        }
        Trust::Forget(args) => {
            if !file.forget(args.id).map_err(failed)? {
                let text = format!("{} is not in {}", args.id, file.path().display());
                return Err(Failure::new(Exit::NotFound, "not_trusted", text));
            }
            output.print(
                || format!("{} is forgotten: the next key that it shows is its key", args.id),
                || Object::new().with("id", args.id).with("forgotten", true),
            )?;
            Ok(Exit::Done)
        }
    }
}
