"""A device that has a callback for everything, and prints what happens, with asyncio.

    python callbacks_async.py

Start another example or a device of easyhttp-python beside it: both find each other,
and this one asks it every five seconds. Ctrl-C ends it.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any, Dict, Optional

from easyhttp_rs import CallFailed, Device, EasyHTTPAsync, Refused

easy = EasyHTTPAsync()
started = time.monotonic()


# A callback takes those arguments that it wants.
@easy.on("on_ping")
def ping(sender_id: Optional[str]) -> None:
    print(f"PING from {sender_id}")


@easy.on("on_pong")
def pong(sender_id: Optional[str]) -> None:
    print(f"PONG from {sender_id}")


@easy.on("on_data")
def data_came(sender_id: Optional[str], data: Any) -> None:
    print(f"DATA from {sender_id}: {data}")


# One that has to wait for something is an `async def`.
@easy.on("on_fetch")
async def give(sender_id: Optional[str], query: Any) -> Dict[str, Any]:
    print(f"FETCH from {sender_id}: {query}")
    await asyncio.sleep(0.05)
    return {"seconds": int(time.monotonic() - started), "query": query}


@easy.on("on_push")
async def obey(sender_id: Optional[str], data: Any) -> bool:
    print(f"PUSH from {sender_id}: {data}")
    if data is None:
        raise Refused("no data")
    return True


@easy.on("on_joined")
def joined(device_id: str, device: Device) -> None:
    print(f"{device_id} is here, at {device['ip']}")


@easy.on("on_left")
def left(device_id: str) -> None:
    print(f"{device_id} said goodbye")


async def main() -> None:
    async with easy:
        print(f"device {easy.id} answers on port 5000")
        while True:
            for other in easy.devices:
                try:
                    # What they answer reaches `pong` and `data_came`, too.
                    await easy.ping_time(other)
                    await easy.fetch_data(other, "all")
                except CallFailed as error:
                    print(error)
            await asyncio.sleep(5)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
