//! Senders and receivers that are killed again and again, on a network that loses a fifth
//! of everything and is cut now and then: what was promised is compared with what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use easyhttp::{AfterCrash, DeviceId};

use crate::dice::Dice;
use crate::network::Lan;
use crate::poor_switch::Faults;
use crate::support::{crowd, in_full_or, report, since};
use crate::victim::{Said, Task, Victim};

const TASKS: [Task; 8] = [
    Task::Send,
    Task::Send,
    Task::Send,
    Task::Send,
    Task::Take(AfterCrash::Unknown),
    Task::Take(AfterCrash::Unknown),
    Task::Take(AfterCrash::RunAgain),
    Task::Take(AfterCrash::RunAgain),
];

const SENDERS: Range<usize> = 0..4;
const RECEIVERS: Range<usize> = 4..8;

/// The longest time from one kill, or start, to the next one. Each lives a second or two.
const PAUSE: Duration = Duration::from_millis(400);

/// How many items a sender has at most in each of its lives.
const ITEMS: usize = 16;

/// How long it may take until all is delivered when nobody is killed any more.
const DELIVERED: Duration = Duration::from_secs(120);

const SOON: Duration = Duration::from_secs(30);

#[test]
fn what_was_confirmed_is_done_whoever_is_killed() {
    let _crowd = crowd();
    let Some(lan) = Lan::new(1) else { return };
    let victims: Vec<_> =
        (1..).zip(TASKS).map(|(number, task)| Victim::new(lan.host(number), task)).collect();
    let poor =
        Faults { multicast_loss: 0.2, loss: 0.2, doubled: 0.1, delay: 0.01, ..Faults::default() };
    let Some(mut switch) = lan.poor_switch(7, &poor) else { return };
    let (kills, partition) = in_full_or((1000, 30), (60, 3));
    let mut scene = Scene::start(victims);
    let mut cuts = Cuts::of(Duration::from_secs(partition));
    while scene.kills < kills {
        // Nothing is waited for: this is the random moment.
        thread::sleep(scene.dice.within(PAUSE));
        if let Some(cut) = cuts.next(&mut scene.dice) {
            switch.set(&Faults { cut, ..poor.clone() });
        }
        match scene.dice.below(3) {
            0 => scene.strike(SENDERS),
            1 => scene.strike(RECEIVERS),
            _ => {
                scene.strike(SENDERS);
                scene.strike(RECEIVERS);
            }
        }
    }
    switch.set(&Faults::default());
    let quiet = Instant::now();
    scene.deliver();
    let took = since(quiet);
    let sum = scene.compare();

    let case = format!("{kills} kills of 4 senders and 4 receivers, 20 % loss");
    let lost = format!("{case}, cut for {partition} s: items that were confirmed and are not done");
    report(&lost, "0", format!("0 of {}", sum.confirmed));
    report("… done twice, or before an earlier one", "0", format!("0 of {}", sum.done));
    let case = "… done again, as `RunAgain` says, when the receiver was killed meanwhile";
    report(case, "–", sum.run_again);
    report("… of which nobody knows, as `Unknown` says", "–", sum.unknown);
    report("… the last one is done, after the last kill", "–", took);
}

/// All devices, and what they have said.
struct Scene {
    victims: Vec<Victim>,
    /// The ends of the addresses that they have.
    addresses: Vec<usize>,
    dice: Dice,
    kills: usize,
    speaks: Sender<(u8, Said)>,
    hears: Receiver<(u8, Said)>,
    said: Vec<(u8, Said)>,
    receivers: Vec<DeviceId>,
}

/// What came of it all.
#[derive(Default)]
struct Sum {
    confirmed: usize,
    done: usize,
    run_again: usize,
    unknown: usize,
}

impl Scene {
    fn start(victims: Vec<Victim>) -> Self {
        let (speaks, hears) = channel();
        let addresses = (1..=victims.len()).collect();
        let (said, receivers) = Default::default();
        let dice = Dice::new(7);
        let mut scene = Self { victims, addresses, dice, kills: 0, speaks, hears, said, receivers };
        for index in RECEIVERS {
            scene.revive(index, 0);
            scene.hear(SOON, |said| matches!(said, Said::Started(_)));
            if let Some((_, Said::Started(id))) = scene.said.last() {
                scene.receivers.push(*id);
            }
        }
        for index in SENDERS {
            scene.revive(index, ITEMS);
        }
        scene
    }

    /// Kills one of these, which most often starts again at once, or starts one that was
    /// killed before.
    fn strike(&mut self, whom: Range<usize>) {
        let index = whom.start + self.dice.below(whom.len());
        if self.victims[index].is_alive() {
            self.victims[index].kill();
            self.kills += 1;
            if self.dice.below(4) == 0 {
                return;
            }
        }
        let count = self.dice.below(ITEMS) + 1;
        self.revive(index, count);
    }

    /// Starts one; a receiver at another address and another port than before.
    fn revive(&mut self, index: usize, count: usize) {
        if RECEIVERS.contains(&index) {
            let host = &self.victims[index].host;
            host.ip(&format!("addr del 10.0.1.{}/24 dev eth0", self.addresses[index]));
            self.addresses[index] = loop {
                let address = 9 + self.dice.below(200);
                if !self.addresses.contains(&address) {
                    break address;
                }
            };
            host.ip(&format!("addr add 10.0.1.{}/24 dev eth0", self.addresses[index]));
        }
        self.victims[index].start(&self.receivers, count, self.speaks.clone());
    }

    /// Lets all of them run until nothing waits any more.
    fn deliver(&mut self) {
        for index in SENDERS.chain(RECEIVERS) {
            let victim = &mut self.victims[index];
            if SENDERS.contains(&index) && victim.is_alive() {
                victim.kill();
            }
            if !self.victims[index].is_alive() {
                self.revive(index, 0);
            }
        }
        for _ in SENDERS {
            self.hear(DELIVERED, |said| matches!(said, Said::Empty));
        }
    }

    /// Waits until somebody says this.
    fn hear(&mut self, within: Duration, is_it: impl Fn(&Said) -> bool) {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let said = self.hears.recv_timeout(left).expect("they say it in time");
            self.said.push(said);
            if self.said.last().is_some_and(|(_, said)| is_it(said)) {
                return;
            }
        }
    }

    /// Compares what was promised with what was done.
    fn compare(mut self) -> Sum {
        self.victims.iter_mut().for_each(Victim::kill);
        // It ends when all of their pipes have.
        drop(self.speaks);
        self.said.extend(self.hears);
        let mut ids = BTreeMap::new();
        let (mut confirmed, mut refused) = (BTreeSet::new(), BTreeMap::new());
        for (number, said) in self.said {
            match said {
                Said::Started(id) => assert_eq!(*ids.entry(number).or_insert(id), id),
                Said::Confirmed(to, item) => _ = confirmed.insert((number, to, item)),
                Said::Refused(to, item, error) => _ = refused.insert((number, to, item), error),
                Said::Empty => {}
            }
        }
        let mut sum = Sum { confirmed: confirmed.len(), ..Sum::default() };
        for receiver in &self.victims[RECEIVERS] {
            let to = ids[&receiver.host.number];
            let may_run_again = receiver.task == Task::Take(AfterCrash::RunAgain);
            for number in 1..=4 {
                let (from, done) = (ids[&number], receiver.done());
                let done: Vec<_> = done.into_iter().filter(|done| done.sender == from).collect();
                for pair in done.windows(2) {
                    let is_again = pair[0].item == pair[1].item;
                    sum.run_again += usize::from(is_again);
                    assert!(
                        pair[0].item < pair[1].item
                            || (is_again && may_run_again && pair[0].life < pair[1].life),
                        "{from} to {to}, {:?}: {pair:?}",
                        receiver.task,
                    );
                }
                sum.done += done.len();
                let done: BTreeSet<_> = done.iter().map(|done| done.item).collect();
                let promised = confirmed.iter().filter(|(by, of, _)| (*by, *of) == (number, to));
                for promise in promised {
                    let (is_done, error) = (done.contains(&promise.2), refused.get(promise));
                    let is_unsure = error.is_some_and(|error| error.starts_with("Unknown"));
                    sum.unknown += usize::from(is_unsure);
                    assert!(
                        if may_run_again {
                            is_done && error.is_none()
                        } else {
                            is_done || is_unsure
                        },
                        "{from} to {to}, {:?}: {promise:?}, done: {is_done}, {error:?}",
                        receiver.task,
                    );
                }
            }
        }
        sum
    }
}

/// Which hosts are cut off, and until when: for as long, some and none in turn.
struct Cuts {
    span: Duration,
    next: Instant,
    is_cut: bool,
}

impl Cuts {
    fn of(span: Duration) -> Self {
        Self { span, next: Instant::now() + span, is_cut: false }
    }

    /// The next ones, when it is time for them.
    fn next(&mut self, dice: &mut Dice) -> Option<Vec<u8>> {
        if Instant::now() < self.next {
            return None;
        }
        self.next = Instant::now() + self.span;
        self.is_cut = !self.is_cut;
        Some((1..=8).filter(|_| self.is_cut && dice.below(3) == 0).collect())
    }
}
