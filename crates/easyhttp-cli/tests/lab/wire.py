"""Listens to a switch: says of each datagram of discovery, and of each attempt to connect,
when and by whom it was sent.

    python3 wire.py INTERFACE

It prints `ready`, and then a line `SECONDS SOURCE TYPE` for each datagram, multicast or
unicast, and a line `SECONDS SOURCE PORT connect` for each SYN, over IPv4 or IPv6. It ends
when its standard input does.
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

# The flags of TCP (RFC 9293, 3.1).
SYN, ACK = 2, 16

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
            print(f"{seconds}.{nanoseconds:09} {said(frame)}", flush=True)
        except (ValueError, TypeError, KeyError):
            # Neither of them.
            pass


def said(frame):
    (kind,) = struct.unpack_from("!H", frame, 12)
    packet = frame[14:]
    if kind == ETH_P_IP:
        protocol, source, header = packet[9], packet[12:16], 4 * (packet[0] & 15)
    elif kind == ETH_P_IPV6:
        protocol, source, header = packet[6], packet[8:24], 40
    else:
        raise ValueError
    source = ipaddress.ip_address(source)
    if protocol == socket.IPPROTO_UDP:
        (length,) = struct.unpack_from("!H", packet, header + 4)
        return f"{source} {json.loads(packet[header + 8 : header + length])['type']}"
    if protocol == socket.IPPROTO_TCP and packet[header + 13] & (SYN | ACK) == SYN:
        (port,) = struct.unpack_from("!H", packet, header)
        return f"{source} {port} connect"
    raise ValueError


main()
