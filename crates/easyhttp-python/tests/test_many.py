"""One command to many devices: a table of what each said, and the same one by one."""

import json
import socket
import threading

import easyhttp_rs
import pytest
from easyhttp_rs import Result
from support import PATIENCE, Calls


@pytest.fixture
def crowd(start):
    """A device that asks, and those that it knows, each with what it gives for a FETCH."""

    def crowd(*given, **settings):
        devices = [start(on_fetch=lambda gives=gives: gives) for gives in given]
        return start(knows=devices, **settings), devices

    return crowd


@pytest.fixture
def silent():
    """An address where requests are read, and not answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Silent(server)


class Silent:
    id = "SILENT"

    def __init__(self, server):
        self.server = server
        self.port = server.getsockname()[1]

    def asked(self):
        """Waits for a request, and gives the connection."""
        self.server.settimeout(PATIENCE)
        connection, _ = self.server.accept()
        connection.settimeout(PATIENCE)
        assert connection.recv(4096)
        return connection


def test_fetch_all_gives_a_table_in_the_order_of_the_ids(start, crowd):
    asker, devices = crowd({"t": 1}, 0, "three")
    broken = start(on_fetch=lambda: 1 / 0)
    asker.add(broken.id, "127.0.0.1", broken.port)
    table = asker.fetch_all({"sensor": "t"})
    assert list(table) == sorted(device.id for device in [*devices, broken])
    for device, data in zip(devices, [{"t": 1}, 0, "three"]):
        assert table[device.id] == Result(device.id, data, None)
    failed = table[broken.id]
    assert isinstance(failed.error, easyhttp_rs.HandlerFailed)
    assert (failed.device_id, failed.value) == (broken.id, None)
    assert failed.error.device_id == broken.id


def test_push_all_says_who_has_accepted(start):
    pushed = Calls(returns=True)
    lamps = [start(on_push=pushed), start(on_push=pushed)]

    def refuse(data):
        raise easyhttp_rs.Refused(f"no {data}")

    stubborn = start(on_push=refuse)
    remote = start(knows=[*lamps, stubborn])
    table = remote.push_all("on")
    assert len(table) == 3
    for lamp in lamps:
        assert table[lamp.id] == Result(lamp.id, None, None)
        assert pushed.next()["data"] == "on"
    assert table[stubborn.id].error.reason == "no on"


def test_ping_all_gives_the_round_trips(crowd):
    asker, devices = crowd(1, 2)
    table = asker.ping_all()
    assert set(table) == {device.id for device in devices}
    assert all(0 < result.value < PATIENCE and result.error is None for result in table.values())


def test_quick_ones_come_first(faces, crowd):
    go = threading.Event()
    asker, [quick] = crowd("quick", timeout=PATIENCE)
    # It may block: an event loop would be that of the others, too.
    slow = faces.make("blocking", on_fetch=lambda: go.wait(PATIENCE))
    slow.start()
    asker.add(slow.id, "127.0.0.1", slow.port)
    results = asker.fetch_each()
    assert next(results) == Result(quick.id, "quick", None)
    go.set()
    assert next(results) == Result(slow.id, True, None)
    assert list(results) == []


def test_a_function_says_who_is_asked(crowd):
    asker, [one, other] = crowd(1, 2)
    asked = []

    def only(device_id, device):
        asked.append((device_id, device["port"]))
        return device["port"] == other.port

    for results in (asker.fetch_all(only=only).values(), list(asker.fetch_each(only=only))):
        assert list(results) == [Result(other.id, 2, None)]
    assert set(asker.ping_all(only=only)) == set(asker.push_all(only=only)) == {other.id}
    assert set(asked) == {(one.id, one.port), (other.id, other.port)}
    assert len(asked) == 4 * 2


def test_whoever_does_not_answer_in_time_is_told_as_such(start, crowd, silent):
    asker, [quick] = crowd("quick")
    asker.add(silent.id, "127.0.0.1", silent.port)
    gone = start()
    asker.add(gone.id, "127.0.0.1", gone.port)
    gone.stop()
    table = asker.ping_all(timeout=1.5)
    assert set(table) == {quick.id, silent.id, gone.id}
    assert table[quick.id].error is None
    assert isinstance(table[gone.id].error, easyhttp_rs.Unreachable)
    late = table[silent.id].error
    assert isinstance(late, easyhttp_rs.TimedOut)
    assert late.sent is True
    assert "did not answer within 1.5s" in str(late)
    # The PING that goes before it is all that it saw.
    late = asker.push_all("on", timeout=0.5, only=lambda id, _: id == silent.id)[silent.id].error
    assert isinstance(late, easyhttp_rs.TimedOut)
    assert late.sent is False


def test_leaving_the_loop_cancels_what_is_under_way(crowd, silent):
    asker, [quick] = crowd("quick", timeout=PATIENCE)
    asker.add(silent.id, "127.0.0.1", silent.port)
    results = asker.fetch_each()
    assert next(results).device_id == quick.id
    connection = silent.asked()
    results.close()
    del results
    assert connection.recv(4096) == b""


def test_right_after_the_start_it_waits_for_those_who_are_there(start):
    peer = start(enable_discovery=True, on_fetch=lambda: "here")
    assert next(start(enable_discovery=True).fetch_each()) == Result(peer.id, "here", None)
    some = start(enable_discovery=True).fetch_all(only=lambda id, _: id == peer.id)
    assert some == {peer.id: Result(peer.id, "here", None)}


def test_nobody_is_an_empty_table(start):
    asker = start()
    assert asker.fetch_all() == asker.push_all("on") == asker.ping_all() == {}
    assert list(asker.fetch_each()) == []


def test_what_is_of_no_use_is_told_at_once(start, make):
    asker = start()
    for each in (asker.fetch_each, asker.push_each):
        with pytest.raises(TypeError, match=r"\[1\]"):
            each([1, object()])
    for name in ("ping_each", "fetch_each", "push_each"):
        with pytest.raises(TypeError, match="only must be a function, not 'ABCDEF'"):
            getattr(asker, name)(only="ABCDEF")
        with pytest.raises(ValueError, match="timeout must be a number of seconds, not -1"):
            getattr(asker, name)(timeout=-1)
        with pytest.raises(easyhttp_rs.NotRunning):
            getattr(make(), name)()


def test_a_device_that_stops_meanwhile_ends_it(crowd):
    asker, [peer] = crowd(1)
    results = asker.ping_each()
    asker.stop()
    [result] = results
    assert isinstance(result.error, easyhttp_rs.NotRunning)


def test_what_a_function_raises_is_raised(crowd):
    asker, _ = crowd(1)
    with pytest.raises(ZeroDivisionError):
        asker.ping_all(only=lambda *_: 1 / 0)


def test_data_is_what_json_says(crowd):
    data = [1, 2.5, None, True, {"a": "ä"}, 2**60]
    asker, [peer] = crowd(data)
    table = asker.fetch_all()
    assert table[peer.id].value == data
    assert json.dumps(table[peer.id].value) == json.dumps(data)
