"""Arguments as the rest can rely on them, or an exception that names the argument."""

from __future__ import annotations

import math
import os
import sys
from typing import Any, Iterable, List, Optional, Tuple, Union

from ._errors import InvalidAddress


def integer(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, not {value}")
    return value


def seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {value!r}")
    if math.isnan(value) or value < 0:
        raise ValueError(f"{name} must be a number of seconds, not {value}")
    return float(value)


def interval(name: str, value: Any) -> float:
    """From a second to an hour."""
    span = seconds(name, value)
    if not 1 <= span <= 3600:
        raise ValueError(f"{name} must be from 1 to 3600 seconds, not {span}")
    return span


def many(only: Any, timeout: Any) -> Optional[float]:
    if only is not None and not callable(only):
        raise TypeError(f"only must be a function, not {only!r}")
    return None if timeout is None else seconds("timeout", timeout)


def word(name: str, value: Optional[str], words: Tuple[str, ...]) -> Optional[str]:
    """One of these, or None."""
    if value is not None and value not in words:
        listed = " or ".join(map(repr, words))
        raise ValueError(f"{name} must be {listed}, not {value!r}")
    return value


def texts(name: str, value: Any) -> List[str]:
    # One text is a list of letters, which nobody means.
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of texts, not {value!r}")
    listed = list(value)
    for text in listed:
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a list of texts, and {text!r} is none")
    return listed


def ip(name: str, value: Any) -> str:
    import ipaddress  # Few name an address, and all would have it in memory.

    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(
            f"{name} must be an IP address of this machine, not {value!r}"
        ) from None


def config_file(value: Union[str, "os.PathLike[str]", None]) -> str:
    """The device file: beside the program if none is named, as easyhttp-python has it.
    Where there is no program, as in a notebook, in the current folder."""
    if value:
        return os.fspath(value)
    if getattr(sys, "frozen", False):
        folder = os.path.dirname(sys.executable)
    elif hasattr(sys, "ps1") or not sys.argv or not sys.argv[0]:
        folder = os.getcwd()
    else:
        folder = os.path.dirname(os.path.abspath(sys.argv[0]))
    return os.path.join(folder, "easyhttp_device.json")


def address(host: Any, port: Any) -> str:
    """``192.168.1.23:5000``. A name of a host is looked up."""
    if not isinstance(host, str):
        raise TypeError(f"device_ip must be a text, not {host!r}")
    try:
        port = integer("device_port", int(port), 1, 65535)
    except (TypeError, ValueError) as error:
        raise InvalidAddress(f"{port!r} is not a port: {error}") from None
    found = _look_up(host)
    return f"[{found}]:{port}" if ":" in found else f"{found}:{port}"


def _look_up(host: str) -> str:
    if _is_ip(host):
        return _with_scope_id(host)
    import socket

    # IPv4 first: the devices of easyhttp-python have nothing else.
    for family in (socket.AF_INET, socket.AF_UNSPEC):
        try:
            return str(socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)[0][4][0])
        except (OSError, UnicodeError):
            pass
    raise InvalidAddress(f"{host!r} is neither an IP address nor a host that can be found")


def _is_ip(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _with_scope_id(ip: str) -> str:
    """``fe80::1%2`` for ``fe80::1%eth0``, as the library reads it."""
    address, percent, interface = ip.partition("%")
    if percent and not interface.isdigit():
        import socket

        try:
            interface = str(socket.if_nametoindex(interface))
        except OSError:
            raise InvalidAddress(
                f"{ip!r}: this machine has no network interface {interface!r}"
            ) from None
    return f"{address}{percent}{interface}"


def own_address(group: str, port: int) -> Optional[str]:
    """The address of this machine on the network that it reaches others by."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect((group, port))  # It sends nothing.
        except OSError:
            return None
        return str(udp.getsockname()[0])
