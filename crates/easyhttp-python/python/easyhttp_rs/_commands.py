"""The commands that travel between devices."""

from enum import Enum


class commands(Enum):
    """The commands of the protocol, with their numbers on the wire.

    `send` takes PING, PONG, FETCH, DATA and PUSH. The others only answer.
    """

    PING = 1
    PONG = 2
    FETCH = 3
    DATA = 4
    PUSH = 5
    ACK = 6
    NACK = 7
    DISCOVERY = 8
    DISCOVERY_ACK = 9
