"""A lamp, and the remote control that switches it.

    python remote_control.py                    # the lamp; says its id
    python remote_control.py 7H8G2K on          # in a second terminal
    python remote_control.py 7H8G2K purple      # refused, with a reason

Ctrl-C ends the lamp.
"""

import sys
import time
from contextlib import suppress
from typing import Any, Optional

from easyhttp_rs import CallFailed, EasyHTTP, Refused


def control(sender_id: Optional[str], data: Any) -> bool:
    print(f"PUSH from {sender_id}: {data}")
    if not isinstance(data, dict) or data.get("command") != "led":
        raise Refused("the only command is led")
    if data.get("state") not in ("on", "off"):
        raise Refused("state must be on or off")
    # Here you can set a real pin.
    return True


def lamp() -> None:
    lamp = EasyHTTP(port=5002, config_file="lamp.json")
    lamp.on("on_push", control)
    with lamp:
        print(f"lamp {lamp.id} answers on port 5002")
        while True:
            time.sleep(3600)


def switch(lamp_id: str, state: str) -> None:
    with EasyHTTP(port=None, config_file="remote.json") as remote:
        try:
            remote.push_data(lamp_id, {"command": "led", "state": state})
            print(f"the lamp {lamp_id} is {state}")
        except CallFailed as error:
            print(error)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        if len(sys.argv) == 3:
            switch(*sys.argv[1:])
        else:
            lamp()
