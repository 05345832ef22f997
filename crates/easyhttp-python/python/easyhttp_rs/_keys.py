"""Network keys: what the devices of one network share."""

from __future__ import annotations

import os
from typing import Any, Iterable, List

from ._native import key_id, key_text


def new_network_key() -> str:
    """Makes a network key, a text such as ``EHK1-2W5J-…``: a secret. Give the same to
    every device, and keep it where only its owner can read it."""
    return key_text(os.urandom(16))


def checked(given: Any) -> List[str]:
    """The keys of a device: none, one or several. What is wrong with one is said without
    showing it.

    Raises:
        TypeError: If there is something else.
        InvalidKey: If one is no key.
    """
    if given is None:
        return []
    keys = [given] if isinstance(given, str) else given
    if isinstance(keys, (bytes, bytearray)) or not isinstance(keys, Iterable):
        raise TypeError(f"network_key must be a text or a list of texts, not {_kind(keys)}")
    listed = list(keys)
    for key in listed:
        if not isinstance(key, str):
            raise TypeError(f"network_key must be a list of texts, and one is {_kind(key)}")
        key_id(key)
    return listed


def _kind(value: Any) -> str:
    return type(value).__name__
