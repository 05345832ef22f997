"""What can go wrong. The text of each names the thing, the cause and what to do."""

from __future__ import annotations

from typing import List, Literal, Optional


class EasyHTTPError(Exception):
    """The base of all exceptions of this package."""

    #: The device that was called, if the error is about one.
    device_id: Optional[str] = None
    #: The address that was tried, as ``192.168.1.23:5000``, if there was one.
    address: Optional[str] = None
    #: What is known of the command: ``"not_sent"``, so it may be sent again;
    #: ``"refused"``: the device did not accept it, or its handler failed, which may have
    #: done a part; or ``"unknown"``: it left, and no answer came that says what became of
    #: it, so it may have been done.
    delivery: Literal["not_sent", "refused", "unknown"] = "not_sent"


# ---- what can happen to a call ----


class CallFailed(EasyHTTPError):
    """A call did not do what it was to do: the network's fault, or the device's.

    `ping`, `fetch`, `push` and `send` answer False or None then. `ping_time`,
    `fetch_data`, `push_data` and `send_command` raise one of the exceptions below it.
    """


class UnknownDevice(CallFailed):
    """No address of the device is known."""

    #: The ids of the devices that are known.
    known: List[str] = []


class Unreachable(CallFailed, ConnectionError):
    """No connection to the device could be made. Nothing was sent."""


class TimedOut(CallFailed, TimeoutError):
    """The device did not answer in time."""

    #: Whether the command may have reached the device, and may have been run.
    sent: bool = False


class Interrupted(CallFailed, ConnectionError):
    """The connection broke before the answer. The command may have been run."""


class WrongDevice(CallFailed):
    """Another device answers at the address."""

    #: The id of the device that answered, if it said so.
    found: Optional[str] = None


class Ambiguous(CallFailed):
    """Two devices have this id, so nobody knows which of them is meant. Nothing was
    sent."""

    #: Where they answer.
    addresses: List[str] = []


class OtherKey(CallFailed):
    """The device has another network key than this one, or this one has none. Nothing
    was done, unless somebody on the path says so in its place: then `delivery` is
    ``"unknown"``."""

    #: The key of this device, by its key id, which is no secret. None if it has none.
    ours: Optional[str] = None
    #: The key of the other device, by its key id.
    theirs: str = ""


class NotAuthenticated(CallFailed):
    """What answered did not prove that it has our network key: it has none, or somebody
    else speaks for the device."""


class Replayed(CallFailed):
    """The device has had this very request before, and did not run it again: somebody
    on the network sends copies, of which one may have been run."""


class IdentityChanged(CallFailed):
    """The device has another key of its own than before, or none."""


class OwnId(CallFailed):
    """The device itself was asked for."""


class Refused(CallFailed):
    """The device's callback refused.

    Raise it in a callback for ``on_push`` to refuse with a reason, which the other
    device gets: ``raise Refused("state must be on or off")``.
    """

    #: Why, in the device's words, if it gave a reason.
    reason: Optional[str] = None
    delivery = "refused"


class NoHandler(CallFailed):
    """The device has no callback for the command."""


class HandlerFailed(CallFailed):
    """The device's callback raised an exception, or took too long."""

    #: How it failed, in the device's words.
    reason: str = ""
    #: Whether it took too long: it runs on, and what comes of it is not known.
    runs_on: bool = False


class Busy(CallFailed):
    """The device runs as many callbacks as it allows. Try again in a second."""


class NotTaken(CallFailed):
    """The device did not take the request, or what answers there is none."""

    #: The HTTP status of the answer.
    status: int = 0
    #: Why, in the device's words. May be empty.
    reason: str = ""


class NotUnderstood(CallFailed):
    """The answer is not of this protocol."""


class Unsure(CallFailed):
    """An item of the outbox was sent and not answered, and the device cannot tell whether
    it has had it: it was restarted and is not `durable`, or is one of easyhttp-python.
    It is not sent again."""

    delivery = "unknown"


class TooLarge(CallFailed):
    """The message, or the answer, is larger than one of the devices allows."""


# ---- what the caller can do wrong ----


class InvalidId(EasyHTTPError, ValueError):
    """A text that is not a device id: six letters or digits, such as ``7H8G2K``."""


class InvalidKey(EasyHTTPError, ValueError):
    """A text that is not a network key, or is mistyped. What is said of it does not show
    it."""


class NoNetworkKey(EasyHTTPError, ValueError):
    """The device was started without a network key, which what was asked of it needs."""


class InvalidAddress(EasyHTTPError, ValueError):
    """What is not an address of one device."""


class InvalidData(EasyHTTPError, ValueError):
    """Data that no message can carry."""


class OutboxFull(EasyHTTPError):
    """There is no room for another item in the outbox, by `outbox_items` or
    `outbox_bytes`. Nothing was kept."""


class NoOutbox(EasyHTTPError, ValueError):
    """The device has no device file, beside which its outbox or what it remembers would
    be, and was not told another place by `outbox_file`."""


class NotARequest(EasyHTTPError, ValueError):
    """A command that only answers others, and cannot be sent."""


class NotRunning(EasyHTTPError, RuntimeError):
    """The device has not been started, or has been stopped."""


class AlreadyRunning(EasyHTTPError, RuntimeError):
    """The device has been started before, and not been stopped."""


# ---- the disk ----


class OutboxError(EasyHTTPError, OSError):
    """The file of the outbox cannot be read or written. What was to be kept is not."""


# ---- starting ----


class StartError(EasyHTTPError, OSError):
    """The device could not start."""


class PortInUse(StartError):
    """Another program listens on the port."""


class DeviceFileError(StartError):
    """The device file cannot be used, or another device runs with it."""


# Tracebacks name them as users do.
for _error in list(globals().values()):
    if isinstance(_error, type) and issubclass(_error, EasyHTTPError):
        _error.__module__ = "easyhttp_rs"
