"""A device that has a callback for everything, and prints what happens.

    python callbacks.py

Start another example or a device of easyhttp-python beside it: both find each other,
and this one asks it every five seconds. Ctrl-C ends it.
"""

import time
from contextlib import suppress
from typing import Any, Dict, Optional

from easyhttp_rs import CallFailed, Device, EasyHTTP, Refused

easy = EasyHTTP()
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


@easy.on("on_fetch")
def give(sender_id: Optional[str], query: Any) -> Dict[str, Any]:
    print(f"FETCH from {sender_id}: {query}")
    return {"seconds": int(time.monotonic() - started), "query": query}


@easy.on("on_push")
def obey(sender_id: Optional[str], data: Any) -> bool:
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


def main() -> None:
    with easy:
        print(f"device {easy.id} answers on port 5000")
        while True:
            for other in easy.devices:
                try:
                    # What they answer reaches `pong` and `data_came`, too.
                    easy.ping_time(other)
                    easy.fetch_data(other, "all")
                except CallFailed as error:
                    print(error)
            time.sleep(5)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
