"""PING, FETCH, PUSH and DATA: what they return, and what they raise."""

import socket
import time

import easyhttp_rs
import pytest
from support import Calls

NOBODY = "ZZZZZZ"


def test_ping_says_whether_a_device_is_there(start):
    peer = start()
    asker = start(knows=peer)
    assert asker.ping(peer.id) is True
    assert asker.ping(NOBODY) is False
    peer.stop()
    assert asker.ping(peer.id) is False


def test_ping_time_is_the_round_trip_in_seconds(start):
    peer = start()
    asker = start(knows=peer)
    began = time.monotonic()
    took = asker.ping_time(peer.id)
    assert isinstance(took, float)
    assert 0 < took <= time.monotonic() - began


def test_fetch_gives_the_whole_answer(start, callback):
    sensor = start(on_fetch=callback(lambda sender_id, query, timestamp: {"t": 23.5}))
    asker = start(knows=sensor)
    began = int(time.time())
    answer = asker.fetch(sensor.id, {"sensor": "t"})
    assert answer["type"] == asker.commands.DATA.value
    assert answer["data"] == {"t": 23.5}
    assert isinstance(answer["version"], str)
    header = answer["header"]
    assert header["sender_id"] == sensor.id
    assert header["sender_port"] == sensor.port
    assert header["recipient_id"] == asker.id
    assert began <= header["timestamp"] <= time.time()
    assert asker.fetch_data(sensor.id) == {"t": 23.5}


def test_fetch_without_data_gives_what_easyhttp_python_gives(start):
    silent = start()
    empty = start(on_fetch=lambda: None)
    asker = start(knows=[silent, empty])
    assert asker.fetch(silent.id) == {"status": "fetch_handled"}
    assert asker.fetch(empty.id) == {"status": "fetch_handled"}
    assert asker.fetch_data(empty.id) is None
    with pytest.raises(easyhttp_rs.NoHandler, match="no handler"):
        asker.fetch_data(silent.id)


def test_fetch_of_nobody_is_none(start):
    assert start().fetch(NOBODY) is None


def test_push_says_whether_it_was_accepted(start, callback):
    lamp = start(on_push=callback(lambda data: data["state"] in ("on", "off")))
    remote = start(knows=lamp)
    assert remote.push(lamp.id, {"state": "on"}) is True
    assert remote.push(lamp.id, {"state": "purple"}) is False
    assert remote.push(NOBODY, {"state": "on"}) is False
    assert remote.push_data(lamp.id, {"state": "off"}) is None
    with pytest.raises(easyhttp_rs.Refused) as refused:
        remote.push_data(lamp.id, {"state": "purple"})
    assert refused.value.reason is None


def test_a_refusal_has_its_reason(start, callback):
    def switch(data):
        raise easyhttp_rs.Refused("state must be on or off")

    lamp = start(on_push=callback(switch))
    remote = start(knows=lamp)
    assert remote.push(lamp.id, "purple") is False
    with pytest.raises(easyhttp_rs.Refused, match="state must be on or off") as refused:
        remote.push_data(lamp.id, "purple")
    assert refused.value.reason == "state must be on or off"
    assert refused.value.device_id == lamp.id


def test_push_without_a_callback_is_false(start):
    peer = start()
    remote = start(knows=peer)
    assert remote.push(peer.id, 1) is False
    with pytest.raises(easyhttp_rs.NoHandler, match="no handler"):
        remote.push_data(peer.id, 1)


def test_send_gives_the_answer_whichever_it_is(start):
    got = Calls()
    peer = start(on_data=got, on_push=lambda: False, on_fetch=lambda query: query)
    asker = start(knows=peer)
    commands = asker.commands
    assert asker.send(peer.id, commands.PING)["type"] == commands.PONG.value
    assert asker.send(peer.id, commands.PONG) == {"status": "pong_received"}
    assert asker.send(peer.id, commands.FETCH, "q")["data"] == "q"
    assert asker.send(peer.id, commands.DATA, [1]) == {"status": "data_received"}
    assert got.next()["data"] == [1]
    assert asker.send(peer.id, commands.PUSH, 1)["type"] == commands.NACK.value
    # The number does as well, as in easyhttp-python.
    assert asker.send(peer.id, 1)["type"] == commands.PONG.value
    assert asker.send(NOBODY, commands.PING) is None
    with pytest.raises(easyhttp_rs.UnknownDevice):
        asker.send_command(NOBODY, commands.PING)


def test_commands_are_those_of_the_protocol(make):
    names = [command.name for command in make().commands]
    assert names == "PING PONG FETCH DATA PUSH ACK NACK DISCOVERY DISCOVERY_ACK".split()
    assert [command.value for command in make().commands] == list(range(1, 10))


def test_an_id_may_be_in_lower_case(start):
    peer = start(id="7H8G2K")
    asker = start(knows=peer)
    assert asker.ping("7h8g2k") is True


# ---- why a call failed ----


def test_a_device_that_is_not_known(start):
    peer = start()
    asker = start(knows=peer)
    with pytest.raises(easyhttp_rs.UnknownDevice, match=NOBODY) as unknown:
        asker.fetch_data(NOBODY)
    assert unknown.value.device_id == NOBODY
    assert unknown.value.known == [peer.id]


def test_a_device_that_is_not_there(start):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    asker = start()
    asker.add(NOBODY, "127.0.0.1", port)
    with pytest.raises(easyhttp_rs.Unreachable) as gone:
        asker.ping_time(NOBODY)
    assert gone.value.address == f"127.0.0.1:{port}"
    # Programs that know the errors of the system need no others.
    assert isinstance(gone.value, ConnectionError)


def test_a_device_that_is_silent(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asker = start(timeout=0.2)
        asker.add(NOBODY, "127.0.0.1", silent.getsockname()[1])
        assert asker.ping(NOBODY) is False
        with pytest.raises(easyhttp_rs.TimedOut) as late:
            asker.ping_time(NOBODY)
        assert isinstance(late.value, TimeoutError)


def test_another_device_answers_at_the_address(start):
    peer = start()
    asker = start()
    asker.add(NOBODY, "127.0.0.1", peer.port)
    with pytest.raises(easyhttp_rs.WrongDevice) as wrong:
        asker.fetch_data(NOBODY)
    assert wrong.value.found == peer.id
    assert asker.ping(NOBODY) is False


def test_a_device_cannot_ask_itself(start):
    easy = start()
    assert easy.ping(easy.id) is False
    with pytest.raises(easyhttp_rs.OwnId):
        easy.ping_time(easy.id)


def test_what_failed_in_the_others_callback(start, callback):
    def broken():
        raise RuntimeError("the sensor is not there")

    peer = start(on_fetch=callback(broken), on_push=callback(broken))
    asker = start(knows=peer)
    assert asker.fetch(peer.id) is None
    assert asker.push(peer.id) is False
    for call in (asker.fetch_data, asker.push_data):
        with pytest.raises(easyhttp_rs.HandlerFailed, match="the sensor is not there") as failed:
            call(peer.id)
        assert failed.value.reason == "RuntimeError: the sensor is not there"


def test_all_have_one_base(start):
    assert issubclass(easyhttp_rs.CallFailed, easyhttp_rs.EasyHTTPError)
    with pytest.raises(easyhttp_rs.EasyHTTPError):
        start().fetch_data(NOBODY)


def test_errors_can_be_pickled(start):
    import pickle

    with pytest.raises(easyhttp_rs.UnknownDevice) as unknown:
        start().fetch_data(NOBODY)
    copy = pickle.loads(pickle.dumps(unknown.value))
    assert (str(copy), copy.device_id) == (str(unknown.value), NOBODY)


# ---- who is known ----


def test_devices_have_the_keys_of_easyhttp_python(start):
    peer = start()
    asker = start(knows=peer)
    before = asker.devices[peer.id]
    assert (before["ip"], before["port"]) == ("127.0.0.1", peer.port)
    assert before["added_manually"] is True
    assert before["last_seen"] == 0.0
    began = time.time()
    asker.ping(peer.id)
    assert began - 1 <= asker.devices[peer.id]["last_seen"] <= time.time() + 1
    assert asker.devices[peer.id]["addresses"] == [f"127.0.0.1:{peer.port}"]


def test_who_asks_becomes_known(start):
    peer = start()
    asker = start(knows=peer)
    assert peer.devices == {}
    asker.ping(peer.id)
    known = peer.devices[asker.id]
    assert (known["ip"], known["port"]) == ("127.0.0.1", asker.port)
    assert known["added_manually"] is False
    assert peer.ping(asker.id) is True


def test_what_is_added_before_the_start_is_known_after_it(start, make):
    peer = start()
    asker = make(knows=peer)
    assert asker.devices[peer.id]["port"] == peer.port
    asker.start()
    assert asker.devices[peer.id]["port"] == peer.port
    assert asker.ping(peer.id) is True


def test_what_is_added_is_known_after_each_start(start):
    peer = start()
    asker = start()
    asker.add(peer.id, "127.0.0.1", peer.port)
    asker.stop()
    asker.start()
    assert asker.ping(peer.id) is True
    asker.stop()
    assert asker.remove(peer.id) is True
    asker.start()
    assert asker.devices == {}


def test_an_address_that_is_added_later_counts(start):
    peer = start()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        asker = start()
        asker.add(peer.id, "127.0.0.1", closed.getsockname()[1])
        asker.add(peer.id, "127.0.0.1", peer.port)
        assert asker.devices[peer.id]["port"] == peer.port
        assert asker.ping(peer.id) is True


def test_a_device_can_be_forgotten(start):
    peer = start()
    asker = start(knows=peer)
    assert asker.remove(peer.id) is True
    assert asker.remove(peer.id) is False
    assert asker.ping(peer.id) is False


def test_devices_is_a_copy(start):
    peer = start()
    asker = start(knows=peer)
    asker.devices.clear()
    assert list(asker.devices) == [peer.id]
