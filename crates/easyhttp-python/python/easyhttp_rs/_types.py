"""The dictionaries and tuples that this package gives."""

from __future__ import annotations

from typing import Any, Callable, List, NamedTuple, Optional, TypedDict

from ._errors import EasyHTTPError


class Device(TypedDict):
    """A device that is known. The first four keys are those of easyhttp-python."""

    #: The IP address that is asked first.
    ip: str
    #: Its TCP port.
    port: int
    #: When it was last heard, in seconds since 1970. 0.0 if it never was.
    last_seen: float
    #: Whether `add` named it.
    added_manually: bool
    #: Where it may be, as ``192.168.1.23:5000``, the one that is asked first in front.
    addresses: List[str]
    #: How it became known: ``multicast``, ``added``, ``request`` (it asked us),
    #: ``dns-sd``, ``introduced``, ``remembered`` or ``sweep``.
    source: str
    #: The version of the protocol that it speaks. None if it was not heard yet.
    version: Optional[str]


#: Says of a device, by its id and what is known of it, whether it is asked.
Pick = Callable[[str, Device], bool]


class Interface(TypedDict):
    """A network interface of this machine, and what discovery does on it."""

    #: Its name, such as ``eth0``.
    name: str
    #: Its IP addresses.
    addresses: List[str]
    #: ``used``, ``skipped`` or ``failing``.
    state: str
    #: Why it is skipped or failing.
    reason: Optional[str]
    #: How many datagrams were sent on it.
    sent: int
    #: How many were heard on it.
    heard: int


class Result(NamedTuple):
    """What came of asking one device of many."""

    #: The device.
    device_id: str
    #: The data of `fetch_all`, the seconds of `ping_all`. None for `push_all`, and if
    #: there is an error.
    value: Any
    #: Why it failed: what `fetch_data`, `ping_time` and `push_data` raise. None if it did
    #: not.
    error: Optional[EasyHTTPError]


class OutboxItem(NamedTuple):
    """A push that waits in the outbox, or did."""

    #: Its number, which no other item of this outbox ever has.
    number: int
    #: Whom it is for.
    device_id: str
    #: What is to be sent.
    data: Any
    #: How often it was tried since the device started.
    tries: int
    #: In how many seconds it expires. 0.0 if it has.
    expires_in: float
    #: Whether an attempt may have reached the device, so that it may have been done.
    may_have_arrived: bool


class PresenceEvent(NamedTuple):
    """Something that happened to a device of the network."""

    #: ``joined``, ``left``, ``lost``, ``moved``, ``duplicate_id``, ``identity_changed``,
    #: or ``missed``: the reader was too slow, and `devices` says what is true now.
    event: str
    #: The device. None for ``duplicate_id`` and ``missed``.
    device_id: Optional[str]
    #: What is known of it. None for ``duplicate_id``, ``identity_changed`` and
    #: ``missed``.
    device: Optional[Device]
    #: Where it is, as ``192.168.1.23:5000``. For ``duplicate_id``: where somebody uses
    #: the id of this device.
    address: Optional[str]
