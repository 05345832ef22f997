//! The power goes at any call that the store makes to the disk. What the disk had not
//! been told to sync is there, is not, or is there in part.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use super::file::{Failure, over};
use super::store::{Change, Store};
use crate::lock::lock;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// A disk that loses its power at some call.
#[derive(Debug, Clone)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug)]
struct Platter {
    /// What is there after a loss of power.
    synced: Vec<u8>,
    /// What was written since, in this order.
    unsynced: Vec<Written>,
    /// What is read.
    seen: Vec<u8>,
    calls: usize,
    /// At which call the power goes.
    last: usize,
}

#[derive(Debug)]
enum Written {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    fn new(content: Vec<u8>, last: usize) -> Self {
        let platter = Platter {
            seen: content.clone(),
            synced: content,
            unsynced: Vec::new(),
            calls: 0,
            last,
        };
        Self(Arc::new(Mutex::new(platter)))
    }

    fn call<T>(&self, call: impl FnOnce(&mut Platter) -> io::Result<T>) -> io::Result<T> {
        let platter = &mut *lock(&self.0);
        platter.calls += 1;
        if platter.calls > platter.last {
            return Err(io::Error::other("there is no power"));
        }
        call(platter)
    }

    /// What is there when the power is back.
    fn after(&self, random: &mut Random) -> Vec<u8> {
        let platter = lock(&self.0);
        let mut content = platter.synced.clone();
        for written in &platter.unsynced {
            match written {
                Written::Length(length) if random.up_to(2) == 0 => content.resize(*length, 0),
                Written::Length(_) => {}
                Written::Bytes(offset, bytes) => {
                    let fate = random.up_to(4);
                    for (i, sector) in bytes.chunks(SECTOR).enumerate() {
                        let is_there = match fate {
                            0 => false,
                            1 => true,
                            _ => random.up_to(2) == 0,
                        };
                        if is_there {
                            write_at(&mut content, offset + i * SECTOR, sector);
                        }
                    }
                }
            }
        }
        content
    }
}

fn write_at(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    content.resize(content.len().max(end), 0);
    content[offset..end].copy_from_slice(bytes);
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.call(|platter| Ok(platter.seen.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.call(|platter| {
            let offset = offset as usize;
            let bytes = platter.seen.get(offset..offset + out.len());
            out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.call(|platter| {
            platter.seen.resize(length as usize, 0);
            platter.unsynced.push(Written::Length(length as usize));
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(|platter| {
            platter.synced = platter.seen.clone();
            platter.unsynced.clear();
            Ok(())
        })
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.call(|platter| {
            write_at(&mut platter.seen, offset as usize, bytes);
            platter.unsynced.push(Written::Bytes(offset as usize, bytes.to_vec()));
            Ok(())
        })
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

fn open(disk: Disk) -> Result<Store, Failure> {
    Store::of(over(disk)?)
}

/// What is in a store: the data of each item, and its key.
type Content = BTreeMap<u64, (String, Option<String>)>;

/// What happens in one commit.
fn changes(random: &mut Random, next: &mut u64, content: &Content) -> Vec<Change> {
    let present: Vec<_> = content.keys().copied().collect();
    let any = |random: &mut Random| {
        (!present.is_empty()).then(|| present[random.up_to(present.len() as u64) as usize])
    };
    let mut changes = Vec::new();
    for _ in 0..=random.up_to(3) {
        match (random.up_to(3), any(random)) {
            (0, Some(number)) => changes.push(Change::Remove(number)),
            (1, Some(number)) => {
                changes.push(Change::SetKeys(vec![(number, format!("\"{number}\""))]))
            }
            _ => {
                let length = [10, 600, 9000][random.up_to(3) as usize];
                let json = format!("\"{}\"", "x".repeat(length));
                let to = "7H8G2K".parse().unwrap();
                changes.push(Change::Add { number: *next, to, came: 1, lifetime: 2, json });
                *next += 1;
            }
        }
    }
    changes
}

fn made(content: &Content, changes: &[Change]) -> Content {
    let mut content = content.clone();
    for change in changes {
        match change {
            Change::Add { number, json, .. } => {
                content.insert(*number, (json.clone(), None));
            }
            Change::SetKeys(keys) => {
                for (number, key) in keys {
                    if let Some((_, known)) = content.get_mut(number) {
                        *known = Some(key.clone());
                    }
                }
            }
            Change::Remove(number) => {
                content.remove(number);
            }
        }
    }
    content
}

fn content(store: &Store) -> Content {
    let mut content = Content::new();
    store.for_each(|number, kept| _ = content.insert(number, (kept.json, kept.key))).unwrap();
    content
}

/// Works with a store until the power goes. Gives what may be there then: what was
/// confirmed, and what was about to be.
fn work(disk: &Disk, seed: u64, commits: usize) -> [Content; 2] {
    let (mut random, mut next) = (Random(seed), 1);
    let mut confirmed = Content::new();
    let Ok(store) = open(disk.clone()) else { return [confirmed.clone(), confirmed] };
    for _ in 0..commits {
        let changes = changes(&mut random, &mut next, &confirmed);
        let attempted = made(&confirmed, &changes);
        if store.apply(&changes).is_err() {
            return [confirmed, attempted];
        }
        confirmed = attempted;
    }
    [confirmed.clone(), confirmed]
}

#[test]
fn what_was_confirmed_is_there_whenever_the_power_goes() {
    let empty = Disk::new(Vec::new(), usize::MAX);
    drop(open(empty.clone()).unwrap());
    let empty = lock(&empty.0).synced.clone();
    let mut losses = 0;
    for seed in 0..4 {
        let whole = Disk::new(empty.clone(), usize::MAX);
        work(&whole, seed, 12);
        let calls = lock(&whole.0).calls;
        for last in 0..calls {
            let disk = Disk::new(empty.clone(), last);
            let may_be = work(&disk, seed, 12);
            let mut random = Random(seed * 1_000_000 + last as u64);
            let mut after = disk.after(&mut random);
            // It goes once more while the file is mended.
            if random.up_to(4) == 0 {
                let mending = Disk::new(after, random.up_to(40) as usize);
                drop(open(mending.clone()));
                after = mending.after(&mut random);
            }
            let store = open(Disk::new(after, usize::MAX));
            let store = store.unwrap_or_else(|error| panic!("seed {seed}, call {last}: {error}"));
            let there = content(&store);
            assert!(may_be.contains(&there), "seed {seed}, call {last}: {there:?}");
            losses += 1;
        }
    }
    assert!(losses > 300, "{losses}");
}
