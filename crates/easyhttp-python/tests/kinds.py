"""The kinds of devices that share a network, each driven in the same way."""

import itertools
import json
import os
import queue
import subprocess
import sys
from pathlib import Path

import pytest
from programs import Running, environment
from support import PATIENCE, eventually

KINDS = ("easyhttp_python", "ours, blocking", "ours, async", "Rust")

#: Drives a device of a Python package, line by line.
SCRIPT = Path(__file__).parents[2] / "easyhttp/tests/it/python/device.py"

#: Below the ports that systems hand out by themselves.
_ports = itertools.count(24_000)


def device(kind, folder, discovery):
    if kind == "Rust":
        return Shell(folder, discovery)
    if kind == "easyhttp_python":
        pytest.importorskip("easyhttp_python")
        return Scripted("easyhttp_python", "async", folder, discovery)
    face = {"ours, blocking": "sync", "ours, async": "async"}[kind]
    return Scripted("easyhttp_rs", face, folder, discovery)


class Scripted:
    """A device of a Python package: the same program drives ours and the other."""

    def __init__(self, package, face, folder, discovery):
        self.port = next(_ports)
        self.id = f"P{self.port}"
        config_file = folder / f"{self.id}.json"
        config_file.write_text(json.dumps({"device_id": self.id}))
        options = {
            "package": package,
            "face": face,
            "port": self.port,
            "config_file": str(config_file),
            "discovery": discovery,
        }
        command = [sys.executable, str(SCRIPT), json.dumps(options)]
        self.running = Running(command, stdin=subprocess.PIPE, env=environment())
        self.events = queue.Queue()
        for event in ("on_ping", "on_fetch", "on_data", "on_push"):
            self.do("on", event, {"returns": None})
        self.do("start")

    def do(self, method, *arguments):
        self.running.write({"do": method, "with": arguments})
        while True:
            said = json.loads(self.running.line())
            if "event" in said:
                self.events.put(said)
                continue
            assert "failed" not in said, said
            return said["result"]

    # ---- it asks ----

    def ping(self, device_id):
        return self.do("ping", device_id)

    def fetch(self, device_id, query):
        return self.do("fetch", device_id, query)["data"]

    def data(self, device_id, data):
        return self.do("send", device_id, 4, data)

    def push(self, device_id, data):
        return self.do("push", device_id, data)

    def knows(self, other):
        self.do("add", other.id, "127.0.0.1", other.port)

    def finds(self, other):
        eventually(lambda: other.id in self.do("devices"))

    # ---- it answers ----

    def answers(self, event, value):
        self.do("on", event, {"returns": value})

    def given(self, event, by):
        """What its callback is given next, by the device that asks."""
        while True:
            while not self.events.empty():
                said = self.events.get()
                if said["event"] == event and by.is_sender(said["sender_id"]):
                    return said.get("data", said.get("query"))
            self.do("id")

    def is_sender(self, sender_id):
        return sender_id == self.id

    def close(self):
        self.running.close()


class Shell:
    """The program ``easyhttp``: `serve` answers, and each call is a program of its own."""

    def __init__(self, folder, discovery):
        self.folder = folder
        self.discovery = discovery
        self.addresses = {}
        command = ["serve", "--port", "0", "--config", f"shell-{next(_ports)}.json"]
        command += ["--fetch-exec", "cat", "--push-exec", "grep -q on"]
        command += [] if discovery else ["--no-discovery"]
        self.running = Running([program(), "--json", *command], cwd=folder, env=environment())
        started = json.loads(self.running.until('"started"'))
        self.id, self.port = started["id"], started["port"]

    def run(self, command, device_id, *arguments):
        at = [] if self.discovery else ["--at", self.addresses[device_id]]
        ran = subprocess.run(
            [program(), "--json", "--timeout", str(PATIENCE), command, device_id, *arguments, *at],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=environment(),
        )
        said = json.loads(ran.stdout.splitlines()[-1])
        # 1 is a refusal.
        assert ran.returncode in (0, 1), (ran.stdout, ran.stderr)
        return said

    # ---- it asks ----

    def ping(self, device_id):
        return "ms" in self.run("ping", device_id)

    def fetch(self, device_id, query):
        return self.run("fetch", device_id, json.dumps(query))["data"]

    def data(self, device_id, data):
        return self.run("send", device_id, "data", json.dumps(data))["answer"]

    def push(self, device_id, data):
        return self.run("push", device_id, json.dumps(data)).get("accepted", False)

    def knows(self, other):
        self.addresses[other.id] = f"127.0.0.1:{other.port}"

    def finds(self, other):
        """Each of its calls finds the device anew."""

    # ---- it answers ----

    def answers(self, event, value):
        """It answers FETCH with the query, and accepts a PUSH of what has "on" in it."""

    def given(self, event, by):
        while True:
            said = json.loads(self.running.line())
            if "on_" + said["event"] == event and by.is_sender(said["sender"]):
                return said.get("data") if event != "on_fetch" else said["query"]

    def is_sender(self, sender_id):
        return True

    def close(self):
        self.running.close()


def program():
    """The program ``easyhttp``, as it was built before the tests."""
    path = os.environ.get("EASYHTTP_TEST_PROGRAM")
    if path is None:
        pytest.skip("EASYHTTP_TEST_PROGRAM does not say where the program easyhttp is")
    return path
