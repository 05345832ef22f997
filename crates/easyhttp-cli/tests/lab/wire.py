"""Listens to a switch: says of each datagram of discovery when and by whom it was sent.

    python3 wire.py INTERFACE

It prints `ready`, and then a line `SECONDS SOURCE TYPE` for each, multicast or
unicast, over IPv4 or IPv6. It ends when its standard input does.
"""

import ipaddress
import json
import select
import socket
import struct
import sys

# From linux/if_ether.h, linux/if_packet.h and asm-generic/socket.h.
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35

LARGEST = 1 << 17


def main():
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
    # The time is that of the system, as this program may be late.
    wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    wire.bind((sys.argv[1], 0))
    everything = struct.pack("iHH8s", socket.if_nametoindex(sys.argv[1]), PACKET_MR_PROMISC, 0, b"")
    wire.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, everything)
    print("ready", flush=True)
    while sys.stdin not in select.select([sys.stdin, wire], [], [])[0]:
        frame, [(_, _, time), *_], _, _ = wire.recvmsg(LARGEST, 64)
        seconds, nanoseconds = struct.unpack("qq", time)
        try:
            source, payload = udp(frame)
            print(f"{seconds}.{nanoseconds:09} {source} {json.loads(payload)['type']}", flush=True)
        except (ValueError, TypeError, KeyError):
            # Not of discovery.
            pass


def udp(frame):
    """The source and the payload of a UDP packet; a ValueError for any other."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    packet = frame[14:]
    if kind == ETH_P_IP and packet[9] == socket.IPPROTO_UDP:
        source, header = packet[12:16], 4 * (packet[0] & 15)
    elif kind == ETH_P_IPV6 and packet[6] == socket.IPPROTO_UDP:
        source, header = packet[8:24], 40
    else:
        raise ValueError
    (length,) = struct.unpack_from("!H", packet, header + 4)
    return ipaddress.ip_address(source), packet[header + 8 : header + length]


main()
