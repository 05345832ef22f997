//! The outbox of a device, for other programs of its machine.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use easyhttp_proto::DeviceId;
use easyhttp_proto::http::{Incoming, Sizes, head};
use easyhttp_proto::id::IntoDeviceId;
use easyhttp_proto::limits;
use easyhttp_proto::outbox::{Failed, Full, Granted, OUTBOX_PATH, Push, TOKEN_HEADER, Wish};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::file::{self, Failure};
use super::item::OutboxItem;
use super::{asleep, door};
use crate::device_file::DeviceFile;
use crate::error::{Delivery, Error, Result, StartError};
use crate::files::{beside, target};
use crate::request::Data;
use crate::settings::Limits;

/// Between two attempts to reach a device that starts or stops.
const PAUSE: Duration = Duration::from_millis(20);

/// The outbox of a device of this machine, for other programs of its user: to give a
/// device something to deliver that runs as a service, say.
///
/// A device that runs is asked; if none does, the file is changed, and the device delivers
/// what is in it when it is started. Either way a push is on disk when the call returns.
/// Each call is one question, and blocks.
///
/// It is for devices with a device file whose outbox is beside it, as it is unless
/// [`Builder::outbox_file`](crate::Builder::outbox_file) says otherwise. One that was started
/// as [`ask_only`](crate::Builder::ask_only) cannot be asked while it runs.
///
/// ```no_run
/// # fn main() -> easyhttp::Result<()> {
/// use easyhttp::{OutboxFile, json};
///
/// let outbox = OutboxFile::beside("easyhttp_device.json");
/// outbox.push("7H8G2K", json!({"state": "off"}))?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct OutboxFile {
    device_file: PathBuf,
}

impl OutboxFile {
    /// That of the device with this device file.
    pub fn beside(device_file: impl Into<PathBuf>) -> Self {
        Self { device_file: device_file.into() }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        beside(&target(&self.device_file), "outbox")
    }

    /// Keeps a push until its device is there, for a week at the most; see
    /// [`OutboxAsync::push`](crate::OutboxAsync::push). When this returns, it is on disk.
    ///
    /// # Errors
    ///
    /// As [`OutboxAsync::push`](crate::OutboxAsync::push); [`Error::OutboxUnreachable`] if
    /// the device runs and cannot be asked, and [`Error::Start`] if the device file cannot
    /// be used.
    pub fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<u64> {
        self.push_within(id, data, limits::OUTBOX_EXPIRY)
    }

    /// As [`push`](Self::push), for as long as this says; see
    /// [`OutboxAsync::push_within`](crate::OutboxAsync::push_within).
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_within(
        &self,
        id: impl IntoDeviceId,
        data: impl Serialize,
        lifetime: Duration,
    ) -> Result<u64> {
        let to = id.into_device_id()?;
        let data: Box<RawValue> = to_raw_value(&data).map_err(Error::InvalidData)?;
        // No fewer than were meant.
        let seconds = lifetime.as_secs() + u64::from(lifetime.subsec_nanos() > 0);
        match self.ask(&Wish::Push(Push { to, data: &data, seconds }))?.0 {
            Granted::Kept(number) => Ok(number),
            other => Err(self.unexpected(&other)),
        }
    }

    /// What waits, in the order in which it came. What has expired since the device was
    /// last there is still in it: its device tells of it when it is started.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn list(&self) -> Result<Vec<OutboxItem>> {
        let mut items: Vec<OutboxItem> = Vec::new();
        loop {
            let last = items.last().map_or(0, |item| item.number);
            let (granted, is_running) = self.ask(&Wish::List(last))?;
            let Granted::Items(more) = granted else { return Err(self.unexpected(&granted)) };
            let is_last = more.is_empty() || !is_running;
            items.extend(more.into_iter().map(|waiting| OutboxItem {
                number: waiting.number,
                to: waiting.to,
                data: Data::all(waiting.data.get().into()),
                tries: waiting.tries,
                expires_in: waiting.expires_in,
                may_have_arrived: waiting.may_have_arrived,
            }));
            if is_last {
                return Ok(items);
            }
        }
    }

    /// Takes an item out, and says whether that came in time; see
    /// [`OutboxAsync::cancel`](crate::OutboxAsync::cancel).
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn cancel(&self, number: u64) -> Result<bool> {
        match self.ask(&Wish::Cancel(number))?.0 {
            Granted::Cancelled(is_out) => Ok(is_out),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Has the device try all devices for which something waits, and gives how many items
    /// still wait then; see [`OutboxAsync::flush`](crate::OutboxAsync::flush). None: no
    /// device runs, so nothing was tried.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn flush(&self) -> Result<Option<usize>> {
        match self.ask(&Wish::Flush)? {
            (Granted::Left(left), true) => Ok(Some(left)),
            (Granted::Left(_), false) => Ok(None),
            (other, _) => Err(self.unexpected(&other)),
        }
    }

    /// Has a wish granted, and says whether it was a device that runs who did it.
    fn ask(&self, wish: &Wish<'_>) -> Result<(Granted, bool)> {
        let until = Instant::now() + limits::OUTBOX_PATIENCE;
        loop {
            let (granted, is_running) = match self.lock()? {
                Some(file) => {
                    let own = file.read()?.ok_or_else(|| self.no_device_file())?;
                    (self.change(own, wish), false)
                }
                None => (self.ask_device(wish), true),
            };
            match granted {
                Ok(Granted::Failed(Failed::Stopped)) if Instant::now() < until => {}
                Ok(Granted::Failed(failed)) => return Err(self.error(failed)),
                Ok(granted) => return Ok((granted, is_running)),
                Err(Refusal { is_passing: true, .. }) if Instant::now() < until => {}
                Err(Refusal { error, .. }) => return Err(error),
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The device file, for this moment. None: a device has it.
    fn lock(&self) -> Result<Option<DeviceFile>> {
        // Otherwise a file beside it would be left where there is none.
        if !self.device_file.try_exists().unwrap_or(true) {
            return Err(self.no_device_file().into());
        }
        match DeviceFile::lock_briefly(&self.device_file) {
            Ok(file) => Ok(Some(file)),
            Err(StartError::DeviceFileHeld { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn no_device_file(&self) -> StartError {
        StartError::DeviceFile {
            path: self.device_file.clone(),
            action: "read",
            source: ErrorKind::NotFound.into(),
        }
    }

    fn error(&self, failed: Failed) -> Error {
        match failed {
            Failed::OwnId(id) => Error::OwnId { id },
            Failed::FullItems(most) => Error::OutboxFull(Full::Items(most)),
            Failed::FullBytes(most) => Error::OutboxFull(Full::Bytes(most)),
            Failed::TooLarge(most) => Error::TooLarge { limit: Some(most) },
            Failed::Other(text) => self.failed(text.into()),
            Failed::Stopped => Error::Stopped,
            _ => self.failed("for a reason of a later version".into()),
        }
    }

    fn unexpected(&self, granted: &Granted) -> Error {
        self.failed(format!("what the device said is no answer to that: {granted:?}").into())
    }

    fn failed(&self, source: Failure) -> Error {
        Error::Outbox { path: self.path(), source }
    }

    /// Changes the file, which no device has.
    fn change(&self, own: DeviceId, wish: &Wish<'_>) -> std::result::Result<Granted, Refusal> {
        asleep::grant(&self.path(), own, wish).map_err(|failure| {
            // A device that stops still has it.
            let is_passing = file::is_in_use(&failure);
            Refusal { error: self.failed(failure), is_passing }
        })
    }

    /// Asks the device that runs.
    fn ask_device(&self, wish: &Wish<'_>) -> std::result::Result<Granted, Refusal> {
        let refusal = |is_passing: bool, delivery: Delivery, problem: String| {
            let device_file = self.device_file.clone();
            let error = Error::OutboxUnreachable { device_file, problem, delivery };
            Refusal { error, is_passing }
        };
        let passing = |problem: String| refusal(true, Delivery::NotSent, problem);
        let lasting = |problem: String| refusal(false, Delivery::NotSent, problem);
        let unsure = |error: &dyn Display| {
            let problem = format!(
                "it did not answer ({error}), so nobody knows whether it did that: look at what \
                 waits"
            );
            refusal(false, Delivery::Unknown, problem)
        };
        let key = door::read(&self.device_file).map_err(lasting)?.ok_or_else(|| {
            passing("it runs, and only asks, so nobody can ask it. Stop it first".to_owned())
        })?;
        let mut stream = TcpStream::connect_timeout(&key.address, Limits::default().connect)
            .map_err(|error| passing(format!("it does not answer at {}: {error}", key.address)))?;
        // All are tried, however many wait, and it may take its time.
        let patience = (!matches!(wish, Wish::Flush)).then_some(limits::OUTBOX_PATIENCE);
        let limited = stream
            .set_read_timeout(patience)
            .and_then(|()| stream.set_write_timeout(Some(limits::OUTBOX_PATIENCE)));
        limited.map_err(|error| lasting(error.to_string()))?;
        let answer = exchange(&mut stream, &key, &wish.write());
        let (status, body) = answer.map_err(|(error, has_left)| match has_left {
            true => unsure(&error),
            false => passing(format!("it takes nothing at {}: {error}", key.address)),
        })?;
        match (status, Granted::read(&body)) {
            (_, Ok(granted)) => Ok(granted),
            // It is another device by now, or it has no memory for the body.
            (403 | 503, _) => Err(passing(said(status, &body))),
            (400..500, _) => Err(lasting(said(status, &body))),
            (_, Err(error)) => Err(unsure(&error)),
        }
    }
}

/// Why a wish was not granted.
struct Refusal {
    error: Error,
    /// Whether nothing was done, and it may be otherwise soon.
    is_passing: bool,
}

fn said(status: u16, body: &[u8]) -> String {
    format!("it answered {status}: {}", String::from_utf8_lossy(body))
}

/// Posts a wish, and gives status and body of what is answered. With an error comes
/// whether the device may have had the wish. It gets that when it has asked for it, because
/// one that stops takes connections for which it has no answer.
fn exchange(
    stream: &mut TcpStream,
    key: &door::Key,
    wish: &[u8],
) -> std::result::Result<(u16, Vec<u8>), (io::Error, bool)> {
    let fields = format!("{TOKEN_HEADER}: {}\r\nexpect: 100-continue\r\n", key.token);
    let head = head::post(OUTBOX_PATH, &key.address.to_string(), &fields, wish.len());
    let limits = Limits::default();
    let mut incoming = Incoming::new(Sizes { head: limits.header_block, fields: limits.headers });
    let mut has_left = false;
    let mut work = || {
        stream.write_all(head.as_bytes())?;
        let status = loop {
            match incoming.answer().map_err(io::Error::other)?.map(|head| head.status) {
                Some(100) => {
                    incoming.finish();
                    if !std::mem::replace(&mut has_left, true) {
                        stream.write_all(wish)?;
                    }
                }
                Some(status) => break status,
                None => read_on(stream, &mut incoming)?,
            }
        };
        // More than that it says to nobody.
        while !incoming.read_body(2 * limits::BODY).map_err(io::Error::other)? {
            read_on(stream, &mut incoming)?;
        }
        Ok((status, incoming.body().to_vec()))
    };
    let done = work();
    done.map_err(|error| (error, has_left))
}

fn read_on(stream: &mut TcpStream, incoming: &mut Incoming) -> io::Result<()> {
    match stream.read(incoming.space())? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        count => {
            incoming.arrived(count);
            Ok(())
        }
    }
}
