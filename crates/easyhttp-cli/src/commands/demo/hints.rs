//! How to talk to the devices of the demo from a second terminal: commands that
//! work as they stand.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use easyhttp::DeviceId;

use super::lamp;
use crate::args::Common;

pub(super) fn all(
    common: &Common,
    sensor: DeviceId,
    lamp: DeviceId,
    address: SocketAddr,
) -> Vec<String> {
    let program = program();
    // Who is on another port of discovery has to be looked for there.
    let port = common.discovery_port.map(|port| format!(" --discovery-port {port}"));
    let port = port.unwrap_or_default();
    vec![
        format!("{program} fetch {sensor}{port}"),
        format!("{program} push {lamp} {}{port}", quoted(&lamp::command("on").to_string())),
        format!(
            "curl http://{address}/easyhttp/api -H {} -d {}",
            quoted("Content-Type: application/json"),
            quoted(r#"{"type":3}"#)
        ),
    ]
}

/// How this program is called from here.
fn program() -> String {
    let Ok(own) = env::current_exe() else { return "easyhttp".to_owned() };
    if is_on_path(&own) {
        return "easyhttp".to_owned();
    }
    let here = env::current_dir().unwrap_or_default();
    let shown = own.strip_prefix(&here).unwrap_or(&own).to_string_lossy().into_owned();
    let is_plain = |char: char| char.is_alphanumeric() || "/\\:._-".contains(char);
    match shown.chars().all(is_plain) {
        // Without a slash the shell would look for it on its path.
        true if !shown.contains(['/', '\\']) => format!("./{shown}"),
        true => shown,
        false => quoted(&shown),
    }
}

/// Whether the shell finds this very program by its name.
fn is_on_path(own: &Path) -> bool {
    let name = format!("easyhttp{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    let first: Option<PathBuf> =
        env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file());
    let real = |path: &Path| path.canonicalize().ok();
    first.is_some_and(|first| real(&first) == real(own))
}

/// A text as one argument.
fn quoted(text: &str) -> String {
    match cfg!(windows) {
        true => format!("\"{}\"", text.replace('"', "\\\"")),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
