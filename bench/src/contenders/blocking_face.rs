//! Two devices with the blocking face; every caller is a thread.

use std::thread;

use easyhttp::EasyHttp;

use super::Contender;
use crate::load::Load;
use crate::payload::{CLIENT, SERVER};
use crate::{Result, payload};

pub(super) const CONTENDER: Contender = Contender { name: "blocking face", serve, call };

fn device(id: &str) -> easyhttp::Builder<EasyHttp> {
    EasyHttp::builder().id(id).port(0).discovery(false)
}

fn serve(told: fn(u16)) -> Result<()> {
    let easy = device(SERVER).on_fetch(|fetch| payload::reading(&fetch.data.value())).start()?;
    told(easy.port().ok_or("the device has no port")?);
    loop {
        thread::park();
    }
}

fn call(port: u16, load: &'static Load) -> Result<()> {
    let easy = device(CLIENT).start()?;
    easy.add(SERVER, ([127, 0, 0, 1], port))?;
    let callers: Vec<_> = (0..load.in_flight)
        .map(|_| {
            let easy = easy.handle();
            thread::spawn(move || call_until_over(&easy, load))
        })
        .collect();
    for caller in callers {
        caller.join().map_err(|_| "a caller panicked")??;
    }
    Ok(())
}

fn call_until_over(easy: &EasyHttp, load: &Load) -> Result<()> {
    let mut caller = load.caller();
    while caller.asks() {
        let data = easy.fetch(SERVER, payload::query())?;
        assert_eq!(data["value"], 23.5);
        caller.answered();
    }
    Ok(())
}
