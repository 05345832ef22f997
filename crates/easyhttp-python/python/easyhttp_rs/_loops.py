"""Event loops: the user's, which waits for calls and runs callbacks, and one of our own,
for blocking devices whose callbacks are async."""

from __future__ import annotations

import asyncio
import functools
import threading
import weakref
from typing import Any, Callable, Coroutine, Optional, TypeVar

from ._native import Mailbox, Pending

T = TypeVar("T")


class Loop:
    """An event loop, and what arrives for it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, mailbox: Optional[Mailbox] = None
    ) -> None:
        """`mailbox`: what arrives there; otherwise in one of its own."""
        self.loop = loop
        self.mailbox = _watched(self, mailbox)

    def events(self) -> Optional[Mailbox]:
        """Where a device may put what it has to tell. None: it has to use `_workers`."""
        return None if self.mailbox.fileno() is None else self.mailbox

    async def run(self, pending: Pending[T]) -> T:
        """Awaits what a device was asked to do. Cancelling this gives it up."""
        future: "asyncio.Future[T]" = self.loop.create_future()
        call = pending.start(self.mailbox, future)
        try:
            return await future
        except asyncio.CancelledError:
            call.cancel()
            raise

    def deliver(self) -> None:
        settled, jobs = self.mailbox.take()
        for future, value, error in settled:
            if future.done():
                pass  # It was cancelled.
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)
        for function, arguments in jobs:
            # Each in a context of its own, and with others of the loop's in between.
            self.loop.call_soon(function, *arguments)


def _watched(loop: Loop, mailbox: Optional[Mailbox]) -> Mailbox:
    """One that wakes the loop by a file descriptor, or, where loops cannot watch one
    (the usual one of Windows), by a thread of `_workers`."""
    alive = weakref.ref(loop)
    try:
        mailbox = mailbox or Mailbox()
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


def run_in_background(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs it on a loop in a thread of its own."""
    asyncio.run_coroutine_threadsafe(coroutine, background())


def background() -> asyncio.AbstractEventLoop:
    """That loop, which runs until the interpreter ends."""
    global _background
    with _lock:
        if _background is None:
            _background = asyncio.new_event_loop()
            run = _background.run_forever
            threading.Thread(
                target=run, name="easyhttp-async-callbacks", daemon=True
            ).start()
        return _background
