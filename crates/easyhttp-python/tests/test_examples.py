"""The examples do what their first lines say, with a second device beside them."""

import base64
import hashlib
import importlib.util
import json
import re
import shutil
import signal
import socket
import socketserver
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from easyhttp_rs import new_network_key
from programs import Running, environment
from support import Calls

EXAMPLES = Path(__file__).parent.parent / "examples"

FACES = {"blocking": "", "async": "_async"}


@pytest.fixture
def run(tmp_path, private_network):
    """Starts a copy of an example: it leaves files in its folder."""
    running = []

    def run(name, *arguments, **more):
        shutil.copy(EXAMPLES / name, tmp_path)
        command = [sys.executable, name, *arguments]
        running.append(Running(command, cwd=tmp_path, env={**environment(), **more}))
        return running[-1]

    yield run
    for each in running:
        each.close()


@pytest.fixture
def second(faces):
    """A device beside the example, which finds it."""

    def second(**given):
        given = {"enable_discovery": True, "discovery_port": 37020, **given}
        device = faces.make("blocking", **given)
        device.start()
        return device

    return second


def id_of(program, port):
    program.says(f" answers on port {port}")
    return re.search(r"(\w{6}) answers on port", program.out.text)[1]


def ends_quietly(program):
    """By Ctrl-C, as its first lines say."""
    program.signal(signal.SIGINT)
    assert (program.end(), program.err.text) == (0, "")


def test_all_are_tested_here():
    source = Path(__file__).read_text()
    for example in EXAMPLES.glob("*.py"):
        name = example.stem.removesuffix("_async")
        assert f'"{name}.py"' in source or f'f"{name}{{suffix}}.py"' in source, example.name


def test_monitor(run, second):
    other = second(id="ABC123")
    monitor = run("monitor.py")
    device_id = id_of(monitor, 5000)
    monitor.says("ABC123 is online")
    # It sleeps now, and answers.
    answer = other.fetch(device_id)["data"]
    assert (answer["temperature"], answer["humidity"]) == (23.5, 45)
    monitor.says("FETCH from ABC123")
    assert other.push(device_id, {"command": "led", "state": "on"}) is True
    monitor.says("the LED is on")
    assert other.push(device_id, {"command": "dance"}) is False
    other.send(device_id, other.commands.DATA, "hello")
    monitor.says("DATA from ABC123: hello")
    other.send(device_id, other.commands.PONG)
    monitor.says("PONG from ABC123")
    monitor.signal(signal.SIGINT)
    monitor.says("stopping")
    assert monitor.end() == 0
    # `debug` goes to standard error.
    assert "ABC123 is online" in monitor.err.text


def test_monitor_of_nobody(run):
    assert run("monitor.py").until("ABC123") == "ABC123 is offline"


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_ping(run, second, suffix):
    other = second()
    ping = run(f"ping{suffix}.py", other.id)
    line = ping.line()
    assert line.startswith(f"{other.id} is online, and answered in ") and line.endswith(" ms")
    other.stop()
    while "is online" in (line := ping.line()):
        pass
    assert other.id in line
    ends_quietly(ping)


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_ping_without_a_device(run, suffix):
    ping = run(f"ping{suffix}.py")
    assert ping.end() == 1
    assert ping.err.text.startswith("say which device")


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_everyone(run, second, suffix):
    one, other = second(on_fetch=lambda query: [query]), second(on_fetch=lambda: 2)
    everyone = run(f"everyone{suffix}.py", "temperature")
    lines = {everyone.line(), everyone.line()}
    assert lines == {f"{one.id}: ['temperature']", f"{other.id}: 2"}
    assert everyone.end() == 0
    cannot = second()
    everyone = run(f"everyone{suffix}.py")
    assert everyone.until(cannot.id) == f"{cannot.id}: {cannot.id} has no handler for this command"
    assert everyone.end() == 1


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_callbacks(run, second, suffix):
    fetched = Calls(returns={"t": 1})
    other = second(on_fetch=fetched)
    example = run(f"callbacks{suffix}.py")
    device_id = id_of(example, 5000)
    example.says(f"{other.id} is here")
    # It asks who is there.
    assert fetched.next()["query"] == "all"
    example.says(f"PONG from {other.id}")
    example.says(f"DATA from {other.id}: {{'t': 1}}")

    assert other.fetch_data(device_id, [1])["query"] == [1]
    example.says(f"FETCH from {other.id}: [1]")
    assert other.push(device_id) is False
    assert other.push(device_id, "on") is True
    example.says(f"PUSH from {other.id}: None")
    other.ping(device_id)
    example.says(f"PING from {other.id}")
    other.stop()
    example.says(f"{other.id} said goodbye")
    ends_quietly(example)


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_sensor(run, second, suffix):
    sensor = run(f"sensor{suffix}.py")
    device_id = id_of(sensor, 5001)
    other = second()
    data = other.fetch_data(device_id)
    assert set(data) == {"load", "temperature"}
    assert data["load"] >= 0
    sensor.says(f"FETCH from {other.id}")
    ends_quietly(sensor)


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_remote_control(run, suffix):
    lamp = run(f"remote_control{suffix}.py")
    lamp_id = id_of(lamp, 5002)

    def switch(state):
        return run(f"remote_control{suffix}.py", lamp_id, state).line()

    assert switch("on") == f"the lamp {lamp_id} is on"
    lamp.says("{'command': 'led', 'state': 'on'}")
    assert "state must be on or off" in switch("purple")
    ends_quietly(lamp)


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_outbox(run, second, suffix):
    with run(f"outbox{suffix}.py", "7H8G2K", "on") as killed:
        killed.says("waiting: 1")
    waiting = run(f"outbox{suffix}.py")
    waiting.says("waiting: 1")
    ends_quietly(waiting)
    outbox = run(f"outbox{suffix}.py", "7H8G2K", "purple")
    assert outbox.line() == "waiting: 2"
    pushed = Calls(returns=True)
    lamp = second(id="7H8G2K", on_push=pushed)
    assert pushed.next()["data"] == {"state": "on"}
    assert outbox.line() == "7H8G2K has {'state': 'on'}"
    assert outbox.line() == "7H8G2K has {'state': 'purple'}"
    assert outbox.end() == 0
    lamp.on("on_push", lambda: False)
    refused = run(f"outbox{suffix}.py", "7H8G2K", "green")
    refused.says("7H8G2K does not have {'state': 'green'}: ")
    assert refused.end() == 0


@pytest.mark.parametrize("suffix", FACES.values(), ids=FACES)
def test_two_devices(run, suffix):
    example = run(f"two_devices{suffix}.py")
    assert example.end() == 0, example.err.text
    said = example.out.text
    for part in (
        "hall: found ",
        "hall: PING took ",
        "hall: FETCH gave {'room': 'kitchen', 'asked': 'temperature'}",
        "hall: PUSH was accepted",
        "says dinner is ready",
        "refused",
    ):
        assert part in said, said


def test_plot(run, second):
    if importlib.util.find_spec("matplotlib") is None:
        # It is too large to be installed for one test; the types are checked anyway.
        assert 'pip install matplotlib' in (EXAMPLES / "plot.py").read_text()
        return
    fetched = Calls(returns={"load": 1.5})
    sensor = second(on_fetch=fetched)
    run("plot.py", sensor.id, "load", MPLBACKEND="Agg")
    for _ in range(2):
        fetched.next()


def test_secure_client(run, second):
    """It was written from PROTOCOL.md alone, and uses nothing of the package."""
    assert "easyhttp_rs" not in (EXAMPLES / "secure_client.py").read_text()
    pushed = Calls(returns=True)
    key = new_network_key()
    device = second(network_key=key, on_fetch=lambda query: {"asked": query}, on_push=pushed)

    def ask(command, data, at=device, key=key):
        where = f"127.0.0.1:{at.port}"
        return run("secure_client.py", where, at.id, command, json.dumps(data), EASYHTTP_KEY=key)

    answer = json.loads(ask("fetch", [1, "ü"]).line())
    assert (answer["type"], answer["data"]) == (4, {"asked": [1, "ü"]})
    assert json.loads(ask("push", "on").line())["type"] == 6
    assert pushed.next()["data"] == "on"

    stranger = ask("push", "off", key=new_network_key())
    assert stranger.end() == 1 and "the device has the network key" in stranger.err.text
    # One that has no key cannot prove it.
    unproved = ask("push", "off", at=second(on_push=lambda: True))
    assert unproved.end() == 1 and "did not prove" in unproved.err.text
    sealed = ask("push", "off", at=second(network_key=key, encrypt=True, on_push=lambda: True))
    assert sealed.end() == 1 and "the device encrypts" in sealed.err.text
    # Somebody on the path puts in another answer, with the digest that fits.
    on_path = on_the_path(device, b'"asked"', b'"faked"')
    forged = ask("fetch", 1, at=on_path)
    assert forged.end() == 1 and "did not prove" in forged.err.text
    # What says that there is no handler is signed as well.
    silent = second(network_key=key)
    assert json.loads(ask("fetch", 1, at=silent).line()) == {"status": "fetch_handled"}
    assert pushed.given.empty()


def on_the_path(device, said, put):
    """Somewhere that passes on what a device says, with one thing put for another."""

    class Passing(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection(("127.0.0.1", device.port)) as there:
                while True:
                    asked = self.request.recv(65536)
                    if not asked:
                        return
                    there.sendall(asked)
                    if asked.endswith(b"}"):
                        break
                head, _, body = there.recv(65536).partition(b"\r\n\r\n")
                old, body = body, body.replace(said, put)
                head = head.replace(digest(old), digest(body))
                self.request.sendall(head + b"\r\n\r\n" + body)

    def digest(body):
        return base64.b64encode(hashlib.sha256(body).digest())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return SimpleNamespace(id=device.id, port=server.server_address[1])
