"""Devices with a network key: members hear each other, and nobody else."""

import json
import logging

import easyhttp_rs
import pytest
from easyhttp_rs import new_network_key
from kinds import Scripted
from support import Calls, eventually, post


def test_members_talk(start):
    key = new_network_key()
    peer = start(network_key=key, on_fetch=lambda query: {"asked": query}, on_push=lambda: True)
    # Case and dashes do not count.
    asker = start(network_key=[key.lower().replace("-", " ")], knows=peer)
    assert asker.ping(peer.id) is True
    assert asker.fetch_data(peer.id, [1, "ü"]) == {"asked": [1, "ü"]}
    assert asker.push(peer.id, "on") is True
    assert peer.stats()["unauthenticated"] == 0


def test_members_find_each_other(private_network, start):
    key = new_network_key()
    peer = start(network_key=key, enable_discovery=True)
    start(network_key=new_network_key(), enable_discovery=True)
    start(enable_discovery=True)
    asker = start(network_key=key, enable_discovery=True)
    asker.find(peer.id, timeout=30)
    # The others have announced themselves by now, and were ignored.
    eventually(lambda: asker.stats()["datagrams_unauthenticated"] > 0)
    assert list(asker.devices) == [peer.id]


def test_what_is_encrypted(start):
    key = new_network_key()
    peer = start(network_key=key, encrypt=True, on_fetch=lambda query: query)
    # One answers in the way in which it is asked.
    for encrypt in (True, False):
        asker = start(network_key=key, encrypt=encrypt, knows=peer)
        assert asker.fetch_data(peer.id, {"state": "on"}) == {"state": "on"}


def test_another_key_is_told_by_both_key_ids(start):
    pushed = Calls(returns=True)
    peer = start(network_key=new_network_key(), on_push=pushed)
    asker = start(network_key=new_network_key(), knows=peer)
    with pytest.raises(easyhttp_rs.OtherKey) as wrong:
        asker.push_data(peer.id, "on")
    error = wrong.value
    assert isinstance(error, easyhttp_rs.CallFailed)
    assert (error.device_id, error.address) == (peer.id, f"127.0.0.1:{peer.port}")
    assert len(error.ours) == len(error.theirs) == 8 and error.ours != error.theirs
    assert error.ours in str(error) and error.theirs in str(error)
    assert asker.push(peer.id, "on") is False
    assert pushed.given.empty()


def test_who_has_no_key_is_told_that_the_device_has_one(start):
    pushed = Calls(returns=True)
    peer = start(network_key=new_network_key(), on_push=pushed)
    with pytest.raises(easyhttp_rs.OtherKey) as wrong:
        start(knows=peer).push_data(peer.id, "on")
    assert wrong.value.ours is None and len(wrong.value.theirs) == 8
    message = {"type": 5, "header": {"sender_id": "ABC123", "recipient_id": peer.id}, "data": "on"}
    assert post(peer, message)[0] == 401
    assert peer.stats()["unauthenticated"] >= 2
    assert pushed.given.empty()


def test_a_device_with_another_key_of_its_own_is_not_believed(start, tmp_path):
    key, changed = new_network_key(), Calls()
    asker = start(network_key=key, device_key=tmp_path / "asker.key", on_identity_changed=changed)

    def peer(name):
        port = 0 if not ports else ports[0]
        settings = {"id": "ABC123", "network_key": key, "device_key": str(tmp_path / name)}
        device = start(port=port, on_fetch=lambda: 7, **settings)
        ports.append(device.port)
        asker.add(device.id, "127.0.0.1", device.port)
        return device

    ports = []
    first = peer("first.key")
    assert asker.fetch_data(first.id) == 7
    first.stop()
    peer("other.key")
    with pytest.raises(easyhttp_rs.IdentityChanged) as wrong:
        asker.fetch_data("ABC123")
    assert wrong.value.device_id == "ABC123"
    assert changed.next() == {"device_id": "ABC123", "address": f"127.0.0.1:{ports[0]}"}
    assert asker.stats()["identities_changed"] >= 1
    with pytest.raises(easyhttp_rs.NoNetworkKey):
        start(device_key="own.key")


def test_an_answer_without_a_signature_is_not_believed(start):
    peer = start(on_push=lambda: True)
    asker = start(network_key=new_network_key(), knows=peer)
    with pytest.raises(easyhttp_rs.NotAuthenticated) as wrong:
        asker.push_data(peer.id, "on")
    assert wrong.value.device_id == peer.id
    assert asker.ping(peer.id) is False


def test_who_allows_legacy_hears_those_without_a_key(start):
    key = new_network_key()
    peer = start(network_key=key, allow_legacy=True, on_fetch=lambda: "here")
    assert start(knows=peer).fetch_data(peer.id) == "here"
    assert start(network_key=key, knows=peer).fetch_data(peer.id) == "here"
    plain = start(on_fetch=lambda: "plain")
    peer.add(plain.id, "127.0.0.1", plain.port)
    assert peer.fetch_data(plain.id) == "plain"


def test_a_key_is_replaced_while_devices_talk(start):
    old, new = new_network_key(), new_network_key()
    devices = [start(network_key=old, on_fetch=lambda: "here") for _ in range(3)]

    def all_talk():
        for asker in devices:
            for peer in devices:
                if asker is not peer:
                    asker.add(peer.id, "127.0.0.1", peer.port)
                    assert asker.fetch_data(peer.id) == "here"

    all_talk()
    for keys in ([new, old], [new]):
        for device in devices:
            device.set_network_keys(keys)
            all_talk()
    late = start(network_key=old, knows=devices)
    with pytest.raises(easyhttp_rs.OtherKey):
        late.fetch_data(devices[0].id)


def test_keys_that_were_replaced_stay_replaced(make):
    old, new = new_network_key(), new_network_key()
    peer = make(network_key=old)
    for give in (lambda: peer.set_network_keys([new]), peer.start, peer.stop, peer.start):
        give()
    asker = make(network_key=new, knows=peer)
    asker.start()
    assert asker.ping(peer.id) is True


def test_keys_that_cannot_be_given_later(start):
    with pytest.raises(easyhttp_rs.NoNetworkKey):
        start().set_network_keys([new_network_key()])
    with pytest.raises(easyhttp_rs.NoNetworkKey):
        start(network_key=new_network_key()).set_network_keys([])


def test_encryption_needs_a_key(make):
    with pytest.raises(easyhttp_rs.NoNetworkKey):
        make(encrypt=True)


def mistyped(key):
    return key[:-1] + ("2" if key[-1] != "2" else "3")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (mistyped, "mistyped"),
        (lambda key: key[:-4], "not whole"),
        (lambda key: "my secret words", "pass phrase"),
        (lambda key: "", "empty"),
        (lambda key: [key, mistyped(key)], "mistyped"),
    ],
)
def test_what_is_no_key_is_told_at_once_and_not_shown(start, make, wrong, text):
    key = new_network_key()
    running = start(network_key=key)
    given = wrong(key)
    secret = given if isinstance(given, str) else given[-1]
    listed = [given] if isinstance(given, str) else given
    for give in (lambda: make(network_key=given), lambda: running.set_network_keys(listed)):
        with pytest.raises(easyhttp_rs.InvalidKey, match=text) as error:
            give()
        assert isinstance(error.value, ValueError)
        assert not secret or secret not in str(error.value)


@pytest.mark.parametrize("wrong", [5, b"EHK1-2W5J", [5], [b"EHK1-2W5J"], {"a": 1}.items()])
def test_what_is_no_text_is_not_shown_either(make, wrong):
    with pytest.raises(TypeError, match="network_key must be") as error:
        make(network_key=wrong)
    assert "2W5J" not in str(error.value)


def test_a_new_key_is_another_each_time():
    keys = {new_network_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("EHK1-") and len(key) == 39 for key in keys)


def test_a_key_is_nowhere_to_be_seen(start, caplog):
    caplog.set_level(logging.DEBUG)
    key = new_network_key()
    peer = start(network_key=key, debug=True)
    asker = start(network_key=new_network_key(), debug=True, knows=peer)
    asker.ping(peer.id)
    with pytest.raises(easyhttp_rs.OtherKey) as wrong:
        asker.ping_time(peer.id)
    shown = [repr(peer), str(wrong.value), repr(wrong.value), json.dumps(peer.stats()), caplog.text]
    letters = key[5:]
    assert not any(letters in text for text in shown)


def test_stats(make):
    easy = make(on_fetch=lambda: 1)
    with pytest.raises(easyhttp_rs.NotRunning):
        easy.stats()
    easy.start()
    assert set(easy.stats().values()) == {0}
    post(easy, {"type": 3})
    post(easy, "no message")
    counted = eventually(lambda: (it := easy.stats())["requests_answered"] == 2 and it)
    assert (counted["handlers_run"], counted["messages_malformed"]) == (1, 1)
    easy.stop()
    assert easy.stats()["handlers_run"] == 1


@pytest.fixture
def theirs(private_network, tmp_path):
    """A device of easyhttp-python."""
    pytest.importorskip("easyhttp_python")
    device = Scripted("easyhttp_python", "async", tmp_path, False)
    yield device
    device.close()


def test_easyhttp_python_and_a_device_with_a_key_ignore_each_other(theirs, start):
    asked = Calls(returns="here")
    ours = start(network_key=new_network_key(), on_fetch=asked, knows=theirs)
    theirs.knows(ours)
    assert theirs.ping(ours.id) is False
    assert theirs.do("fetch", ours.id) is None
    with pytest.raises(easyhttp_rs.NotAuthenticated):
        ours.fetch_data(theirs.id)
    assert asked.given.empty()


@pytest.mark.parametrize("network_key", [None, "some"])
def test_easyhttp_python_and_a_device_that_allows_it(theirs, start, network_key):
    given = {"network_key": network_key and new_network_key(), "allow_legacy": True}
    ours = start(on_fetch=lambda query: query, knows=theirs, **given)
    theirs.knows(ours)
    theirs.answers("on_fetch", {"state": "on"})
    assert theirs.ping(ours.id) is True
    assert theirs.fetch(ours.id, [1]) == [1]
    assert ours.fetch_data(theirs.id) == {"state": "on"}
