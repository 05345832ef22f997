"""Asks and commands a device that has a network key, with nothing but Python itself: no
package, as somebody would do it who read PROTOCOL.md, "Secure mode".

    EASYHTTP_KEY=EHK1-… python secure_client.py 192.168.1.23:5000 7H8G2K fetch '{"sensor": 1}'
    EASYHTTP_KEY=EHK1-… python secure_client.py 192.168.1.23:5000 7H8G2K push '"on"'
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import sys
import time
from email.message import Message
from typing import Any, Dict, Tuple

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
FETCH, PUSH = 3, 5
#: The epoch of a device that has not told it yet.
UNKNOWN = '"AAAAAAAAAAAAAAAA"'
REQUEST = '("@method" "@path" "content-type" "content-digest" "easyhttp-epoch")'
#: What an answer must have signed, and what of it must be signed if it is there.
ANSWER = (
    '"@status"',
    '"content-type"',
    '"content-digest"',
    '"easyhttp-epoch"',
    '"signature";req;key="net"',
)
IF_PRESENT = ("content-encoding", "easyhttp-error", "easyhttp-key")


def derive(text: str) -> Tuple[bytes, str]:
    """The key of the signatures and the key id, from the text of a network key."""
    letters = "".join(text.upper().split()).replace("-", "")
    assert letters.startswith("EHK1") and len(letters) == 32, "this is not a network key"
    bits = 0
    for letter in letters[4:30]:
        bits = bits << 5 | LETTERS.index(letter)
    network_key = (bits >> 2).to_bytes(16, "big")
    # HKDF: one block of HMAC is enough for 32 bytes.
    secret = hmac.digest(b"easyhttp-secure-v1", network_key, "sha256")
    mac, key_id = (hmac.digest(secret, info + b"\x01", "sha256") for info in (b"mac", b"kid"))
    return mac, base64.urlsafe_b64encode(key_id[:6]).decode()


def signature(mac: bytes, lines: str, components: str) -> str:
    base = f'{lines}"@signature-params": {components}'
    return f":{base64.b64encode(hmac.digest(mac, base.encode(), 'sha256')).decode()}:"


def digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def is_proved(mac: bytes, key_id: str, told: Message, known: Dict[str, str]) -> bool:
    """Whether an answer is signed with the key. ``known`` is what is in no field of it."""
    components = (told["Signature-Input"] or "").partition("net=")[2]
    covered = components.partition("(")[2].partition(")")[0].split()
    lines = "".join(f"{it}: {known.get(it, told[it.strip(chr(34))])}\n" for it in covered)
    return (
        set(ANSWER) <= set(covered)
        and all(told[name] is None or f'"{name}"' in covered for name in IF_PRESENT)
        and f';keyid="{key_id}"' in components
        and ';tag="easyhttp-1"' in components
        and hmac.compare_digest(
            f"net={signature(mac, lines, components)}", told["Signature"] or ""
        )
    )


def ask(at: str, key: str, message: Any, epoch: str = UNKNOWN) -> Any:
    """Sends a message, and gives the answer that the device has signed."""
    mac, key_id = derive(key)
    body = json.dumps(message).encode()
    nonce = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
    components = (
        f'{REQUEST};created={int(time.time())};nonce="{nonce}";keyid="{key_id}"'
        ';alg="hmac-sha256";tag="easyhttp-1"'
    )
    fields = f'"content-type": application/json\n"content-digest": {digest(body)}\n'
    lines = f'"@method": POST\n"@path": /easyhttp/api\n{fields}"easyhttp-epoch": {epoch}\n'
    signed = signature(mac, lines, components)
    headers = {
        "Content-Type": "application/json",
        "Content-Digest": digest(body),
        "EasyHTTP-Epoch": epoch,
        "Signature-Input": f"net={components}",
        "Signature": f"net={signed}",
    }
    connection = http.client.HTTPConnection(at, timeout=3)
    connection.request("POST", "/easyhttp/api", body, headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()

    told = response.headers
    theirs = re.search(r'keyid="([^"]*)"', told["WWW-Authenticate"] or "")
    if theirs and theirs[1] != key_id:
        sys.exit(f"the device has the network key {theirs[1]}, and this is {key_id}")
    known = {'"@status"': str(response.status), '"signature";req;key="net"': signed}
    if not is_proved(mac, key_id, told, known) or told["Content-Digest"] != digest(body):
        sys.exit("what answered did not prove that it has the network key")
    # That takes AES, which Python's standard library does not have.
    if told["Content-Encoding"]:
        sys.exit("the device encrypts what it answers, and this client cannot read that")
    # It has proved that nothing was done: so this may go out once more.
    if response.status == 401 and epoch == UNKNOWN:
        return ask(at, key, message, told["EasyHTTP-Epoch"])
    if response.status != 200:
        sys.exit(f"HTTP {response.status}: {body.decode()}")
    return json.loads(body)


def main() -> None:
    at, device_id, command, text = sys.argv[1:]
    header = {"sender_id": "AAAAAA", "recipient_id": device_id, "timestamp": int(time.time())}
    number = {"fetch": FETCH, "push": PUSH}[command]
    message = {"version": "0.4.0", "type": number, "header": header, "data": json.loads(text)}
    print(json.dumps(ask(at, os.environ["EASYHTTP_KEY"], message)))


if __name__ == "__main__":
    main()
