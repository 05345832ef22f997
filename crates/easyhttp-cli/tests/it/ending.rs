//! `serve` is ended, by a service manager or by Ctrl-C: nothing is lost by that.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use easyhttp::EasyHttp;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::{Place, Running};

#[test]
fn what_runs_may_finish_and_what_waits_is_kept() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let start_lamp = || {
            let builder = EasyHttp::builder().config_file(place.folder.join("lamp.json"));
            builder.port(0).address([127, 0, 0, 1]).discovery(false).start().unwrap()
        };
        start_lamp().outbox().push("7H8G2K", "later").unwrap();

        let mut other = place.serve("other", &[]);
        let go = place.folder.join("go");
        assert!(Command::new("mkfifo").arg(&go).status().unwrap().success());
        let command = "read it; read word < go; echo \"$it $word\" >> done";
        let mut lamp = place.command(&["serve", "--json", "--port", "0"]);
        lamp.args(["--config", "lamp.json", "--push-exec", command]).process_group(0);
        let mut lamp = Running::start(lamp);
        let started = lamp.event("started");
        let (id, at) = (started["id"].as_str().unwrap(), started["address"].as_str().unwrap());
        assert_eq!(other.event("joined")["id"], id);

        thread::scope(|scope| {
            let push = scope.spawn(|| place.run(&["push", id, "on", "--at", at, "--json"]));
            // It is opened when the command reads it.
            let mut go = File::options().write(true).open(go).unwrap();
            // A terminal tells all that it has started there.
            kill_process_group(Pid::from_child(&lamp.child), signal).unwrap();
            assert_eq!(other.event("left")["id"], id);
            assert!(TcpStream::connect(at).is_err());
            writeln!(go, "now").unwrap();
            assert_eq!(push.join().unwrap().assert_done().json()["accepted"], true);
        });
        let (code, lines) = lamp.rest();
        assert_eq!(code, Some(0));
        let [.., push, stopped] = &lines[..] else { panic!("{lines:?}") };
        assert!(push.contains("\"outcome\":\"accepted\""), "{lines:?}");
        assert!(stopped.contains("\"event\":\"stopped\""), "{lines:?}");
        assert_eq!(fs::read_to_string(place.folder.join("done")).unwrap(), "\"on\" now\n");

        let again = start_lamp();
        assert_eq!(again.id().as_str(), id);
        let waits = again.outbox().list().unwrap();
        assert_eq!(waits[0].data.value(), "later");
    }
}
