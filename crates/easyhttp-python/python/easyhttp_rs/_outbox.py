"""Pushes that wait on disk until their devices are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

from . import _checks as checks
from . import _native
from ._types import OutboxItem

if TYPE_CHECKING:
    from ._asynchronous import EasyHTTPAsync
    from ._base import Base
    from ._blocking import EasyHTTP

#: How long an item waits for its device unless somebody says otherwise, in seconds.
WEEK = 7 * 24 * 3600.0


class Outbox:
    """The outbox of an `EasyHTTP`: what it is given is on disk when the call returns, and
    goes out when its device is heard, at whatever address, also after this program was
    killed or its machine lost its power.

    To each device the items go in the order in which they were given, one after the
    other. The callbacks ``on_delivered``, ``on_refused`` and ``on_expired`` tell what came
    of each, at least once: an item leaves the disk when its callback has returned, so one
    that was being told when the program was killed is told again. Set them before the
    start: what an earlier run has left may go out at once.

    An item is done once, whatever breaks, but by a device that was killed while it did it
    and has ``durable="run_again"``. One that was not answered is sent again, and the
    device knows it again; if it has forgotten (it was restarted, and is not `durable`) or
    remembers nothing (it is one of easyhttp-python), the item is not sent again, and
    ``on_refused`` is told with an error whose ``delivery`` is ``"unknown"``.

    A device that does not answer is tried again after 5 s, and then less and less often,
    down to once a minute; at once when it is heard.

    ::

        @easy.on("on_delivered")
        def delivered(device_id, data):
            print(f"{device_id} has {data}")

        with easy:
            # Whether 7H8G2K is there now or tomorrow.
            easy.outbox.push("7H8G2K", {"state": "off"})
    """

    __slots__ = ("_easy",)

    def __init__(self, easy: EasyHTTP) -> None:
        self._easy = easy

    def push(self, device_id: str, data: Any = None, *, expires: float = WEEK) -> int:
        """Keeps a command until its device is there. When this returns, it is on disk.

        Args:
            device_id: The device's id, six letters or digits.
            data: What it is to write or do, anything that JSON can say.
            expires: How long it may wait, in seconds: a week by default, a year at the
                most. What was not delivered by then never will be. While this program
                does not run, the clock of its machine counts.

        Returns:
            Its number. Numbers grow, and none is given twice.

        Raises:
            OutboxFull: If there is no room. Nothing waits for room.
            NoOutbox: If the device has an `id` without a file, and no `outbox_file`.
            OutboxError: If the disk cannot be written.
            TypeError, ValueError: If the data is not what JSON can say, `expires` is no
                number of seconds, or that is not an id (`InvalidId`).
            OwnId, TooLarge: If no device could ever be sent it.
            NotRunning: If this device does not run. All methods raise this one.
        """
        return _push(self._easy, device_id, data, expires).wait()

    def list(self) -> List[OutboxItem]:
        """What waits, in the order in which it came.

        Raises:
            OutboxError: If the file cannot be read.
        """
        return _outbox(self._easy).list().wait()

    def cancel(self, number: int) -> bool:
        """Takes an item out. No callback is told.

        Args:
            number: What `push` has returned.

        Returns:
            Whether that came in time: False if there is no such item any more, or if it
            is being sent at this very moment. One that was sent before, and was not
            answered, may have been done: its ``may_have_arrived`` says so.

        Raises:
            OutboxError: If the disk cannot be written.
        """
        return _cancel(self._easy, number).wait()

    def flush(self) -> int:
        """Tries all devices for which something waits, whether they were heard or not,
        and returns when each has all its items or did not take one. It does not wait for
        handlers that are to be told, so these may call it, too.

        Returns:
            How many items still wait.
        """
        return _outbox(self._easy).flush().wait()


class OutboxAsync:
    """The outbox of an `EasyHTTPAsync`. It has the methods of `Outbox`, to be awaited, and
    all that is said there holds here."""

    __slots__ = ("_easy",)

    def __init__(self, easy: EasyHTTPAsync) -> None:
        self._easy = easy

    async def push(
        self, device_id: str, data: Any = None, *, expires: float = WEEK
    ) -> int:
        """Keeps a command until its device is there; see `Outbox.push`. One that is
        cancelled may have been kept."""
        pending = _push(self._easy, device_id, data, expires)
        return await self._easy._here().run(pending)

    async def list(self) -> List[OutboxItem]:
        """What waits, in the order in which it came; see `Outbox.list`."""
        return await self._easy._here().run(_outbox(self._easy).list())

    async def cancel(self, number: int) -> bool:
        """Takes an item out, and says whether that came in time; see `Outbox.cancel`."""
        return await self._easy._here().run(_cancel(self._easy, number))

    async def flush(self) -> int:
        """Tries all devices for which something waits; see `Outbox.flush`."""
        return await self._easy._here().run(_outbox(self._easy).flush())


def _outbox(easy: Base) -> _native.Outbox:
    return easy._running().outbox()


def _push(
    easy: Base, device_id: str, data: Any, expires: float
) -> _native.Pending[int]:
    return _outbox(easy).push(device_id, data, checks.seconds("expires", expires))


def _cancel(easy: Base, number: int) -> _native.Pending[bool]:
    return _outbox(easy).cancel(checks.integer("number", number, 0, 2**64 - 1))
