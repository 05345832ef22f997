"""Checks our signatures with a library that knows nothing of us, and makes others.

    python rfc9421.py NETWORK_KEY_IN_HEX

Each line of standard input is a request and its answer as we signed them, and what is to
be signed in turn:

    {"request": {"method": …, "url": …, "fields": {…}, "body": …}, "answer": {"status": …, …},
     "device": PUBLIC_KEY_IN_BASE64 or null, "key": KEY_ID, "nonce": …, "created": …,
     "more": [COMPONENT, …]}

Each line of standard output is the answer to one: {"request": {…}, "answer": {…}}, with the
fields of the library's own signatures over both.
"""

import base64
import datetime
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
    algorithms,
)
from http_message_signatures.structures import CaseInsensitiveDict

NETWORK_KEY = bytes.fromhex(sys.argv[1])
MAC = HKDF(SHA256(), 32, b"easyhttp-secure-v1", b"mac").derive(NETWORK_KEY)
TAG = "easyhttp-1"
REQUEST = ["@method", "@path", "content-type", "content-digest", "easyhttp-epoch"]
ANSWER = ["@status", "content-type", "content-digest", "easyhttp-epoch", '"signature";req;key="net"']


class Request:
    def __init__(self, given):
        self.method, self.url = given["method"], given["url"]
        self.headers = CaseInsensitiveDict(given["fields"])


class Answer:
    def __init__(self, given, request):
        self.status_code, self.request = given["status"], request
        self.headers = CaseInsensitiveDict(given["fields"])


def verify(message, label, algorithm, key, body, components):
    resolver = MappingKeyResolver(public_keys=key, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver)
    found = verifier.verify(
        message, max_age=None, expect_tag=TAG, expect_label=label,
        require_components=components, body=body,
    )
    assert len(found) == 1, found


def sign(message, given, components, nonce):
    """Signs anew, and gives the two fields."""
    message.headers = CaseInsensitiveDict(
        (name, value) for name, value in message.headers.items()
        if name.lower() not in ("signature", "signature-input", "easyhttp-key")
    )
    key = {given["key"]: MAC}
    resolver = MappingKeyResolver(public_keys=key, private_keys=key)
    signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=resolver)
    created = datetime.datetime.fromtimestamp(given["created"], datetime.timezone.utc)
    signer.sign(
        message, key_id=given["key"], created=created, nonce=nonce, label="net", tag=TAG,
        covered_component_ids=components, use_existing_digest=True,
    )
    return {name: message.headers[name] for name in ("Signature-Input", "Signature")}


def present(message):
    names = ("content-encoding", "idempotency-key")
    return [name for name in names if name in message.headers]


for line in sys.stdin:
    given = json.loads(line)
    request = Request(given["request"])
    answer = Answer(given["answer"], request)
    for message, components, which in ((request, REQUEST, "request"), (answer, ANSWER, "answer")):
        body = base64.b64decode(given[which]["body"])
        verify(message, "net", algorithms.HMAC_SHA256, {given["key"]: MAC}, body, components)
        if given["device"]:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(given["device"]))
            key = {given["device_id"]: public}
            verify(message, "dev", algorithms.ED25519, key, body, [*components, "easyhttp-key"])
    # The answer first: it is to the request that we signed.
    signed_answer = sign(answer, given, [*ANSWER, *present(answer)], None)
    components = [*given["more"], *REQUEST, *present(request)]
    signed_request = sign(request, given, components, given["nonce"])
    print(json.dumps({"request": signed_request, "answer": signed_answer}), flush=True)
