//! `easyhttp key`: makes and checks network keys.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use easyhttp::{Error, InvalidKey, KeyText, NetworkKey, StartError, read_key_file};
use zeroize::Zeroizing;

use crate::args::{CheckKey, Common, Key, NewKey};
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::keys::{self, Origin};
use crate::output::Output;
use crate::style::{ID, styled};

/// The most of standard input that is read for keys: as much as a key file may have.
const INPUT: u64 = 16 * 1024;

pub(crate) fn run(command: Key, common: &Common, output: &Output) -> Result<Exit, Failure> {
    match command {
        Key::New(args) => new(&args, output),
        Key::Check(args) => check(args, common, output),
    }
}

fn new(args: &NewKey, output: &Output) -> Result<Exit, Failure> {
    let mut entropy = Zeroizing::new([0; NetworkKey::LEN]);
    getrandom::fill(&mut entropy[..])
        .map_err(|error| Error::from(StartError::Randomness(error)))?;
    let key = NetworkKey::from_entropy(*entropy);
    let (id, text) = (key.id().to_string(), key.text());
    match &args.file {
        None => output.print(
            || text.to_string(),
            || Object::new().with("key_id", &id).with("key", text.to_string()),
        )?,
        Some(path) => {
            write(path, &id, &text)?;
            output.print(
                || format!("the key with the id {} is in {}", styled(ID, &id), path.display()),
                || Object::new().with("key_id", &id).with("file", absolute(path)),
            )?;
        }
    }
    Ok(Exit::Done)
}

/// Writes a file that the user alone may read. When this returns it is on disk.
fn write(path: &Path, id: &str, text: &KeyText) -> Result<(), Failure> {
    let mut file = create(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(
            Exit::Other,
            "key_file_exists",
            format!("{} is there already, and may hold a key that is in use", path.display()),
        )
        .with_hint(
            "choose another name; to change the key of a network, put the new one above the old \
             one in each device's file",
        ),
        _ => failed(path, &error),
    })?;
    let written = writeln!(file, "# network key {id}\n{text}").and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = fs::remove_file(path);
        failed(path, &error)
    })
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot write the key file {}: {error}", path.display());
    Failure::new(Exit::Other, "key_file", text)
}

fn check(args: CheckKey, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let is_named = args.key.is_some() || args.file.is_some();
    if is_named && (!common.keys.is_empty() || common.key_file.is_some()) {
        return Err(Failure::usage("there is more than one key to check: give one"));
    }
    let (origin, keys) = match (args.key, args.file) {
        (Some(key), _) if key.text() == "-" => ("standard input".to_owned(), read()?),
        (Some(key), _) => ("the command line".to_owned(), vec![key.text().parse()?]),
        (None, Some(path)) => (named(&path), read_key_file(&path)?),
        (None, None) => match keys::find(common)? {
            Some((Origin::CommandLine, keys)) => ("the command line".to_owned(), keys),
            Some((Origin::File(path), keys)) => (named(&path), keys),
            Some((Origin::Environment, keys)) => ("EASYHTTP_KEY".to_owned(), keys),
            None => {
                return Err(Failure::usage("there is no key to check")
                    .with_hint("give KEY, --file FILE, or - for standard input"));
            }
        },
    };
    let ids: Vec<_> = keys.iter().map(|key| key.id().to_string()).collect();
    output.print(
        || match &ids[..] {
            [id] => format!("the key of {origin} is right: {}", styled(ID, id)),
            ids => {
                let uses = ["signs"].into_iter().chain(std::iter::repeat("is accepted"));
                let lines = ids.iter().zip(uses);
                let lines = lines.map(|(id, is)| format!("\n  {} {is}", styled(ID, id)));
                format!("the keys of {origin} are right:{}", lines.collect::<String>())
            }
        },
        || Object::new().with("key_ids", &ids).with("from", &origin),
    )?;
    Ok(Exit::Done)
}

/// The keys on standard input: a key alone, or what is in a key file.
fn read() -> Result<Vec<NetworkKey>, Failure> {
    let mut text = Zeroizing::new(Vec::with_capacity(INPUT as usize + 1));
    let read = io::stdin().lock().take(INPUT).read_to_end(&mut text);
    read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    let keys = NetworkKey::parse_lines(&text).map_err(|(_, problem)| problem)?;
    if keys.is_empty() { Err(InvalidKey::Empty.into()) } else { Ok(keys) }
}

fn named(path: &Path) -> String {
    path.display().to_string()
}

fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    path.to_string_lossy().into_owned()
}
