"""Sends a command to a device that may be away: it waits on disk until that is there.

    python outbox.py 7H8G2K on     # keeps it, and waits until it was delivered
    python outbox.py               # waits for what an earlier run has left

Ctrl-C ends it. So does a power cut, and nothing is lost: start it again.
"""

import queue
import sys
from contextlib import suppress
from typing import Any

from easyhttp_rs import EasyHTTP, EasyHTTPError, OutboxItem

easy = EasyHTTP(port=0, config_file="outbox.json")
#: The numbers of those that do not wait any more.
done: "queue.Queue[int]" = queue.Queue()


# These are set before the start: what an earlier run has left may go out at once.
@easy.on("on_delivered")
def delivered(device_id: str, data: Any, item: OutboxItem) -> None:
    print(f"{device_id} has {data}", flush=True)
    done.put(item.number)


@easy.on("on_refused")
def refused(device_id: str, data: Any, item: OutboxItem, error: EasyHTTPError) -> None:
    print(f"{device_id} does not have {data}: {error}", flush=True)
    done.put(item.number)


@easy.on("on_expired")
def expired(device_id: str, data: Any, item: OutboxItem) -> None:
    print(f"{device_id} was not there in time for {data}", flush=True)
    done.put(item.number)


def main() -> None:
    with easy:
        waiting = {item.number for item in easy.outbox.list()}
        if len(sys.argv) > 2:
            device_id, state = sys.argv[1:3]
            # For a day: nobody wants a lamp to go on next week.
            waiting.add(easy.outbox.push(device_id, {"state": state}, expires=24 * 3600))
        print(f"waiting: {len(waiting)}", flush=True)
        while waiting:
            waiting.discard(done.get())


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
