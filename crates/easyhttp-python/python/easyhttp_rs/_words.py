"""What a device says of itself to the log, in the words of easyhttp-python."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Dict, Generic, Optional, Type, TypeVar

from ._checks import own_address
from ._errors import CallFailed
from ._native import Device, __version__

T = TypeVar("T")

log = logging.getLogger("easyhttp_rs")

#: Where devices find each other.
GROUP = "224.0.0.106"
PORT = 37020


class Words:
    """What one device says: at the level INFO if it was set up with `debug`."""

    def __init__(self, debug: bool) -> None:
        self.level = logging.INFO if debug else logging.DEBUG
        if debug:
            _print_log()

    def are_heard(self) -> bool:
        return log.isEnabledFor(self.level)

    def say(self, text: str) -> None:
        log.log(self.level, "%s", text)

    def started(self, device: Device, settings: Dict[str, Any]) -> None:
        self.say(f"EasyHTTP {__version__} has been started!")
        self.say(f"Device's ID: {device.id}")
        if device.port is not None:
            ip = settings["address"] or own_address(GROUP, PORT) or "127.0.0.1"
            self.say(f"API running on http://{ip}:{device.port}/easyhttp/api")
        if settings["enable_discovery"]:
            self.say(f"Discovery enabled on {GROUP}:{settings['discovery_port']}")

    def happened(self, event: str, arguments: Dict[str, Any]) -> None:
        """An event of presence."""
        if event == "on_duplicate_id":
            self.say(f"Another device uses the id of this one, at {arguments['there']}")
            return
        if event == "on_identity_changed":
            self.say(f"Device {arguments['device_id']} has another key than before")
            return
        text = {
            "on_joined": "Found device {} at {}",
            "on_left": "Device {} left: it was at {}",
            "on_lost": "Device {} is gone: it was at {}",
            "on_moved": "Device {} moved to {}",
        }[event]
        self.say(text.format(arguments["device_id"], arguments["device"]["ip"]))

    def ping(self, device_id: str) -> Told[float]:
        return Told(
            self, f"{device_id} is online", f"{device_id} is offline or not responding"
        )

    def push(self, device_id: str) -> Told[bool]:
        return Told(
            self, f"Successfully wrote to {device_id}", f"Error writing to {device_id}"
        )

    def send(self, device_id: str) -> Told[Dict[str, Any]]:
        return Told(self, "", f"Failed to send to {device_id}")


class Told(Generic[T]):
    """A call of which the caller is told only whether it succeeded. `value` is what it
    gave, None if it failed. Why it failed, is said to the log."""

    __slots__ = ("words", "good", "bad", "value")

    def __init__(self, words: Words, good: str, bad: str) -> None:
        self.words = words
        self.good = good
        self.bad = bad
        self.value: Optional[T] = None

    def __enter__(self) -> Told[T]:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> bool:
        if isinstance(error, CallFailed):
            self.words.say(f"{self.bad}: {error}")
            return True
        if error is None and self.good:
            self.words.say(self.good)
        return False


def _print_log() -> None:
    """Prints the log to standard error, unless the program has set up `logging`."""
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
        log.addHandler(handler)
    if log.getEffectiveLevel() > logging.INFO:
        log.setLevel(logging.INFO)
