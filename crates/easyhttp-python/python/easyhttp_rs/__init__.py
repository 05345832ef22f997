"""Devices on a local network that find each other and talk by six-character names.

A device has an id such as ``7H8G2K``. It finds the others by itself, asks them for
data (FETCH), sends them commands that they accept or refuse (PUSH), and answers what
they ask by calling your functions::

    from easyhttp_rs import EasyHTTP

    easy = EasyHTTP()

    @easy.on("on_fetch")
    def give(sender_id, query):
        return {"temperature": 23.5}

    with easy:
        print(f"{easy.id} answers on port {easy.port}")
        input("Enter stops it. ")

`EasyHTTP` blocks, `EasyHTTPAsync` is for asyncio. They have the same methods, and
those of the package easyhttp-python, whose devices they talk to.

What may go wrong is below `EasyHTTPError`. What is logged goes to the logger
``easyhttp_rs``.
"""

import typing

from ._blocking import EasyHTTP
from ._commands import commands
from ._errors import (
    AlreadyRunning,
    Ambiguous,
    Busy,
    CallFailed,
    DeviceFileError,
    EasyHTTPError,
    HandlerFailed,
    IdentityChanged,
    Interrupted,
    InvalidAddress,
    InvalidData,
    InvalidId,
    InvalidKey,
    NoHandler,
    NoNetworkKey,
    NoOutbox,
    NotARequest,
    NotAuthenticated,
    NotRunning,
    NotTaken,
    NotUnderstood,
    OtherKey,
    OutboxError,
    OutboxFull,
    OwnId,
    PortInUse,
    Refused,
    Replayed,
    StartError,
    TimedOut,
    TooLarge,
    UnknownDevice,
    Unreachable,
    Unsure,
    WrongDevice,
)
from ._keys import new_network_key
from ._native import __version__
from ._outbox import Outbox, OutboxAsync
from ._types import Device, Interface, OutboxItem, PresenceEvent, Result

if typing.TYPE_CHECKING:
    from ._asynchronous import EasyHTTPAsync
else:

    def __getattr__(name: str) -> object:
        # asyncio takes as long to import as all the rest, and as much memory. Only
        # those who use it wait for it.
        if name != "EasyHTTPAsync":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._asynchronous import EasyHTTPAsync

        globals()[name] = EasyHTTPAsync
        return EasyHTTPAsync

    def __dir__() -> "list[str]":
        return __all__


__all__ = [
    "EasyHTTP",
    "EasyHTTPAsync",
    "commands",
    "new_network_key",
    "Device",
    "Interface",
    "PresenceEvent",
    "Result",
    "Outbox",
    "OutboxAsync",
    "OutboxItem",
    "EasyHTTPError",
    "CallFailed",
    "UnknownDevice",
    "Unreachable",
    "TimedOut",
    "Interrupted",
    "WrongDevice",
    "Ambiguous",
    "OtherKey",
    "NotAuthenticated",
    "Replayed",
    "IdentityChanged",
    "OwnId",
    "Refused",
    "NoHandler",
    "HandlerFailed",
    "Busy",
    "NotTaken",
    "NotUnderstood",
    "Unsure",
    "TooLarge",
    "InvalidId",
    "InvalidKey",
    "NoNetworkKey",
    "InvalidAddress",
    "InvalidData",
    "OutboxFull",
    "NoOutbox",
    "OutboxError",
    "NotARequest",
    "NotRunning",
    "AlreadyRunning",
    "StartError",
    "PortInUse",
    "DeviceFileError",
    "__version__",
]
