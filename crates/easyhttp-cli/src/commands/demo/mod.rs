//! `easyhttp demo`: three devices in one process that find each other by
//! multicast, and work.

mod controller;
mod event;
mod hints;
mod lamp;
mod lines;
mod sensor;
mod stage;
mod table;

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{interval, timeout};

use self::event::Event;
use self::lines::Lines;
use self::stage::Stage;
use self::table::Live;
use crate::args::{Common, Demo};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::network::check_interfaces;
use crate::output::Output;
use crate::reader;
use crate::screen::Screen;

/// How long finding the others may take, or all of it with `--once`.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Between two looks at the clock and the size of the terminal.
const REFRESH: Duration = Duration::from_millis(250);

/// Shows what happens.
trait View {
    fn show(&mut self, event: Event) -> Result<(), Failure>;

    /// Some time has passed.
    fn refresh(&mut self) -> Result<(), Failure>;
}

pub(crate) async fn run(args: &Demo, common: &Common, output: &Output) -> Result<Exit, Failure> {
    check_interfaces(common)?;
    let mut interrupts = Interrupts::listen()?;
    let (events, mut received) = unbounded_channel();
    let is_live = !args.once && !output.is_json() && Screen::is_possible();
    let stage = Stage::set(args, common, events).await?;
    let mut view: Box<dyn View> =
        if is_live { Box::new(Live::open()?) } else { Box::new(Lines::new(output)) };

    let mut act = pin!(act(args, common, &stage));
    let mut gone = pin!(reader::gone());
    let mut refresh = interval(REFRESH);
    let done = loop {
        tokio::select! {
            // What happened is shown before the end of it.
            biased;
            Some(event) = received.recv() => view.show(event)?,
            done = &mut act => break done,
            () = interrupts.next() => break Ok(()),
            () = &mut gone => break Ok(()),
            _ = refresh.tick() => view.refresh()?,
        }
    };
    while let Ok(event) = received.try_recv() {
        view.show(event)?;
    }
    drop(view);
    tokio::select! {
        () = stage.clear() => {}
        () = interrupts.next() => {}
    }
    done.map(|()| Exit::Done)
}

/// What the controller does.
async fn act(args: &Demo, common: &Common, stage: &Stage) -> Result<(), Failure> {
    let wait = common.timeout.unwrap_or(TIMEOUT);
    let controller = &stage.controller;
    if !args.once {
        controller.find(wait).await?;
        controller.run().await;
        return Ok(());
    }
    let once = async {
        controller.find(wait).await?;
        controller.once().await
    };
    timeout(wait, once).await.unwrap_or_else(|_| {
        let message = format!("the demo was not done within {wait:?}");
        Err(Failure::new(Exit::NoAnswer, "timed_out", message))
    })
}
