"""Every kind of device asks every other, with discovery and without.

{easyhttp-python, ours blocking, ours async, Rust} × {asks, answers}
× {PING, FETCH, DATA, PUSH} × {found by discovery, added by address}.
"""

import pytest
from kinds import KINDS, device

THEIRS = "easyhttp_python"

PAIRS = [
    pytest.param((asks, answers), id=f"{asks} asks {answers}")
    for asks in KINDS
    for answers in KINDS
    # Two devices of easyhttp-python are its own affair.
    if (asks, answers) != (THEIRS, THEIRS)
]


@pytest.fixture(scope="module", params=[True, False], ids=["found", "added"])
def network(request, tmp_path_factory, private_network):
    """The devices, made when they are needed, with discovery on or off."""
    network = Network(tmp_path_factory.mktemp("matrix"), request.param)
    yield network
    network.close()


class Network:
    def __init__(self, folder, discovery):
        self.folder = folder
        self.discovery = discovery
        self.devices = {}

    def pair(self, asks, answers):
        asker, answerer = self.device("asks", asks), self.device("answers", answers)
        if self.discovery:
            asker.finds(answerer)
        else:
            asker.knows(answerer)
        return asker, answerer

    def device(self, role, kind):
        if (role, kind) not in self.devices:
            self.devices[role, kind] = device(kind, self.folder, self.discovery)
        return self.devices[role, kind]

    def close(self):
        for each in self.devices.values():
            each.close()


@pytest.mark.parametrize("pair", PAIRS)
def test_ping(network, pair):
    asker, answerer = network.pair(*pair)
    assert asker.ping(answerer.id) is True
    answerer.given("on_ping", by=asker)


@pytest.mark.parametrize("pair", PAIRS)
def test_fetch(network, pair):
    asker, answerer = network.pair(*pair)
    query = {"sensor": "temperature", "of": ["kitchen", 1.5, None, True], "ü": "🌡"}
    answerer.answers("on_fetch", query)
    assert asker.fetch(answerer.id, query) == query
    assert answerer.given("on_fetch", by=asker) == query


@pytest.mark.parametrize("pair", PAIRS)
def test_data(network, pair):
    asker, answerer = network.pair(*pair)
    data = [{"temperature": 23.5}, "dinner is ready"]
    assert asker.data(answerer.id, data) == {"status": "data_received"}
    assert answerer.given("on_data", by=asker) == data


@pytest.mark.parametrize("pair", PAIRS)
def test_push(network, pair):
    asker, answerer = network.pair(*pair)
    answerer.answers("on_push", True)
    if pair[0] == THEIRS:
        # Its push() fails before it sends anything: it puts a member of an Enum into
        # the message, which its JSON cannot say. It gives False for each.
        assert asker.push(answerer.id, {"state": "on"}) is False
        return
    assert asker.push(answerer.id, {"state": "on"}) is True
    assert answerer.given("on_push", by=asker) == {"state": "on"}
    answerer.answers("on_push", False)
    assert asker.push(answerer.id, {"state": "off"}) is False
    assert answerer.given("on_push", by=asker) == {"state": "off"}


@pytest.mark.parametrize("answers", [kind for kind in KINDS if kind != THEIRS])
def test_easyhttp_python_can_push_by_send(network, answers):
    """With the number of the command, instead of its push()."""
    asker, answerer = network.pair(THEIRS, answers)
    answerer.answers("on_push", True)
    assert asker.do("send", answerer.id, 5, {"state": "on"})["type"] == 6
    assert answerer.given("on_push", by=asker) == {"state": "on"}


def test_a_blocking_device_of_easyhttp_python_is_deaf_between_its_calls(
    private_network, faces, tmp_path
):
    """Its server runs inside its own calls only. (One of ours answers meanwhile:
    see test_threads.)"""
    from kinds import Scripted

    pytest.importorskip("easyhttp_python")
    theirs = Scripted(THEIRS, "sync", tmp_path, False)
    try:
        asker = faces.make("blocking", timeout=0.5)
        asker.start()
        asker.add(theirs.id, "127.0.0.1", theirs.port)
        assert asker.ping(theirs.id) is False
        # What it asks itself, works.
        theirs.knows(asker)
        assert theirs.ping(asker.id) is True
    finally:
        theirs.close()
