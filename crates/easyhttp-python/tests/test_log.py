"""What is said by `logging`."""

import logging

from programs import Program
from support import Calls


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "easyhttp_rs"]


def test_debug_says_what_easyhttp_python_says(faces, face, caplog):
    peer = faces.make(face, on_push=lambda data: data == 1)
    peer.start()
    asker = faces.make(face, debug=True)
    asker.start()
    with caplog.at_level(logging.INFO, "easyhttp_rs"):
        asker.add(peer.id, "127.0.0.1", peer.port)
        asker.ping(peer.id)
        asker.push(peer.id, 1)
        asker.push(peer.id, 2)
        asker.fetch("ZZZZZZ")
        asker.stop()
        asker.start()
    said = messages(caplog)
    assert f"Added device {peer.id}: 127.0.0.1:{peer.port}" in said
    assert f"{peer.id} is online" in said
    assert f"Successfully wrote to {peer.id}" in said
    # It also says why.
    [refused] = [text for text in said if text.startswith(f"Error writing to {peer.id}: ")]
    assert "refused" in refused
    assert any(text.startswith("Failed to send to ZZZZZZ: ") for text in said)
    assert any(text.endswith("has been started!") for text in said)
    assert f"Device's ID: {asker.id}" in said
    assert any(text.endswith(f":{asker.port}/easyhttp/api") for text in said)


def test_debug_says_who_is_found(faces, face, caplog):
    joined = Calls()
    first = faces.make(face, debug=True, enable_discovery=True, on_joined=joined)
    with caplog.at_level(logging.INFO, "easyhttp_rs"):
        first.start()
        second = faces.make(face, enable_discovery=True)
        second.start()
        joined.next()
    assert f"Found device {second.id} at 127.0.0.1" in messages(caplog)
    assert f"Discovery enabled on 224.0.0.106:{faces.discovery_port}" in messages(caplog)


def test_without_debug_it_is_silent(faces, face, caplog):
    with caplog.at_level(logging.INFO, "easyhttp_rs"):
        easy = faces.make(face)
        easy.start()
        easy.ping("ZZZZZZ")
    assert messages(caplog) == []


def test_debug_is_printed_if_nobody_set_logging_up(faces):
    program = Program(
        """
        easy = EasyHTTP(debug=True, **SETTINGS)
        easy.start()
        easy.ping("ZZZZZZ")
        """,
        faces.folder,
    )
    with program:
        assert program.end() == 0
    assert "[INFO] EasyHTTP" in program.err.text
    assert "[INFO] ZZZZZZ is offline or not responding: " in program.err.text
    assert program.out.text == ""


def test_a_callback_that_fails_is_printed_if_nobody_set_logging_up(faces):
    program = Program(
        """
        easy.on("on_data", lambda: 1 / 0)
        easy.start()
        other = EasyHTTP(**{**SETTINGS, "id": "7H8G2K"})
        other.start()
        other.add(easy.id, "127.0.0.1", easy.port)
        other.send(easy.id, other.commands.DATA)
        """,
        faces.folder,
    )
    with program:
        assert program.end() == 0
    assert "ZeroDivisionError: division by zero" in program.err.text
