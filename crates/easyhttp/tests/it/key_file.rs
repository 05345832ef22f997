//! The file that keeps network keys: who may read it, and what it may hold.

use std::error::Error;
use std::fs;
use std::path::Path;

use easyhttp::{InvalidKey, KeyFileError, NetworkKey, read_key_file};

use crate::support::folder::Folder;

/// A key of its own for each number.
fn key(number: u8) -> NetworkKey {
    NetworkKey::from_entropy([number; NetworkKey::LEN])
}

/// Writes a file that its owner alone may read.
fn write(folder: &Folder, content: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = folder.join("network.key");
    fs::write(&path, content).unwrap();
    restrict(&path, 0o600);
    path
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) {}

#[test]
fn it_has_a_key_a_line_and_comments() {
    let folder = Folder::new();
    let (new, old) = (key(1).text(), key(2).text());
    for content in [
        format!("{new}\n{old}\n"),
        format!("# new\n\n  {new}\t\n#{}\n{old}  # until all have the new one", key(3).text()),
        format!("{}\r\n{old}\r\n", new.to_string().to_lowercase()),
    ] {
        let keys = read_key_file(write(&folder, content)).unwrap();
        let ids: Vec<_> = keys.iter().map(NetworkKey::id).collect();
        assert_eq!(ids, [key(1).id(), key(2).id()]);
    }
}

#[test]
fn what_is_wrong_names_the_file_and_the_line_and_no_key() {
    let folder = Folder::new();
    let key = key(1).text().to_string();
    let mistyped = key.replace(&key[10..12], "ZZ");
    for (content, line) in [
        (format!("# a key\n{mistyped}\n"), Some(2)),
        (format!("{key}\n{}\n", &key[..30]), Some(2)),
        (format!("{key} {key}\n"), Some(1)),
        ("correct horse battery staple".to_owned(), Some(1)),
        ("# nothing yet\n\n".to_owned(), None),
        (String::new(), None),
    ] {
        let path = write(&folder, &content);
        let error = read_key_file(&path).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        match line {
            Some(line) => assert!(text.contains(&format!("line {line}: ")), "{text}"),
            None => assert!(matches!(error, KeyFileError::Empty { .. }), "{text}"),
        }
        for shown in [text, format!("{error:?}"), format!("{:?}", error.source())] {
            let secret = content.split(['\n', ' ']).filter(|word| word.len() > 5);
            for group in secret
                .flat_map(|word| word.split('-'))
                .filter(|group| group.len() > 2 && *group != "EHK1")
            {
                assert!(!shown.contains(group), "{group} in {shown}");
            }
        }
    }
    let not_text = write(&folder, [b'E', b'H', 0xff]);
    assert!(matches!(
        read_key_file(not_text),
        Err(KeyFileError::Invalid { line: 1, problem: InvalidKey::PassPhrase, .. })
    ));
}

#[test]
fn what_cannot_be_read_says_why() {
    let folder = Folder::new();
    for path in [folder.join("missing"), folder.path().to_owned()] {
        restrict(folder.path(), 0o700);
        let error = read_key_file(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Read { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(error.source().is_some());
    }
    // One that never ends.
    let large = write(&folder, "#".repeat(1 << 20));
    assert!(read_key_file(large).unwrap_err().to_string().contains("file too large"));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_or_change_is_refused() {
    let folder = Folder::new();
    let path = write(&folder, key(1).text().to_string());
    for mode in [0o644, 0o640, 0o604, 0o660, 0o602, 0o620, 0o601] {
        restrict(&path, mode);
        let error = read_key_file(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Exposed { mode: is, .. } if is == mode), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("(mode {mode:04o})")), "{text}");
        assert!(text.contains(&format!("chmod 600 {}", path.display())), "{text}");
        // By whatever name.
        let link = folder.join("link");
        let _ = std::os::unix::fs::symlink(&path, &link);
        assert!(matches!(read_key_file(&link), Err(KeyFileError::Exposed { .. })));
    }
    for mode in [0o600, 0o400] {
        restrict(&path, mode);
        assert_eq!(read_key_file(&path).unwrap().len(), 1);
    }
}
