"""Sets up a network namespace that has just been made, then becomes a command.

    unshare --net python3 netns.py COMMAND [ARGUMENT...]

The same as

    ip link set lo up
    ip route add 224.0.0.0/4 dev lo src 127.0.0.1

for machines without `ip`. The route is for Python devices, which send their
multicast datagrams wherever the routing table says. `src` makes them come from
an address that can be answered: without it, it is 0.0.0.0.
"""

import os
import socket
import struct
import sys

# From linux/netlink.h, linux/rtnetlink.h and linux/if.h.
RTM_NEWLINK, RTM_NEWROUTE = 16, 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE = 0x1, 0x4, 0x400
IFF_UP = 0x1
RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_LINK, RTN_UNICAST = 254, 3, 253, 1
RTA_DST, RTA_OIF, RTA_PREFSRC = 1, 4, 7


def main():
    loopback = socket.if_nametoindex("lo")
    bring_up(loopback)
    route_multicast(loopback)
    os.execvp(sys.argv[1], sys.argv[1:])


def bring_up(interface):
    link = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, interface, IFF_UP, IFF_UP)
    ask_kernel(RTM_NEWLINK, 0, link)


def route_multicast(interface):
    prefix_length = 4
    route = struct.pack(
        "=8BI",
        *(socket.AF_INET, prefix_length, 0, 0),
        *(RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_LINK, RTN_UNICAST),
        0,
    )
    route += attribute(RTA_DST, socket.inet_aton("224.0.0.0"))
    route += attribute(RTA_OIF, struct.pack("=i", interface))
    route += attribute(RTA_PREFSRC, socket.inet_aton("127.0.0.1"))
    ask_kernel(RTM_NEWROUTE, NLM_F_CREATE, route)


def attribute(kind, value):
    """One attribute of a message. All of ours are four bytes and need no padding."""
    return struct.pack("=HH", 4 + len(value), kind) + value


def ask_kernel(kind, flags, body):
    """Sends one message and waits for its acknowledgement, which has an error code or 0."""
    header = struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(header + body)
        acknowledgement = kernel.recv(4096)
    (code,) = struct.unpack_from("=i", acknowledgement, 16)
    if code:
        raise OSError(-code, os.strerror(-code))


main()
