//! The items on disk: a small database in one file, of which a commit that returned is
//! there after any loss of power, and one that did not is there as a whole or not at all.

use std::path::Path;

use easyhttp_proto::DeviceId;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use super::file::{self, Failure};

type Result<T> = std::result::Result<T, Failure>;

/// Whom an item is for, when it came and how long it may wait, both in seconds, and its
/// data, which is JSON.
const ITEMS: TableDefinition<u64, (&str, u64, u64, &str)> = TableDefinition::new("items");

/// The keys with which items may have been sent; an empty one is none. They are apart so
/// that the data is written once.
const KEYS: TableDefinition<u64, &str> = TableDefinition::new("keys");

const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");
/// The last number that an item got.
const LAST: &str = "last";
/// What the tables mean. Another number means something else.
const FORMAT: &str = "format";
const THIS_FORMAT: u64 = 1;

/// An item, as it is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) to: DeviceId,
    /// When it came, in seconds since 1970.
    pub(super) came: u64,
    /// How long it may wait, in seconds.
    pub(super) lifetime: u64,
    pub(super) json: String,
    /// The key with which it may have been sent, empty for none. None: it was not sent.
    pub(super) key: Option<String>,
}

/// What changes on disk.
#[derive(Debug)]
pub(super) enum Change {
    Add { number: u64, to: DeviceId, came: u64, lifetime: u64, json: String },
    SetKeys(Vec<(u64, String)>),
    Remove(u64),
}

#[derive(Debug)]
pub(super) struct Store(Database);

impl Store {
    /// Opens a file that is there.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::of(file::open(path)?)
    }

    /// Opens the file, which is made if it is not there.
    pub(super) fn open_or_make(path: &Path) -> Result<Self> {
        Self::of(file::open_or_make(path)?)
    }

    /// The items in a database, of which there may be none yet.
    pub(super) fn of(database: Database) -> Result<Self> {
        let store = Self(database);
        store.check_format()?;
        Ok(store)
    }

    fn check_format(&self) -> Result<()> {
        let reading = self.0.begin_read()?;
        let format = match reading.open_table(NUMBERS) {
            Ok(numbers) => numbers.get(FORMAT)?.map(|format| format.value()),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(error.into()),
        };
        match format {
            Some(THIS_FORMAT) => Ok(()),
            Some(other) => Err(format!("it has the format {other}, of a later version").into()),
            None => {
                let writing = self.0.begin_write()?;
                writing.open_table(NUMBERS)?.insert(FORMAT, THIS_FORMAT)?;
                writing.open_table(ITEMS)?;
                writing.open_table(KEYS)?;
                Ok(writing.commit()?)
            }
        }
    }

    /// Makes all these changes, or none. When this returns they are on disk.
    pub(super) fn apply<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Result<()> {
        let writing = self.0.begin_write()?;
        {
            let mut items = writing.open_table(ITEMS)?;
            let mut keys = writing.open_table(KEYS)?;
            let mut last = None;
            for change in changes {
                match change {
                    Change::Add { number, to, came, lifetime, json } => {
                        items.insert(number, (to.as_str(), *came, *lifetime, json.as_str()))?;
                        last = last.max(Some(*number));
                    }
                    Change::SetKeys(new) => {
                        for (number, key) in new {
                            // It may have been taken out meanwhile.
                            if items.get(number)?.is_some() {
                                keys.insert(number, key.as_str())?;
                            }
                        }
                    }
                    Change::Remove(number) => {
                        items.remove(number)?;
                        keys.remove(number)?;
                    }
                }
            }
            if let Some(last) = last {
                let mut numbers = writing.open_table(NUMBERS)?;
                let known = numbers.get(LAST)?.map_or(0, |known| known.value());
                numbers.insert(LAST, known.max(last))?;
            }
        }
        Ok(writing.commit()?)
    }

    /// The last number that an item got.
    pub(super) fn last_number(&self) -> Result<u64> {
        let last = self.0.begin_read()?.open_table(NUMBERS)?.get(LAST)?;
        Ok(last.map_or(0, |last| last.value()))
    }

    /// Those of these items that are there.
    pub(super) fn read(&self, numbers: &[u64]) -> Result<Vec<(u64, Kept)>> {
        let reading = self.0.begin_read()?;
        let (items, keys) = (reading.open_table(ITEMS)?, reading.open_table(KEYS)?);
        let mut read = Vec::with_capacity(numbers.len());
        for &number in numbers {
            if let Some(row) = items.get(number)? {
                read.push((
                    number,
                    kept(row.value(), keys.get(number)?.map(|key| key.value().to_owned()))?,
                ));
            }
        }
        Ok(read)
    }

    /// All items, in the order in which they came.
    pub(super) fn for_each(&self, mut take: impl FnMut(u64, Kept)) -> Result<()> {
        let reading = self.0.begin_read()?;
        let (items, keys) = (reading.open_table(ITEMS)?, reading.open_table(KEYS)?);
        for item in items.iter()? {
            let (number, row) = item?;
            let key = keys.get(number.value())?.map(|key| key.value().to_owned());
            take(number.value(), kept(row.value(), key)?);
        }
        Ok(())
    }
}

fn kept((to, came, lifetime, json): (&str, u64, u64, &str), key: Option<String>) -> Result<Kept> {
    Ok(Kept { to: to.parse()?, came, lifetime, json: json.to_owned(), key })
}
