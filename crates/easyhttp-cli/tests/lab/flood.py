"""Floods discovery with forged datagrams: real ids, from addresses that are not theirs.

    python3 flood.py INTERFACE ADDRESS[,ADDRESS...] ID[,ID...] PORT A_SECOND SECONDS

It takes turns among addresses, ids and kinds of datagrams, and prints how many
it has sent.
"""

import itertools
import json
import random
import socket
import struct
import sys
import time

GROUP = ("224.0.0.106", 37020)


def main():
    interface, addresses, ids, port, a_second, seconds = sys.argv[1:]
    sockets = itertools.cycle([open_socket(interface, it) for it in addresses.split(",")])
    pause = 1 / int(a_second)
    start, sent = time.monotonic(), 0
    while sent * pause < int(seconds):
        id, kind = random.choice(ids.split(",")), random.choice(KINDS)
        datagram = {"version": "0.4.0", "id": id, "port": int(port), **kind()}
        next(sockets).sendto(json.dumps(datagram).encode(), GROUP)
        sent += 1
        time.sleep(max(0, start + sent * pause - time.monotonic()))
    print(sent)


def boot():
    return {"boot": random.getrandbits(32), "every": 5}


# A question, an announcement, an older device's, an answer, a goodbye.
KINDS = [
    lambda: {"type": 8, "ask": True, **boot()},
    lambda: {"type": 8, **boot()},
    lambda: {"type": 8},
    lambda: {"type": 9, **boot()},
    lambda: {"type": "bye", **boot()},
]


def open_socket(interface, address):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, 0))
    index = socket.if_nametoindex(interface)
    udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), index))
    return udp


main()
