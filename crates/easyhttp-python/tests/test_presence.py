"""Discovery, and the events of who comes and goes."""

import easyhttp_rs
import pytest
from support import PATIENCE, Calls, eventually


def test_devices_find_each_other(start):
    first, second = start(enable_discovery=True), start(enable_discovery=True)
    found = first.find(second.id, PATIENCE)
    assert found["port"] == second.port
    assert found["source"] == "multicast"
    assert found["added_manually"] is False
    assert first.get_discovered() == [second.id]
    assert first.ping(second.id) is True
    eventually(lambda: first.id in second.devices)


def test_a_call_right_after_the_start_finds_the_device(start):
    peer = start(enable_discovery=True, on_fetch=lambda: "here")
    assert start(enable_discovery=True).fetch_data(peer.id) == "here"


def test_a_device_that_is_not_there_is_not_found(start):
    with pytest.raises(easyhttp_rs.UnknownDevice, match="ZZZZZZ"):
        start(enable_discovery=True).find("ZZZZZZ", timeout=0.1)


def test_who_comes_and_goes_is_told(start, callback):
    joined, left = Calls(), Calls()
    first = start(
        enable_discovery=True, on_joined=callback(joined), on_left=callback(left)
    )
    second = start(enable_discovery=True)
    came = joined.next()
    assert came["device_id"] == second.id
    assert came["device"]["port"] == second.port
    second.stop()
    gone = left.next()
    assert gone["device_id"] == second.id
    assert first.ping(second.id) is False


def test_presence_begins_with_those_that_are_here(start):
    second = start(enable_discovery=True)
    first = start(enable_discovery=True)
    first.find(second.id, PATIENCE)
    events = first.presence()
    here = next(events)
    assert (here.event, here.device_id) == ("joined", second.id)
    assert here.device["port"] == second.port
    assert here.address.endswith(f":{second.port}")
    second.stop()
    assert next(events)[:2] == ("left", second.id)
    first.stop()
    assert list(events) == []


def test_a_device_that_comes_back_on_another_port_is_found_there(start):
    first = start(enable_discovery=True, id="7H8G2K")
    asker = start(enable_discovery=True)
    assert asker.ping("7H8G2K") is True
    first.stop()
    again = start(enable_discovery=True, id="7H8G2K")
    assert again.port != first.port
    eventually(lambda: asker.ping("7H8G2K"))
    assert asker.devices["7H8G2K"]["port"] == again.port


def test_a_device_that_uses_our_id_is_told(faces, face):
    twin = Calls()
    first = faces.make(face, enable_discovery=True, id="7H8G2K", on_duplicate_id=twin)
    first.start()
    second = faces.make(face, enable_discovery=True, id="7H8G2K")
    second.start()
    assert twin.next()["there"].endswith(f":{second.port}")


def test_discovery_can_be_switched_off_and_on(start):
    first = start(enable_discovery=True)
    second = start()
    assert second.enable_discovery is False
    second.start_discovery()
    assert second.enable_discovery is True
    first.find(second.id, PATIENCE)
    second.find(first.id, PATIENCE)
    second.stop_discovery()
    assert second.enable_discovery is False
    # It still answers, so it has not left for those that know it.
    assert second.ping(first.id) is True
    assert first.ping(second.id) is True
    # For others it is not there.
    newcomer = start(enable_discovery=True)
    newcomer.find(first.id, PATIENCE)
    assert second.id not in newcomer.get_discovered()


def test_peers_are_found_where_multicast_does_not_pass(start):
    peer = start()
    asker = start(
        enable_discovery=True, discovery_port=22_999, peers=[f"127.0.0.1:{peer.port}"]
    )
    assert asker.find(peer.id, PATIENCE)["port"] == peer.port


def test_interfaces_say_what_discovery_does(start):
    easy = start(enable_discovery=True)
    [loopback] = [each for each in easy.interfaces() if "127.0.0.1" in each["addresses"]]
    assert (loopback["state"], loopback["reason"]) == ("used", None)
    assert loopback["sent"] >= 1
