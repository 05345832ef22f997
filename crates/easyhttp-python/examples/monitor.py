"""A device that answers everything, and says every five seconds whether another is there.

    python monitor.py            # asks ABC123
    python monitor.py 7H8G2K     # asks this one

While it sleeps, it answers all the same. Ctrl-C ends it.
"""

import sys
import time
from typing import Any, Dict, Optional

from easyhttp_rs import EasyHTTP


def handle_ping(sender_id: Optional[str]) -> None:
    print(f"PING from {sender_id}")


def handle_pong(sender_id: Optional[str]) -> None:
    print(f"PONG from {sender_id}")


def handle_data(sender_id: Optional[str], data: Any) -> None:
    print(f"DATA from {sender_id}: {data}")


def handle_fetch(sender_id: Optional[str], timestamp: int) -> Dict[str, Any]:
    print(f"FETCH from {sender_id}")
    return {"temperature": 23.5, "humidity": 45, "status": "normal", "timestamp": timestamp}


def handle_push(sender_id: Optional[str], data: Any) -> bool:
    print(f"PUSH from {sender_id}: {data}")
    if isinstance(data, dict) and data.get("command") == "led":
        # Here you can set a real pin.
        print(f"the LED is {data.get('state', 'off')}")
        return True  # accepted
    return False  # refused


def main() -> None:
    other = sys.argv[1] if len(sys.argv) > 1 else "ABC123"
    easy = EasyHTTP(debug=True, port=5000)
    easy.on("on_ping", handle_ping)
    easy.on("on_pong", handle_pong)
    easy.on("on_fetch", handle_fetch)
    easy.on("on_data", handle_data)
    easy.on("on_push", handle_push)
    easy.start()
    print(f"device {easy.id} answers on port 5000")
    try:
        while True:
            if easy.ping(other):
                print(f"{other} is online")
            else:
                print(f"{other} is offline")
            time.sleep(5)
    except KeyboardInterrupt:
        print("stopping")
        easy.stop()


if __name__ == "__main__":
    main()
