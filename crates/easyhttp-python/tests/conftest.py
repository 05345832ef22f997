"""What the tests are given.

They run with the package installed, in a network of their own where there is one:

    cargo xtask python                  all of them
    cargo xtask python -k fetch         some

Most are written once and run on both classes: `face` is the one that is tested.
"""

import os
import socket

import pytest
from support import FACES, Faces, Loop


def pytest_runtest_makereport(item, call):
    """Nothing is left out in CI."""
    skipped = call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception)
    if skipped and os.environ.get("CI"):
        call.excinfo = pytest.ExceptionInfo.from_exc_info(
            _failure(f"skipped, which CI must not: {call.excinfo.value}")
        )


def _failure(text):
    try:
        pytest.fail(text, pytrace=False)
    except BaseException as failure:
        return type(failure), failure, failure.__traceback__


@pytest.fixture(scope="session")
def private_network():
    """For tests with devices that announce themselves where all others listen."""
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        pytest.skip(f"the devices of this network would meet those of the test: {names}")


@pytest.fixture(scope="session")
def loop():
    """An event loop that runs beside the tests."""
    with Loop() as loop:
        yield loop


@pytest.fixture(params=FACES)
def face(request):
    """Which class is tested: ``blocking`` or ``async``."""
    return request.param


@pytest.fixture
def faces(loop, tmp_path, monkeypatch):
    """Makes devices that see those of their test alone, and stops them at its end."""
    # Where devices without an id keep theirs.
    monkeypatch.chdir(tmp_path)
    with Faces(loop, tmp_path) as faces:
        yield faces


@pytest.fixture
def make(faces, face):
    """Makes devices of the class that is tested. Their methods block, on both."""

    def make(**given):
        return faces.make(face, **given)

    return make


@pytest.fixture
def start(make):
    """The same, and starts them."""

    def start(**given):
        device = make(**given)
        device.start()
        return device

    return start


@pytest.fixture(params=["plain", "async def"])
def callback(request):
    """Makes a function a callback: leaves it as it is, or makes it an ``async def``."""
    from support import asynchronous

    return asynchronous if request.param == "async def" else lambda function: function
