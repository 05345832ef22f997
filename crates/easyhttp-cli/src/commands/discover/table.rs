//! The table of the live view: who is here, and who was a moment ago.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use easyhttp::{DeviceId, Peer};

use crate::grid::Grid;
use crate::silence::Silence;
use crate::style::{BAD, DIM, GOOD, ID, age, duration, how, printable};
use crate::text::{PLAIN, Part, Shown, fit, wrap};

/// How long a device that is gone is still shown.
const FADING: Duration = Duration::from_secs(8);

/// What the table knows.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<DeviceId, Row>,
    /// Why there may be nobody.
    pub(super) silence: Option<Silence>,
}

/// A device.
struct Row {
    peer: Peer,
    /// When this was known of it.
    at: Instant,
    ping: Ping,
    /// How it went, and when.
    gone: Option<(&'static str, Instant)>,
}

/// The last round trip.
#[derive(Clone, Copy)]
enum Ping {
    Asked,
    Took(Duration),
    Failed,
}

const GRID: Grid<6> = Grid {
    titles: ["ID", "ADDRESS", "FOUND BY", "PING", "VERSION", "AGE"],
    // The version, the way it was found, the age.
    dispensable: &[4, 2, 5],
    flexible: None,
};

impl Table {
    pub(super) fn joined(&mut self, peer: Peer) {
        let row = Row { peer, at: Instant::now(), ping: Ping::Asked, gone: None };
        self.rows.insert(row.peer.id, row);
    }

    pub(super) fn gone(&mut self, id: DeviceId, how: &'static str) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.gone = Some((how, Instant::now()));
        }
    }

    pub(super) fn answered(&mut self, id: DeviceId, answer: easyhttp::Result<Duration>) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.ping = answer.map_or(Ping::Failed, Ping::Took);
        }
    }

    /// Takes what is known by now, and forgets who was gone long ago.
    pub(super) fn refresh(&mut self, known: Vec<Peer>) {
        for peer in known {
            if let Some(row) = self.rows.get_mut(&peer.id).filter(|row| row.gone.is_none()) {
                (row.peer, row.at) = (peer, Instant::now());
            }
        }
        self.rows.retain(|_, row| row.gone.is_none_or(|(_, at)| at.elapsed() < FADING));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Those who are here.
    pub(super) fn present(&self) -> impl Iterator<Item = DeviceId> {
        self.rows.values().filter(|row| row.gone.is_none()).map(|row| row.peer.id)
    }

    /// What stands on a screen of this size, from the top.
    pub(super) fn draw(&self, width: usize, height: usize) -> Vec<Shown> {
        // The title, a blank line and the last one stand around the devices.
        let room = height.saturating_sub(3);
        let mut screen = match &self.silence {
            Some(silence) => explained(silence, width),
            None => self.devices(width, room),
        };
        screen.truncate(height.saturating_sub(2));
        screen.push(Shown::default());
        screen.push(fit(&[(DIM, self.summary(room))], width));
        screen.split_off(screen.len().saturating_sub(height))
    }

    fn devices(&self, width: usize, room: usize) -> Vec<Shown> {
        if self.is_empty() {
            return vec![fit(&[(PLAIN, "Nobody yet.".to_owned())], width)];
        }
        let rows: Vec<_> = self.rows.values().take(room).map(Row::cells).collect();
        GRID.lines(&rows, width).iter().map(|line| fit(line, width)).collect()
    }

    fn summary(&self, room: usize) -> String {
        let devices = match self.present().count() {
            1 => "1 device".to_owned(),
            count => format!("{count} devices"),
        };
        let more = self.rows.len().saturating_sub(room);
        let more = if more > 0 { format!(", {more} more than fit here") } else { String::new() };
        format!("{devices}{more}. Ctrl-C ends it.")
    }
}

fn explained(silence: &Silence, width: usize) -> Vec<Shown> {
    let text = format!("No device yet: {}", silence.explain());
    text.lines().flat_map(|line| wrap(line, width)).collect()
}

impl Row {
    fn cells(&self) -> [Part; 6] {
        let Self { peer, ping, .. } = self;
        let unknown = || "-".to_owned();
        let ping = match (self.gone, ping) {
            (Some((how, _)), _) => (PLAIN, how.to_owned()),
            (None, Ping::Asked) => (DIM, "…".to_owned()),
            (None, Ping::Took(took)) => (GOOD, duration(*took)),
            (None, Ping::Failed) => (BAD, "failed".to_owned()),
        };
        let heard = peer.last_seen.map(|ago| age(ago + self.at.elapsed()));
        let cells = [
            (ID, peer.id.to_string()),
            (PLAIN, peer.address().map_or_else(unknown, |at| at.to_string())),
            (PLAIN, how(peer.source).to_owned()),
            ping,
            (PLAIN, peer.version.as_deref().map_or_else(unknown, printable)),
            (PLAIN, heard.unwrap_or_else(unknown)),
        ];
        match self.gone {
            Some(_) => cells.map(|(_, text)| (DIM, text)),
            None => cells,
        }
    }
}
