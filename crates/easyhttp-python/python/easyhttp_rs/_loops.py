"""Event loops: the user's, which waits for calls, and one of our own, for blocking
devices whose callbacks are async."""

from __future__ import annotations

import asyncio
import functools
import threading
import weakref
from typing import Optional, TypeVar

from ._native import Mailbox, Pending

T = TypeVar("T")


class Loop:
    """An event loop, and the calls that it waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._mailbox = Mailbox(functools.partial(_wake, weakref.ref(self)))

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


def _wake(loop: "weakref.ref[Loop]") -> None:
    """Called by a thread of `_workers`."""
    alive = loop()
    if alive is not None:
        try:
            alive.loop.call_soon_threadsafe(alive.deliver)
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
