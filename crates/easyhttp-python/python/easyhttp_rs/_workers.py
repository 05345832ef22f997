"""The threads that call into Python: callbacks where there is no event loop for them,
and the waking of event loops that cannot watch a file descriptor.

There is always one that waits for work. One that takes a job while no other waits
starts the next, so there are never more than callbacks run at once, and one. Most of
the time one does all the work, and the other watches it.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import threading
import weakref
from typing import Any

from ._native import close_jobs, is_forked, next_job, send_logs

log = logging.getLogger("easyhttp_rs")

#: What is to be halted when the interpreter ends.
running: "weakref.WeakSet[Any]" = weakref.WeakSet()

_numbers = itertools.count(1)
_lock = threading.Lock()
_has_started = False


def start() -> None:
    """Makes sure that somebody waits for work."""
    global _has_started
    with _lock:
        if not _has_started:
            _has_started = True
            atexit.register(_end)
            _start_one()
    send_logs(log.log, min(log.getEffectiveLevel(), 255))


def _start_one() -> None:
    name = f"easyhttp-callbacks-{next(_numbers)}"
    threading.Thread(target=_work, name=name, daemon=True).start()


def _work() -> None:
    while True:
        job = next_job()
        if job is None:
            return
        function, arguments, is_alone = job
        if is_alone:
            try:
                _start_one()
            except RuntimeError:
                pass  # No thread can be had: what waits has to wait for this one.
        try:
            function(*arguments)
        except Exception:
            log.exception("easyhttp_rs failed; this is a fault of its own")
        # What the job held is let go now, not when the next one comes.
        del job, function, arguments


def _end() -> None:
    """Lets no device and no thread of ours live on into the end of the interpreter."""
    if is_forked():
        return
    for device in list(running):
        device._halt()
    close_jobs()
