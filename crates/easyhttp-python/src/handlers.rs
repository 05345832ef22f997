//! The handlers of a device, which all do the same: they have Python called, and
//! wait for its answer.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use easyhttp::{
    DuplicateId, Error, HandlerError, IdentityChanged, Moved, OutboxItem, Peer, PushAnswer, Request,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::dicts::{address_text, peer_dict};
use crate::errors::raise;
use crate::jobs::{self, Job};
use crate::mailbox::Mailbox;
use crate::outbox::ItemTuple;
use crate::reader::from_json;
use crate::writer::to_json;

/// Python's function for all events of a device, and who calls it. It takes the
/// event's name, a dictionary of what there is to tell, and an [`Answer`].
#[derive(Clone)]
pub(crate) struct Receiver {
    function: Arc<Py<PyAny>>,
    /// Who calls it: the event loop of this mailbox, or a thread that has nothing
    /// else to do.
    mailbox: Option<Arc<Py<Mailbox>>>,
}

/// What a callback returned.
enum Returned {
    Data(Box<RawValue>),
    Push(PushAnswer),
    Done,
    Failed(String),
}

/// Sets the handler of one event, on a builder or on a running device. Gives an
/// option of what the method gives; none if there is no such event.
macro_rules! listen {
    ($target:expr, $event:expr, $receiver:expr) => {{
        let receiver: Receiver = $receiver;
        match $event {
            "on_ping" => Some(
                $target
                    .on_ping_async(move |request| receiver.request("on_ping", "", request).done()),
            ),
            "on_pong" => {
                Some($target.on_pong_async(move |request| {
                    receiver.request("on_pong", "", request).received()
                }))
            }
            "on_fetch" => Some($target.on_fetch_async(move |request| {
                receiver.request("on_fetch", "query", request).data()
            })),
            "on_data" => Some($target.on_data_async(move |request| {
                receiver.request("on_data", "data", request).received()
            })),
            "on_push" => {
                Some($target.on_push_async(move |request| {
                    receiver.request("on_push", "data", request).push()
                }))
            }
            "on_joined" => {
                Some($target.on_joined_async(move |peer| receiver.peer("on_joined", peer).done()))
            }
            "on_left" => {
                Some($target.on_left_async(move |peer| receiver.peer("on_left", peer).done()))
            }
            "on_lost" => {
                Some($target.on_lost_async(move |peer| receiver.peer("on_lost", peer).done()))
            }
            "on_moved" => Some($target.on_moved_async(move |moved| receiver.moved(moved).done())),
            "on_duplicate_id" => {
                Some($target.on_duplicate_id_async(move |twin| receiver.duplicate(twin).done()))
            }
            "on_identity_changed" => Some(
                $target.on_identity_changed_async(move |changed| receiver.changed(changed).done()),
            ),
            "on_delivered" => {
                Some($target.on_delivered_async(move |item| {
                    receiver.item("on_delivered", item, None).done()
                }))
            }
            "on_refused" => Some($target.on_refused_async(move |refused| {
                receiver.item("on_refused", refused.item, Some(refused.error)).done()
            })),
            "on_expired" => Some(
                $target
                    .on_expired_async(move |item| receiver.item("on_expired", item, None).done()),
            ),
            _ => None,
        }
    }};
}

pub(crate) use listen;

impl Receiver {
    pub(crate) fn new(function: Py<PyAny>, mailbox: Option<Py<Mailbox>>) -> Self {
        Self { function: Arc::new(function), mailbox: mailbox.map(Arc::new) }
    }

    /// `data` is the name under which the callback gets the data of the request;
    /// empty if there is none.
    pub(crate) fn request(
        &self,
        event: &'static str,
        data: &'static str,
        request: Request,
    ) -> Answered {
        self.tell(event, move |py, arguments| {
            arguments.set_item("sender_id", request.sender.as_ref().map(|id| id.as_str()))?;
            if !data.is_empty() {
                arguments.set_item(data, from_json(py, request.data.raw())?)?;
            }
            arguments.set_item("timestamp", request.timestamp)?;
            arguments.set_item("address", address_text(&request.from))
        })
    }

    pub(crate) fn peer(&self, event: &'static str, peer: Peer) -> Answered {
        self.tell(event, move |py, arguments| {
            arguments.set_item("device_id", peer.id.as_str())?;
            arguments.set_item("device", peer_dict(py, &peer)?)
        })
    }

    pub(crate) fn moved(&self, moved: Moved) -> Answered {
        self.tell("on_moved", move |py, arguments| {
            arguments.set_item("device_id", moved.peer.id.as_str())?;
            arguments.set_item("device", peer_dict(py, &moved.peer)?)?;
            arguments.set_item("old_address", address_text(&moved.from))
        })
    }

    pub(crate) fn duplicate(&self, twin: DuplicateId) -> Answered {
        self.tell("on_duplicate_id", move |_, arguments| {
            arguments.set_item("here", twin.here.as_ref().map(address_text))?;
            arguments.set_item("there", address_text(&twin.there))
        })
    }

    pub(crate) fn changed(&self, changed: IdentityChanged) -> Answered {
        self.tell("on_identity_changed", move |_, arguments| {
            arguments.set_item("device_id", changed.id.as_str())?;
            arguments.set_item("address", address_text(&changed.from))
        })
    }

    pub(crate) fn item(
        &self,
        event: &'static str,
        item: OutboxItem,
        error: Option<Error>,
    ) -> Answered {
        self.tell(event, move |py, arguments| {
            let item = ItemTuple(item).into_pyobject(py)?;
            arguments.set_item("device_id", item.getattr("device_id")?)?;
            arguments.set_item("data", item.getattr("data")?)?;
            if let Some(error) = error {
                arguments.set_item("error", raise(py, &error).into_value(py))?;
            }
            arguments.set_item("item", item)
        })
    }

    fn tell(
        &self,
        event: &'static str,
        fill: impl for<'py> FnOnce(Python<'py>, &Bound<'py, PyDict>) -> PyResult<()> + Send + 'static,
    ) -> Answered {
        let (sender, answered) = oneshot::channel();
        let job = Job::new(&self.function, move |py| {
            let arguments = PyDict::new(py);
            fill(py, &arguments)?;
            let answer = Answer(Mutex::new(Some(sender)));
            PyTuple::new(
                py,
                [
                    event.into_pyobject(py)?.into_any(),
                    arguments.into_any(),
                    Bound::new(py, answer)?.into_any(),
                ],
            )
        });
        match &self.mailbox {
            Some(mailbox) => mailbox.get().put_job(job),
            None => jobs::push(job),
        }
        Answered(answered)
    }
}

/// The answer of a callback, when there is one.
pub(crate) struct Answered(oneshot::Receiver<Returned>);

impl Answered {
    async fn returned(self) -> Returned {
        self.0.await.unwrap_or_else(|_| Returned::Failed("it gave no answer".to_owned()))
    }

    /// For events without an answer of their own.
    pub(crate) async fn done(self) {
        self.returned().await;
    }

    /// For a PONG and DATA, whose sender is told that the handler failed.
    pub(crate) async fn received(self) {
        if let Returned::Failed(message) = self.returned().await {
            // Such a handler has no other way to fail. It is no panic: nothing is printed,
            // and the library takes the error as it takes that of a FETCH.
            resume_unwind(Box::new(HandlerError::new(message)));
        }
    }

    pub(crate) async fn data(self) -> Result<Box<RawValue>, HandlerError> {
        match self.returned().await {
            Returned::Data(data) => Ok(data),
            Returned::Failed(message) => Err(HandlerError::new(message)),
            Returned::Push(_) | Returned::Done => Ok(RawValue::NULL.to_owned()),
        }
    }

    pub(crate) async fn push(self) -> Result<PushAnswer, HandlerError> {
        match self.returned().await {
            Returned::Push(answer) => Ok(answer),
            Returned::Failed(message) => Err(HandlerError::new(message)),
            Returned::Data(_) | Returned::Done => Ok(PushAnswer::Accepted),
        }
    }
}

/// Where a callback's answer goes. The first one counts. One that is thrown away
/// without an answer fails the request.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Answer(Mutex<Option<oneshot::Sender<Returned>>>);

impl Answer {
    fn give(&self, returned: Returned) {
        if let Some(sender) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It fails if nobody waits any more.
            let _ = sender.send(returned);
        }
    }
}

#[pymethods]
impl Answer {
    /// Answers a FETCH.
    fn data(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.give(Returned::Data(to_json(value, "data")?));
        Ok(())
    }

    /// Accepts a PUSH.
    fn accept(&self) {
        self.give(Returned::Push(PushAnswer::Accepted));
    }

    /// Refuses a PUSH.
    fn refuse(&self, reason: Option<String>) {
        self.give(Returned::Push(PushAnswer::Refused(reason)));
    }

    /// The callback has run.
    fn done(&self) {
        self.give(Returned::Done);
    }

    /// The callback failed.
    fn fail(&self, message: String) {
        self.give(Returned::Failed(message));
    }
}
