"""A sensor: answers FETCH with the load and the temperature of this machine.

    python sensor.py
    curl -H 'Content-Type: application/json' -d '{"type": 3}' http://localhost:5001/easyhttp/api

Other devices find it by themselves. Ctrl-C ends it.
"""

import os
import time
from contextlib import suppress
from typing import Dict, Optional

from easyhttp_rs import EasyHTTP


def give(sender_id: Optional[str]) -> Dict[str, Optional[float]]:
    print(f"FETCH from {sender_id}")
    return {"load": load(), "temperature": temperature()}


def load() -> Optional[float]:
    """How many processes wanted to run in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def temperature() -> Optional[float]:
    """Degrees Celsius. Linux says it, where there is a thermometer."""
    try:
        with open("/sys/class/thermal/thermal_zone0/temp") as file:
            return int(file.read()) / 1000
    except (OSError, ValueError):
        return None


def main() -> None:
    # Its id is made at the first start, and kept in this file.
    sensor = EasyHTTP(port=5001, config_file="sensor.json")
    sensor.on("on_fetch", give)
    with sensor:
        print(f"sensor {sensor.id} answers on port 5001")
        # It answers by itself; the program need only go on.
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
