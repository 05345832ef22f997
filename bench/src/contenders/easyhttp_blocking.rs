//! EasyHTTP's blocking face; every caller is a thread.

use std::thread;

use easyhttp::{Builder, EasyHttp};
use easyhttp_bench::payload::{self, CLIENT, SERVER};
use easyhttp_bench::{Caller, Load, Result, ServerTask, contend};

fn main() -> Result<()> {
    contend(serve, call)
}

fn device(id: &str) -> Builder<EasyHttp> {
    EasyHttp::builder().id(id).port(0).discovery(false)
}

fn serve(_: &ServerTask, told: fn(&str)) -> Result<()> {
    let easy = device(SERVER).on_fetch(|fetch| payload::reading(&fetch.data.value())).start()?;
    told(&format!("127.0.0.1:{}", easy.port().ok_or("the device has no port")?));
    loop {
        thread::park();
    }
}

fn call(load: &'static Load) -> Result<()> {
    let easy = device(CLIENT).start()?;
    easy.add(SERVER, load.task().address.as_str())?;
    thread::scope(|scope| {
        let call = || call_until_over(&easy, load.caller(), load);
        let others: Vec<_> = (1..load.task().in_flight).map(|_| scope.spawn(call)).collect();
        call()?;
        others.into_iter().try_for_each(|other| other.join().map_err(|_| "a caller panicked")?)
    })
}

fn call_until_over(easy: &EasyHttp, mut caller: Caller, load: &'static Load) -> Result<()> {
    let bytes = load.task().bytes;
    while caller.asks() {
        payload::check(&easy.fetch(SERVER, payload::query(bytes))?, bytes)?;
        caller.answered();
    }
    Ok(())
}
