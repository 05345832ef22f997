"""What docs/moving-from-python.md says of easyhttp-python 0.4.0, tried with it.

What it says of our package, the other tests show.
"""

import asyncio
import json
import sys
import textwrap
import time

import pytest
from easyhttp_rs import EasyHTTP
from programs import Running, environment
from support import LOOPBACK

theirs = pytest.importorskip("easyhttp_python")


@pytest.fixture
def their(tmp_path, private_network):
    """Runs a program that has a device of easyhttp-python, and gives the process at
    its end."""

    def run(source):
        settings = dict(port=25_000, config_file=str(tmp_path / "theirs.json"))
        prologue = f"from easyhttp_python import EasyHTTP, EasyHTTPAsync\nSETTINGS = {settings!r}\n"
        prologue += "easy = EasyHTTP(enable_discovery=False, **SETTINGS)\n"
        path = tmp_path / "theirs.py"
        path.write_text(prologue + textwrap.dedent(source))
        command = [sys.executable, "-W", "ignore", str(path)]
        with Running(command, env=environment()) as program:
            program.end()
            return program

    return run


@pytest.fixture
def easy(tmp_path):
    """A device of theirs that is not started."""
    return theirs.EasyHTTPAsync(config_file=str(tmp_path / "theirs.json"))


def test_start_takes_two_seconds_and_a_callback_cannot_call_the_device(their):
    program = their(
        """
        import time
        began = time.monotonic()
        easy.start()
        print(time.monotonic() - began > 2)
        easy.on("on_ping", lambda sender_id, timestamp: easy.ping("ZZZZZZ"))
        easy.add("ZZZZZZ", "127.0.0.1", 25000)
        print(easy.ping("ZZZZZZ"))
        """
    )
    assert program.out.text.split() == ["True", "False"]
    assert "This event loop is already running" in program.err.text


def test_a_callback_that_does_not_take_all_fails_and_the_other_is_told_nothing(their):
    program = their(
        """
        easy.on("on_fetch", lambda sender_id: "data")
        easy.start()
        easy.add("ZZZZZZ", "127.0.0.1", 25000)
        print(easy.fetch("ZZZZZZ"))
        """
    )
    assert program.out.text.split() == ["None"]
    assert "TypeError" in program.err.text


def test_a_port_in_use_and_starting_twice_end_the_program(their):
    program = their("easy.start()\nprint('once', flush=True)\neasy.start()\nprint('twice')")
    assert program.out.text.split() == ["once"]
    assert program.process.returncode != 0
    assert "address already in use" in program.err.text


def test_calls_from_several_threads_at_once_fail(their):
    program = their(
        """
        import socket, threading
        easy.start()
        silent = socket.create_server(("127.0.0.1", 0))
        easy.add("ZZZZZZ", "127.0.0.1", silent.getsockname()[1])
        first = threading.Thread(target=easy.ping, args=["ZZZZZZ"])
        first.start()
        silent.accept()
        try:
            easy.ping("ZZZZZZ")
        except RuntimeError as error:
            print(error, flush=True)
        """
    )
    assert "already running" in program.out.text


def test_debug_prints_and_a_call_before_the_start_fails_somehow(their):
    program = their(
        """
        easy = EasyHTTP(debug=True, **SETTINGS)
        try:
            easy.ping("ZZZZZZ")
        except AttributeError:
            print("AttributeError")
        print(easy.id, easy.send("ZZZZZZ", 1))
        """
    )
    assert "None None" in program.out.text and "AttributeError" in program.out.text
    assert "not found in devices cache" in program.out.text


def test_a_wrong_device_is_taken_for_the_one_that_was_meant(easy, faces):
    ours = faces.make("blocking", on_fetch=lambda: 1)
    ours.start()
    easy.id = "AAAAAA"
    easy.add("ZZZZZZ", "127.0.0.1", ours.port)
    # It would not notice: the answer is of another device.
    assert asyncio.run(easy.ping("ZZZZZZ")) is True


def test_the_methods_that_their_blocking_class_lacks():
    for name in ("get_discovered", "start_discovery", "stop_discovery"):
        assert not hasattr(theirs.EasyHTTP, name)


def test_what_is_discovered_is_left_out_of_get_discovered(easy):
    async def hear():
        ack = {"type": 9, "id": "7H8G2K", "port": 9}
        await easy.discovery._handle_discovery_message(
            json.dumps(ack).encode(), ("127.0.0.1", 37020)
        )

    asyncio.run(hear())
    assert "7H8G2K" in easy.devices
    assert easy.get_discovered() == []


def test_the_first_address_stays(easy):
    began = time.time()
    easy.add("7H8G2K", "127.0.0.1", 1)
    easy.add("7H8G2K", "127.0.0.1", 2)
    assert easy.devices["7H8G2K"]["port"] == 1
    assert easy.devices["7H8G2K"]["last_seen"] >= began


def test_wrong_ids_and_commands_and_what_is_no_json_are_just_failures(easy, faces):
    given = []
    ours = faces.make("blocking", on_data=lambda data: given.append(data))
    ours.start()
    easy.id = "AAAAAA"
    easy.add(ours.id, "127.0.0.1", ours.port)
    assert asyncio.run(easy.ping("ABCDE")) is False
    assert asyncio.run(easy.send(ours.id, 10)) is None
    assert asyncio.run(easy.send(ours.id, 4, {"a": {1}})) is None
    # Falsy data does not travel.
    assert asyncio.run(easy.send(ours.id, 4, 0)) == {"status": "data_received"}
    assert given == [None]


def test_a_device_file_that_cannot_be_read_is_replaced(tmp_path):
    kept = tmp_path / "theirs.json"
    kept.write_text('{"device_id": "7H8G2K"')
    easy = theirs.EasyHTTPAsync(config_file=str(kept))
    assert easy.id is None
    easy._generate_id()
    assert json.loads(kept.read_text())["device_id"] == easy.id


def test_both_keep_their_id_in_the_same_file(tmp_path):
    kept = tmp_path / "kept.json"
    with EasyHTTP(port=0, config_file=kept, enable_discovery=False, interfaces=LOOPBACK) as ours:
        assert theirs.EasyHTTPAsync(config_file=str(kept)).id == ours.id
        # And so have two programs in one folder.
        assert theirs.EasyHTTP(config_file=str(kept)).id == ours.id


def test_both_look_for_it_beside_the_program():
    ours = EasyHTTP(enable_discovery=False).config_file
    assert ours == theirs.EasyHTTPAsync(enable_discovery=False).config_file
