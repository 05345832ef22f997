"""Asks another device once a second whether it is there, with asyncio.

    python ping_async.py 7H8G2K

The device may be any that runs on this network: another example, one on another
machine, one of easyhttp-python. Ctrl-C ends it.
"""

import asyncio
import sys
from contextlib import suppress

from easyhttp_rs import CallFailed, EasyHTTPAsync


async def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("say which device: python ping_async.py 7H8G2K")
    other = sys.argv[1]
    # This one only asks: it needs no port.
    async with EasyHTTPAsync(port=None, config_file="ping.json") as easy:
        while True:
            try:
                took = await easy.ping_time(other)
                print(f"{other} is online, and answered in {took * 1000:.1f} ms")
            except CallFailed as error:
                print(error)
            await asyncio.sleep(1)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
