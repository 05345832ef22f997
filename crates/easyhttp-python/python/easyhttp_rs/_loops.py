"""Event loops: the user's, which waits for calls, and one of our own, for blocking
devices whose callbacks are async."""

from __future__ import annotations

import asyncio
import functools
import threading
import weakref
from typing import Callable, Optional, TypeVar

from ._native import Mailbox, Pending

T = TypeVar("T")


class Loop:
    """An event loop, and the calls that it waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._mailbox = _mailbox(self)

    async def run(self, pending: Pending[T]) -> T:
        """Awaits what a device was asked to do. Cancelling this gives it up."""
        future: "asyncio.Future[T]" = self.loop.create_future()
        call = pending.start(self._mailbox, future)
        try:
            return await future
        except asyncio.CancelledError:
            call.cancel()
            raise

    def deliver(self) -> None:
        for future, value, error in self._mailbox.take():
            if future.done():
                pass  # It was cancelled.
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)


def _mailbox(loop: Loop) -> Mailbox:
    """One that wakes the loop by a file descriptor, or, where loops cannot watch one
    (the usual one of Windows), by a thread of `_workers`."""
    alive = weakref.ref(loop)
    try:
        mailbox = Mailbox()
        fd = mailbox.fileno()
        assert fd is not None
        loop.loop.add_reader(fd, _deliver, alive)
    except NotImplementedError:
        return Mailbox(functools.partial(_wake, alive))
    # Nobody is left who could wait when the interpreter ends.
    weakref.finalize(loop, _unwatch, loop.loop, mailbox, fd).atexit = False
    return mailbox


def _deliver(loop: "weakref.ref[Loop]") -> None:
    alive = loop()
    if alive is not None:
        alive.deliver()


def _unwatch(loop: asyncio.AbstractEventLoop, mailbox: Mailbox, fd: int) -> None:
    """The descriptor is open as long as there is the mailbox."""

    def remove(_: Mailbox) -> None:
        loop.remove_reader(fd)

    _call_soon(loop, remove, mailbox)


def _wake(loop: "weakref.ref[Loop]") -> None:
    """Called by a thread of `_workers`."""
    alive = loop()
    if alive is not None:
        _call_soon(alive.loop, _deliver, loop)


def _call_soon(
    loop: asyncio.AbstractEventLoop, function: Callable[[T], None], argument: T
) -> None:
    try:
        loop.call_soon_threadsafe(function, argument)
    except RuntimeError:
        pass  # The loop is closed, so nobody waits.


_lock = threading.Lock()
_background: Optional[asyncio.AbstractEventLoop] = None


def background() -> asyncio.AbstractEventLoop:
    """A loop that runs in a thread of its own, until the interpreter ends."""
    global _background
    with _lock:
        if _background is None:
            _background = asyncio.new_event_loop()
            run = _background.run_forever
            threading.Thread(
                target=run, name="easyhttp-async-callbacks", daemon=True
            ).start()
        return _background
