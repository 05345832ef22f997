//! `key`, and the key that the other commands are given.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Place, Ran, run};

/// Makes a key in a file of this name, and gives the file, the key and its id.
fn make(place: &Place, name: &str) -> (PathBuf, String, String) {
    let made = place.run(&["key", "new", "--file", name, "--json"]);
    let id = made.assert_done().json()["key_id"].as_str().unwrap().to_owned();
    let path = place.folder.join(name);
    let content = fs::read_to_string(&path).unwrap();
    (path, content.lines().last().unwrap().to_owned(), id)
}

/// Nothing that was printed has a group of letters of the key in it.
#[track_caller]
fn assert_hides(ran: &Ran, key: &str) {
    for group in key.split('-').skip(1).filter(|group| !group.is_empty()) {
        assert!(!ran.out.contains(group) && !ran.err.contains(group), "{group}: {ran:?}");
    }
}

/// A key with a letter that was mistyped.
fn mistyped(key: &str) -> String {
    let wrong = if key.ends_with('2') { "3" } else { "2" };
    format!("{}{wrong}", &key[..key.len() - 1])
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn new_prints_a_key_once() {
    let place = Place::new();
    let made = place.run(&["key", "new"]);
    let key = made.assert_done().out.strip_suffix('\n').unwrap();
    assert_eq!((key.len(), &key[..5], made.err.as_str()), (39, "EHK1-", ""), "{made:?}");
    let made = place.run(&["key", "new", "--json"]).json();
    assert_ne!(made["key"], key);
    let check = place.run(&["key", "check", made["key"].as_str().unwrap(), "--json"]).json();
    assert_eq!(check["key_ids"][0], made["key_id"]);
}

#[test]
fn new_writes_a_file_for_its_owner_alone_and_spoils_none() {
    let place = Place::new();
    let made = place.run(&["key", "new", "--file", "network.key"]);
    let file = place.folder.join("network.key");
    let content = fs::read_to_string(&file).unwrap();
    let key = content.lines().last().unwrap();
    assert_hides(made.assert_done(), key);
    let check = place.run(&["key", "check", "--file", "network.key", "--json"]).json();
    let id = check["key_ids"][0].as_str().unwrap();
    assert_eq!(made.out, format!("the key with the id {id} is in network.key\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let again = place.run(&["key", "new", "--file", "network.key", "--json"]);
    let error = again.assert_failed(5, "key_file_exists");
    assert!(error["message"].as_str().unwrap().contains("network.key"), "{error}");
    assert!(again.err.contains("hint: choose another name"), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
    // Nor by a link to where there is nothing yet.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("elsewhere", place.folder.join("link")).unwrap();
        place.run(&["key", "new", "--file", "link", "--json"]).assert_failed(5, "key_file_exists");
        assert!(!place.folder.join("elsewhere").exists());
    }
    place.run(&["key", "new", "--file", "no/such", "--json"]).assert_failed(5, "key_file");
}

#[test]
fn check_names_the_key_wherever_it_is() {
    let place = Place::new();
    let (file, key, id) = make(&place, "network.key");
    let whole = fs::read_to_string(&file).unwrap();
    let line = |from: &str| format!("the key of {from} is right: {id}\n");
    let checks: &[(&[&str], &str, &str)] = &[
        (&[&key], "", "the command line"),
        (&[&key.to_lowercase().replace('-', "")], "", "the command line"),
        (&["-"], &format!("{key}\n"), "standard input"),
        (&["-"], &whole, "standard input"),
        (&["--file", "network.key"], "", "network.key"),
        (&["--key", &key], "", "the command line"),
        (&["--key-file", "network.key"], "", "network.key"),
    ];
    for (arguments, input, from) in checks {
        let check = place.run_with_input(&[&["key", "check"], *arguments].concat(), input);
        assert_eq!(check.assert_done().out, line(from));
        let json = [&["key", "check", "--json"], *arguments].concat();
        let json = place.run_with_input(&json, input).json();
        assert_eq!(json, serde_json::json!({"key_ids": [id], "from": from}));
    }
    let check = run(place.command(&["key", "check"]).env("EASYHTTP_KEY", &key), "");
    assert_eq!(check.assert_done().out, line("EASYHTTP_KEY"));

    // While a key is changed there are two.
    let (file, _, new) = make(&place, "new.key");
    let both = fs::read_to_string(&file).unwrap() + "# the old one\n" + &key;
    fs::write(&file, both).unwrap();
    let check = place.run(&["key", "check", "--file", "new.key"]);
    let expected = format!("the keys of new.key are right:\n  {new} signs\n  {id} is accepted\n");
    assert_eq!(check.assert_done().out, expected);
}

#[test]
fn check_says_what_is_wrong_and_shows_no_key() {
    let place = Place::new();
    let (file, key, _) = make(&place, "network.key");
    let wrong = [
        (mistyped(&key), "its check letters do not fit"),
        (key[..30].to_owned(), "it is not whole"),
        (key.replacen("EHK1-", "EHK1-0", 1), "letter 1 after EHK1"),
        (key.replacen("EHK1", "EHK9", 1), "of this version"),
        ("correct horse battery".to_owned(), "A pass phrase cannot be one"),
        (String::new(), "is empty"),
    ];
    for (text, why) in &wrong {
        let why = why.replace("it is not whole", "is not whole");
        for check in [
            place.run(&["key", "check", "--json", text]),
            place.run_with_input(&["key", "check", "--json", "-"], text),
            place.run(&["key", "check", "--json", "--key", text]),
            place.run(&["discover", "--json", "--key", text]),
            run(place.command(&["ping", "7H8G2K", "--json"]).env("EASYHTTP_KEY", text), ""),
        ] {
            let error = check.assert_failed(2, "invalid_key");
            assert!(error["message"].as_str().unwrap().contains(&why), "{error}");
            assert_hides(&check, text);
        }
        fs::write(&file, format!("# a key\n{text}\n")).unwrap();
        for command in [&["key", "check", "--file"][..], &["serve", "--key-file"]] {
            let check = place.run(&[command, &["network.key", "--json"]].concat());
            let error = check.assert_failed(5, "key_file_invalid");
            assert!(error["message"].as_str().unwrap().contains("network.key"), "{error}");
            assert_hides(&check, text);
        }
    }
    let missing = place.run(&["key", "check", "--file", "missing", "--json"]);
    missing.assert_failed(5, "key_file");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused_by_all_commands() {
    let place = Place::new();
    let (file, key, _) = make(&place, "network.key");
    restrict(&file, 0o644);
    for arguments in [
        &["key", "check", "--file", "network.key"][..],
        &["key", "check", "--key-file", "network.key"],
        &["serve", "--key-file", "network.key"],
        &["discover", "--key-file", "network.key"],
        &["ping", "7H8G2K", "--key-file", "network.key"],
        &["demo", "--once", "--key-file", "network.key"],
    ] {
        let ran = place.run(&[arguments, &["--json"]].concat());
        let error = ran.assert_failed(5, "key_file_exposed");
        assert!(error["message"].as_str().unwrap().contains("chmod 600 network.key"), "{error}");
        assert_hides(&ran, &key);
    }
}

#[test]
fn one_key_is_given_in_one_way() {
    let place = Place::new();
    let (_, key, _) = make(&place, "network.key");
    for arguments in [
        &["discover", "--key", &key, "--key-file", "network.key"][..],
        &["key", "check", &key, "--file", "network.key"],
        &["key", "check", &key, "--key", &key],
        &["key", "check", "--file", "network.key", "--key-file", "network.key"],
        &["key", "check"],
        &["key", "fly"],
        &["discover", "--kye", &key],
        &["discover", &format!("--kye={key}")],
        &["discover", &format!("--watch={key}")],
        &["discover", &key],
        &["key", "check", &key, &key],
        &["key", &key],
    ] {
        let ran = place.run(&[arguments, &["--json"]].concat());
        ran.assert_failed(2, "usage");
        assert_hides(&ran, &key);
    }
    // What is named on the command line counts more than what is around it.
    let mut command = place.command(&["key", "check", "--key-file", "network.key"]);
    run(command.env("EASYHTTP_KEY", mistyped(&key)), "").assert_done();
    // A variable that was set to nothing by mistake makes no open device.
    let mut command = place.command(&["discover", "--json"]);
    run(command.env("EASYHTTP_KEY", ""), "").assert_failed(2, "invalid_key");
}

#[test]
fn help_says_who_can_see_a_key() {
    let place = Place::new();
    for command in ["serve", "discover", "ping", "fetch", "push", "send", "demo"] {
        let help = place.run(&[command, "--help"]);
        let words = help.assert_done().out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("for trying out: others on this machine can see it"), "{words}");
        assert!(words.contains("EASYHTTP_KEY"), "{words}");
    }
}

#[test]
fn devices_hear_those_that_have_their_key() {
    let place = Place::new();
    let (_, key, id) = make(&place, "network.key");
    let (_, _, other) = make(&place, "other.key");
    let mut device = place.serve("lamp", &["--fetch", "1", "--key-file", "network.key"]);
    let (id_of_lamp, at) = (device.id.clone(), device.at());
    let ask = |arguments: &[&str]| {
        let all = [&["fetch", &id_of_lamp, "--at", &at, "--json"], arguments].concat();
        place.command(&all)
    };
    for mut command in [ask(&["--key-file", "network.key"]), ask(&["--key", &key])] {
        assert_eq!(run(&mut command, "").assert_done().json()["data"], 1);
    }
    let asked = run(ask(&[]).env("EASYHTTP_KEY", &key), "");
    assert_eq!(asked.assert_done().json()["data"], 1);
    let other_key = ask(&["--key-file", "other.key"]);
    for (mut command, ours) in [(other_key, Some(&other)), (ask(&[]), None)] {
        let refused = run(&mut command, "");
        let error = refused.assert_failed(1, "other_key");
        assert_eq!(
            (error["theirs"].as_str(), error["ours"].as_str()),
            (Some(&*id), ours.map(|id| &**id))
        );
        assert_hides(&refused, &key);
    }
    for _ in 0..3 {
        device.event("fetch");
    }
}
