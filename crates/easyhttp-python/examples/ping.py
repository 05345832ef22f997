"""Asks another device once a second whether it is there.

    python ping.py 7H8G2K

The device may be any that runs on this network: another example, one on another
machine, one of easyhttp-python. Ctrl-C ends it.
"""

import sys
import time
from contextlib import suppress

from easyhttp_rs import CallFailed, EasyHTTP


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("say which device: python ping.py 7H8G2K")
    other = sys.argv[1]
    # This one only asks: it needs no port.
    with EasyHTTP(port=None, config_file="ping.json") as easy:
        while True:
            try:
                took = easy.ping_time(other)
                print(f"{other} is online, and answered in {took * 1000:.1f} ms")
            except CallFailed as error:
                print(error)
            time.sleep(1)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
