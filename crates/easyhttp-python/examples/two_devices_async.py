"""Two devices in one program: they find each other by multicast, and talk, with asyncio.

    python two_devices_async.py
"""

import asyncio
from typing import Any, Dict, Optional

from easyhttp_rs import EasyHTTPAsync, Refused


async def main() -> None:
    # Port 0 is any that is free; the others are told which.
    kitchen = EasyHTTPAsync(port=0, config_file="kitchen.json")
    hall = EasyHTTPAsync(port=0, config_file="hall.json")

    @kitchen.on("on_fetch")
    async def give(query: Any) -> Dict[str, Any]:
        return {"room": "kitchen", "asked": query}

    @kitchen.on("on_push")
    async def obey(data: Any) -> bool:
        return bool(data["light"] == "on")

    @kitchen.on("on_data")
    async def hear(sender_id: Optional[str], data: Any) -> None:
        print(f"kitchen: {sender_id} says {data}")

    async with kitchen, hall:
        print(f"kitchen is {kitchen.id}, hall is {hall.id}")
        found = await hall.find(kitchen.id, timeout=5)
        print(f"hall: found {kitchen.id} at {found['ip']}, port {found['port']}")
        print(f"hall: PING took {await hall.ping_time(kitchen.id) * 1000:.1f} ms")
        print(f"hall: FETCH gave {await hall.fetch_data(kitchen.id, 'temperature')}")
        await hall.push_data(kitchen.id, {"light": "on"})
        print("hall: PUSH was accepted")
        await hall.send(kitchen.id, hall.commands.DATA, "dinner is ready")
        try:
            # The kitchen has no light that blinks.
            await hall.push_data(kitchen.id, {"light": "blink"})
        except Refused as refused:
            print(f"hall: {refused}")


if __name__ == "__main__":
    asyncio.run(main())
