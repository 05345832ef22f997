"""A poor switch: it loses, delays and doubles frames, as the dice of a seed fall.

    python3 switch.py SEED '{"multicast_loss": 0.3, "group_loss": 0, "loss": 0, "doubled": 0.1,
                             "delay": 0.02, "cut": []}' PORT...

Every frame that comes in at a port goes out at all the others, or not: that is
decided for each of them anew. Shares are from 0 to 1, `delay` is the longest
one, in seconds; at the ports that are cut, nothing comes in or goes out. A line on
its standard input replaces the faults by others. It says `ready` once it works, and
ends when its standard input does.
"""

import heapq
import itertools
import json
import os
import random
import select
import socket
import sys
import time

# From linux/if_ether.h, linux/if_packet.h and linux/virtio_net.h.
ETH_P_ALL = 3
SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING = 263, 15, 4
VNET_HEADER = 10

LARGEST = 1 << 17

# Where the group of discovery is heard on an Ethernet: 224.0.0.106 (RFC 1112, 6.4)
# and ff12::8000:6a (RFC 2464, 7).
GROUPS = bytes.fromhex("01005e00006a"), bytes.fromhex("33338000006a")


def main():
    chance = random.Random(sys.argv[1])
    faults = json.loads(sys.argv[2])
    ports = {open_port(name): name for name in sys.argv[3:]}
    waiting, counter = [], itertools.count()
    print("ready", flush=True)
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for ready in select.select([sys.stdin, *ports], [], [], timeout)[0]:
            if ready is sys.stdin:
                lines = os.read(sys.stdin.fileno(), LARGEST).splitlines()
                if not lines:
                    return
                faults = json.loads(lines[-1])
                continue
            frame, (_, _, kind, *_) = ready.recvfrom(LARGEST)
            if kind == PACKET_OUTGOING or ports[ready] in faults["cut"]:
                continue
            for port, name in ports.items():
                if port is not ready and name not in faults["cut"]:
                    for due in times(frame, faults, chance):
                        heapq.heappush(waiting, (due, next(counter), port, frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, port, frame = heapq.heappop(waiting)
            send(port, frame)


def open_port(name):
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    # Hosts leave checksums to the hardware. With this header in front of each
    # frame, the system knows which are still to be computed.
    port.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    port.bind((name, 0))
    return port


def times(frame, faults, chance):
    """When a frame is delivered to a port: once, twice, or never."""
    to = frame[VNET_HEADER : VNET_HEADER + 6]
    is_multicast = to[0] & 1 and to != b"\xff" * 6
    loss = faults["multicast_loss" if is_multicast else "loss"]
    if to in GROUPS:
        loss = max(loss, faults["group_loss"])
    copies = 0 if chance.random() < loss else 2 if chance.random() < faults["doubled"] else 1
    return [time.monotonic() + chance.random() * faults["delay"] for _ in range(copies)]


def send(port, frame):
    try:
        port.send(frame)
    except OSError:
        # The cable is out.
        pass


main()
