//! The live table: what is known of the devices, and how it looks at a given
//! size of the terminal.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp::{DeviceId, Peer};

use super::View;
use super::event::{Event, Outcome, Role};
use crate::failure::Failure;
use crate::grid::{Flexible, Grid};
use crate::screen::Screen;
use crate::style::{BAD, DIM, DOUBTFUL, GOOD, ID, TITLE, duration, printable};
use crate::text::{Line, PLAIN, Part, Shown, fit, wrap};

/// How many round trips the little chart shows.
const CHART: usize = 8;

/// How many lines are remembered of what happened.
const NEWS: usize = 20;

/// How many other devices are shown.
const OTHERS: usize = 8;

/// What the table knows.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    others: Vec<Peer>,
    news: VecDeque<Line>,
    hints: Vec<String>,
}

/// One device of the demo.
#[derive(Debug)]
struct Row {
    role: Role,
    id: DeviceId,
    address: SocketAddr,
    last: Part,
    times: VecDeque<Duration>,
    calls: u64,
}

/// The table on the screen.
#[derive(Debug)]
pub(super) struct Live {
    screen: Screen,
    table: Table,
}

impl Live {
    pub(super) fn open() -> Result<Self, Failure> {
        Ok(Self { screen: Screen::open()?, table: Table::default() })
    }
}

impl View for Live {
    fn show(&mut self, event: Event) -> Result<(), Failure> {
        self.table.add(event);
        self.refresh()
    }

    fn refresh(&mut self) -> Result<(), Failure> {
        self.screen.draw(|width, height| self.table.draw(width, height))
    }
}

impl Table {
    pub(super) fn add(&mut self, event: Event) {
        match event {
            Event::Started { role, id, address } => {
                let last = match role {
                    Role::Controller => "asks the others once a second",
                    _ => "is looked for",
                };
                let last = (DIM, last.to_owned());
                let times = VecDeque::with_capacity(CHART);
                self.rows.push(Row { role, id, address, last, times, calls: 0 });
            }
            Event::Hints(hints) => self.hints = hints,
            Event::Others(others) => self.others = others,
            Event::Found { role, id, address, after } => {
                if let (Some(row), Some(address)) = (self.row(id), address) {
                    row.address = address;
                }
                self.tell(vec![
                    (PLAIN, format!("found the {} ", role.name())),
                    (ID, id.to_string()),
                    (PLAIN, format!(" by multicast after {}", duration(after))),
                ]);
            }
            Event::Called { role, id, call, took, outcome } => {
                let said = said(&outcome);
                if let Some(row) = self.row(id) {
                    row.calls += 1;
                    row.times.truncate(CHART - 1);
                    row.times.push_front(took);
                    row.last = row.shown(&said);
                }
                // What is asked each second is no news.
                if call != "fetch" || matches!(outcome, Outcome::Failed { .. }) {
                    self.tell(vec![(PLAIN, format!("{}: {call} → ", role.name())), said]);
                }
            }
            Event::Asked { role, who, call, outcome } => {
                let who = who.map_or_else(|| "somebody".to_owned(), |id| id.to_string());
                let call = format!(" to the {}: {} → ", role.name(), printable(&call));
                self.tell(vec![(ID, who), (PLAIN, call), said(&outcome)]);
            }
            Event::Worked => {}
        }
    }

    fn row(&mut self, id: DeviceId) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == id)
    }

    fn tell(&mut self, line: Line) {
        self.news.truncate(NEWS - 1);
        self.news.push_front(line);
    }

    /// What stands on a screen of this size, from the top.
    pub(super) fn draw(&self, width: usize, height: usize) -> Vec<Shown> {
        let title = "three devices in one process that found each other by multicast";
        let title = [(TITLE, "easyhttp demo".to_owned()), (DIM, format!("  {title}"))];
        let mut screen = vec![fit(&title, width), Shown::default()];
        screen.extend(self.devices(width).iter().map(|line| fit(line, width)));
        screen.push(Shown::default());
        if !self.hints.is_empty() {
            screen.push(fit(&[(TITLE, "From a second terminal".to_owned())], width));
            // Whole, whatever the width: they are there to be copied.
            screen.extend(self.hints.iter().flat_map(|hint| wrap(&format!("  {hint}"), width)));
            screen.push(Shown::default());
        }
        // The last line is for how to get out.
        let left = height.saturating_sub(screen.len() + 1);
        if left > 2 && !self.news.is_empty() {
            screen.push(fit(&[(TITLE, "What happened last".to_owned())], width));
            screen.extend(self.news.iter().take(left - 2).map(|line| fit(line, width)));
            screen.push(Shown::default());
        }
        screen.truncate(height.saturating_sub(1));
        screen.push(fit(&[(DIM, "Ctrl-C ends it.".to_owned())], width));
        screen
    }

    fn devices(&self, width: usize) -> Vec<Line> {
        let others = self.others.iter().take(OTHERS).map(other);
        let rows: Vec<_> = self.rows.iter().map(Row::cells).chain(others).collect();
        GRID.lines(&rows, width)
    }
}

const GRID: Grid<7> = Grid {
    titles: ["ID", "ROLE", "ADDRESS", "LAST ANSWER", "TOOK", "", "CALLS"],
    // The chart, the calls, the address, the time, the role.
    dispensable: &[5, 6, 2, 4, 1],
    flexible: Some(Flexible { column: 3, least: 20, most: 60 }),
};

impl Row {
    /// An answer as it stands in the row: a lamp is seen to be on.
    fn shown(&self, (style, words): &Part) -> Part {
        match (self.role, words.strip_prefix("on"), words.strip_prefix("off")) {
            (Role::Lamp, Some(_), _) => (DOUBTFUL, format!("● {words}")),
            (Role::Lamp, _, Some(_)) => (PLAIN, format!("○ {words}")),
            _ => (*style, words.clone()),
        }
    }

    fn cells(&self) -> [Part; 7] {
        let time = self.times.front().map(|time| duration(*time)).unwrap_or_default();
        let calls = if self.calls == 0 { String::new() } else { self.calls.to_string() };
        [
            (ID, self.id.to_string()),
            (PLAIN, self.role.name().to_owned()),
            (PLAIN, self.address.to_string()),
            self.last.clone(),
            (PLAIN, time),
            (GOOD, chart(&self.times)),
            (PLAIN, calls),
        ]
    }
}

/// A device that is not of the demo.
fn other(peer: &Peer) -> [Part; 7] {
    let seen = peer.last_seen.map(|ago| format!("heard {} s ago", ago.as_secs()));
    let address = peer.address().map(|at| at.to_string()).unwrap_or_default();
    [
        (ID, peer.id.to_string()),
        (DIM, "other".to_owned()),
        (DIM, address),
        (DIM, seen.unwrap_or_default()),
        (DIM, String::new()),
        (DIM, String::new()),
        (DIM, String::new()),
    ]
}

fn said(outcome: &Outcome) -> Part {
    match outcome {
        Outcome::Pong => (GOOD, "there".to_owned()),
        Outcome::Data { words, .. } => (PLAIN, printable(words)),
        Outcome::Accepted => (GOOD, "accepted".to_owned()),
        Outcome::Refused(reason) => (DOUBTFUL, format!("refused: {}", printable(reason))),
        Outcome::Failed { message, .. } => (BAD, printable(message)),
    }
}

/// The last round trips, the latest on the right, the longest at full height.
fn chart(times: &VecDeque<Duration>) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let longest = times.iter().max().map_or(1, |time| time.as_nanos().max(1));
    let bar = |time: &Duration| BARS[(time.as_nanos() * 7 / longest) as usize];
    let bars: String = times.iter().rev().map(bar).collect();
    format!("{bars:>CHART$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::columns_of;

    fn table() -> Table {
        let mut table = Table::default();
        let id: DeviceId = "7H8G2K".parse().unwrap();
        let address = ([192, 168, 178, 23], 40123).into();
        table.add(Event::Started { role: Role::Lamp, id, address });
        table.add(Event::Hints(vec!["easyhttp fetch 7H8G2K --discovery-port 40000".to_owned()]));
        let words =
            "on, switched by AB3F9Z 电灯电灯电灯电灯电灯电灯电灯电灯电灯电灯电灯".to_owned();
        let json = serde_json::value::to_raw_value("on").unwrap();
        for _ in 0..100 {
            let outcome = Outcome::Data { json: json.clone(), words: words.clone() };
            let took = Duration::from_micros(1234);
            table.add(Event::Called { role: Role::Lamp, id, call: "look".into(), took, outcome });
        }
        table
    }

    #[test]
    fn it_fits_every_terminal() {
        let table = table();
        for width in 1..120 {
            for height in (1..40).step_by(3) {
                let screen = table.draw(width, height);
                assert!(screen.len() <= height, "{width} {height}");
                for line in screen {
                    let text = anstream::adapter::strip_str(&line.text).to_string();
                    assert_eq!(columns_of(&text), line.columns);
                    assert!(line.columns <= width.max(2), "{width} {height}: {text:?}");
                }
            }
        }
    }

    #[test]
    fn a_narrow_terminal_keeps_what_matters() {
        let shown =
            |width| anstream::adapter::strip_str(&table().draw(width, 30)[3].text).to_string();
        assert_eq!(
            shown(110),
            "7H8G2K  lamp  192.168.178.23:40123  ● on, switched by AB3F9Z 电灯电灯电灯电灯电灯电…  \
             1.23 ms  ████████  100  "
        );
        assert_eq!(shown(30), "7H8G2K  ● on, switched by AB3…");
    }
}
