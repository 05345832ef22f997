"""Wrong arguments: exceptions that say what is wrong, before anything is sent."""

import socket

import easyhttp_rs
import pytest

WRONG_SETTINGS = [
    ({"port": "x"}, TypeError, "port must be a whole number, not 'x'"),
    ({"port": 5000.0}, TypeError, "port must be a whole number, not 5000.0"),
    ({"port": True}, TypeError, "port must be a whole number, not True"),
    ({"port": 70000}, ValueError, "port must be from 0 to 65535, not 70000"),
    ({"port": -1}, ValueError, "port must be from 0 to 65535, not -1"),
    ({"id": "ABCDE"}, ValueError, "ABCDE"),
    ({"address": "kitchen"}, ValueError, "address must be an IP address"),
    ({"timeout": "soon"}, TypeError, "timeout must be a number of seconds, not 'soon'"),
    ({"timeout": -1}, ValueError, "timeout must be a number of seconds, not -1"),
    ({"timeout": float("nan")}, ValueError, "timeout must be a number of seconds"),
    ({"announce_interval": 0.99}, ValueError, "announce_interval must be from 1 to 3600"),
    ({"announce_interval": 3600.1}, ValueError, "announce_interval must be from 1 to 3600"),
    ({"discovery_port": 0}, ValueError, "discovery_port must be from 1 to 65535"),
    ({"peers": "192.168.1.23:5000"}, TypeError, "peers must be a list of texts"),
    ({"interfaces": [1]}, TypeError, "interfaces must be a list of texts, and 1 is none"),
    ({"config_file": 5}, TypeError, "int"),
    ({"outbox_file": 5}, TypeError, "int"),
    ({"outbox_items": -1}, ValueError, "outbox_items must be from 0 to"),
    ({"outbox_bytes": "1 MB"}, TypeError, "outbox_bytes must be a whole number, not '1 MB'"),
    ({"durable": True}, ValueError, "durable must be 'unknown' or 'run_again', not True"),
    ({"durable": "unknown", "id": "7H8G2K"}, easyhttp_rs.NoOutbox, "give outbox_file"),
    ({"colour": "red"}, TypeError, "unexpected keyword argument 'colour'"),
]


@pytest.mark.parametrize(
    ("settings", "error", "text"), WRONG_SETTINGS, ids=[str(wrong[0]) for wrong in WRONG_SETTINGS]
)
def test_settings(make, settings, error, text):
    with pytest.raises(error) as wrong:
        make(**settings)
    assert text in str(wrong.value)


@pytest.mark.parametrize("seconds", [1, 3600.0])
def test_an_interval_at_its_limits(make, seconds):
    make(announce_interval=seconds).start()


def test_the_arguments_of_easyhttp_python_go_by_position(faces, tmp_path):
    for kind in (easyhttp_rs.EasyHTTP, easyhttp_rs.EasyHTTPAsync):
        easy = kind(False, 5001, str(tmp_path / "kept.json"), False)
        assert (easy.debug, easy.port, easy.enable_discovery) == (False, 5001, False)
        assert easy.config_file == str(tmp_path / "kept.json")
        with pytest.raises(TypeError):
            kind(False, 5001, None, False, "7H8G2K")


@pytest.mark.parametrize("device_id", ["ABCDE", "ABCDEFG", "", "ABC-12", "ÄBCDEF"])
def test_what_is_not_an_id(start, device_id):
    easy = start()
    calls = [easy.ping, easy.fetch, easy.push, easy.ping_time, easy.fetch_data, easy.push_data]
    calls += [easy.find, easy.remove, lambda id: easy.send(id, easy.commands.PING)]
    calls += [lambda id: easy.add(id, "127.0.0.1", 5000)]
    for call in calls:
        with pytest.raises(ValueError) as wrong:
            call(device_id)
        assert isinstance(wrong.value, easyhttp_rs.InvalidId)
        assert isinstance(wrong.value, easyhttp_rs.EasyHTTPError)


@pytest.mark.parametrize("device_id", [None, 5, b"7H8G2K", ["7H8G2K"]])
def test_an_id_that_is_no_text(start, device_id):
    easy = start()
    for call in (easy.ping, easy.fetch, easy.push, easy.find, easy.remove):
        with pytest.raises(TypeError):
            call(device_id)


def test_an_unknown_event_names_those_that_there_are(make):
    with pytest.raises(ValueError, match="unknown event 'on_fetched'.*on_fetch, on_data"):
        make().on("on_fetched", print)
    with pytest.raises(ValueError, match="unknown event"):
        make().on("on_fetched")


@pytest.mark.parametrize("callback", [None, 5, "function"])
def test_a_callback_that_cannot_be_called(make, callback):
    with pytest.raises(TypeError, match="the callback for on_fetch must be a function"):
        make().on("on_fetch", callback)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "no host",
        "256.0.0.1",
        "host.invalid",
        # Of no device, or of many.
        "0.0.0.0",
        "::",
        "224.0.0.106",
        "ff02::1",
        "255.255.255.255",
        "127.0.0.1%lo",
        "fe80::1%none",
    ],
)
def test_an_address_that_is_none(make, host):
    easy = make()
    with pytest.raises(ValueError) as wrong:
        easy.add("7H8G2K", host, 5000)
    assert isinstance(wrong.value, easyhttp_rs.InvalidAddress)
    assert easy.devices == {}
    easy.start()
    with pytest.raises(easyhttp_rs.InvalidAddress):
        easy.add("7H8G2K", host, 5000)
    assert easy.devices == {}


def test_a_link_local_address_has_its_interface(make):
    number, name = socket.if_nameindex()[0]
    easy = make()
    easy.add("7H8G2K", f"fe80::1%{name}", 5000)
    easy.add("7H8G2L", f"fe80::1%{number}", 5000)
    easy.start()
    for device in easy.devices.values():
        assert device["addresses"] == [f"[fe80::1%{number}]:5000"]


@pytest.mark.parametrize("port", [0, 70000, "x", None])
def test_a_port_that_no_device_has(make, port):
    with pytest.raises(ValueError):
        make().add("7H8G2K", "127.0.0.1", port)


def test_a_port_may_be_a_text_and_a_host_a_name(start):
    """As in easyhttp-python."""
    peer = start()
    asker = start()
    asker.add(peer.id, "localhost", str(peer.port))
    assert asker.ping(peer.id) is True


def test_its_own_id_cannot_be_added(start):
    easy = start()
    with pytest.raises(easyhttp_rs.OwnId):
        easy.add(easy.id, "127.0.0.1", 5000)


@pytest.mark.parametrize(
    ("command", "error"),
    [("PING", TypeError), (None, TypeError), (True, TypeError), (0, ValueError), (10, ValueError)],
)
def test_what_is_not_a_command(start, command, error):
    easy = start()
    with pytest.raises(error, match="command_type"):
        easy.send("ZZZZZZ", command)


def test_a_command_that_only_answers(start):
    peer = start()
    easy = start(knows=peer)
    for command in ("ACK", "NACK", "DISCOVERY", "DISCOVERY_ACK"):
        with pytest.raises(easyhttp_rs.NotARequest):
            easy.send(peer.id, easy.commands[command])


def test_a_time_to_find_that_is_none(start):
    with pytest.raises(TypeError, match="timeout must be a number of seconds"):
        start().find("ZZZZZZ", "soon")
