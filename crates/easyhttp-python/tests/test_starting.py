"""Before the start, after the stop, and what keeps a device from starting."""

import json
import socket
import threading

import easyhttp_rs
import pytest
from support import eventually, post


def calls_of(easy):
    commands = easy.commands
    return {
        "ping": lambda: easy.ping("ZZZZZZ"),
        "fetch": lambda: easy.fetch("ZZZZZZ"),
        "push": lambda: easy.push("ZZZZZZ"),
        "send": lambda: easy.send("ZZZZZZ", commands.PING),
        "ping_time": lambda: easy.ping_time("ZZZZZZ"),
        "fetch_data": lambda: easy.fetch_data("ZZZZZZ"),
        "push_data": lambda: easy.push_data("ZZZZZZ"),
        "send_command": lambda: easy.send_command("ZZZZZZ", commands.PING),
        "find": lambda: easy.find("ZZZZZZ"),
        "presence": lambda: next(easy.presence()),
        "interfaces": easy.interfaces,
        "start_discovery": easy.start_discovery,
        "stop_discovery": easy.stop_discovery,
    }


def test_when_start_returns_the_port_answers(start):
    easy = start()
    assert easy.port > 0
    status, answer = post(easy, {"type": 1})
    assert (status, answer["type"]) == (200, 2)


def test_before_the_start(make):
    easy = make()
    for name, call in calls_of(easy).items():
        with pytest.raises(easyhttp_rs.NotRunning, match="has not been started.*start()"):
            call()
            pytest.fail(name)
    assert (easy.id, easy.port, easy.devices, easy.get_discovered()) == ("", 0, {}, [])
    easy.stop()


def test_after_the_stop(start):
    peer = start()
    easy = start(knows=peer)
    easy_id = easy.id
    easy.stop()
    for name, call in calls_of(easy).items():
        with pytest.raises(easyhttp_rs.NotRunning, match=f"{easy_id} has been stopped"):
            call()
            pytest.fail(name)
    assert easy.id == easy_id
    easy.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", easy.port))


def test_starting_twice(start):
    easy = start()
    with pytest.raises(easyhttp_rs.AlreadyRunning, match=easy.id):
        easy.start()
    assert post(easy, {"type": 1})[0] == 200


def test_starting_again_after_the_stop(start):
    peer = start()
    easy = start(knows=peer)
    before = easy.id
    easy.stop()
    easy.start()
    assert easy.id == before
    assert easy.ping(peer.id) is True


def test_a_port_in_use(make):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        easy = make(port=port)
        with pytest.raises(easyhttp_rs.PortInUse, match=str(port)) as in_use:
            easy.start()
        assert isinstance(in_use.value, OSError)
    # Nothing is left of the attempt.
    easy.start()
    assert easy.port == port


def test_a_device_that_only_asks(start):
    peer = start()
    easy = start(port=None, knows=peer)
    assert easy.port == 0
    assert easy.ping(peer.id) is True


# ---- the id, and its file ----


def test_an_id_is_made_at_the_first_start_and_kept(start, make, tmp_path):
    kept = tmp_path / "kept.json"
    first = start(config_file=kept)
    assert json.loads(kept.read_text())["device_id"] == first.id
    first.stop()
    # A path may be a text as well. The id is known before the start.
    second = make(config_file=str(kept))
    assert second.id == first.id
    second.start()
    assert second.id == first.id


def test_the_file_of_easyhttp_python_is_understood(start, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text('{\n  "device_id": "AB3F9Z",\n  "port": 5000,\n  "version": "0.4.0-alpha.6"\n}')
    assert start(config_file=kept).id == "AB3F9Z"


def test_a_file_that_cannot_be_understood_stays_as_it_is(make, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text("{")
    with pytest.raises(easyhttp_rs.DeviceFileError, match="kept.json"):
        make(config_file=kept).start()
    assert kept.read_text() == "{"


def test_two_devices_with_one_file(start, make, tmp_path):
    first = start(config_file=tmp_path / "kept.json")
    with pytest.raises(easyhttp_rs.DeviceFileError, match="kept.json"):
        make(config_file=tmp_path / "kept.json").start()
    first.stop()
    make(config_file=tmp_path / "kept.json").start()


def test_an_id_of_ones_own_needs_no_file(start, tmp_path):
    assert start(id="ab3f9z").id == "AB3F9Z"
    assert not list(tmp_path.glob("*.json"))


# ---- stopping ----


def test_with_starts_and_stops(make):
    easy = make()
    with easy as entered:
        assert post(easy, {"type": 1})[0] == 200
        assert entered.port == easy.port
    with pytest.raises(easyhttp_rs.NotRunning):
        easy.ping("ZZZZZZ")


def test_with_stops_after_an_exception_and_lets_it_through(make):
    easy = make()
    with pytest.raises(KeyError, match="the user's"):
        with easy:
            raise KeyError("the user's")
    with pytest.raises(easyhttp_rs.NotRunning):
        easy.ping("ZZZZZZ")


def test_stopping_frees_the_port_at_once(start, make):
    first = start()
    first.stop()
    second = make(port=first.port)
    second.start()
    assert second.port == first.port


def test_a_device_that_is_forgotten_stops(faces):
    easy = faces.make("blocking", on_fetch=lambda: 1)
    easy.start()
    port = easy.port
    faces._made.clear()
    del easy
    eventually(lambda: is_refused(port))


def test_stop_from_another_thread_ends_a_call(faces):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        easy = faces.make("blocking", timeout=3600)
        easy.start()
        easy.add("ZZZZZZ", "127.0.0.1", silent.getsockname()[1])
        came = []
        thread = threading.Thread(target=lambda: came.append(attempt(easy)))
        thread.start()
        silent.accept()
        easy.stop()
        thread.join()
        assert came


def attempt(easy):
    try:
        return easy.ping_time("ZZZZZZ")
    except easyhttp_rs.EasyHTTPError as error:
        return error


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_what_it_says_of_itself(faces):
    easy = faces.make("blocking")
    assert repr(easy) == "<EasyHTTP without id, not running>"
    easy.start()
    assert repr(easy) == f"<EasyHTTP {easy.id}, on port {easy.port}>"
    assert easy.__version__ == easyhttp_rs.__version__
