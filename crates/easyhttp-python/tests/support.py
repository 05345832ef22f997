"""Devices for the tests, and patience."""

import asyncio
import functools
import http.client
import inspect
import itertools
import json
import queue
import sys
import threading
import time

from easyhttp_rs import EasyHTTP, EasyHTTPAsync, OutboxAsync

FACES = ("blocking", "async")

#: How long to wait for what must happen, in seconds: longer than any machine takes.
PATIENCE = 30.0

#: Nothing of a test leaves the machine, whatever network it runs on.
LOOPBACK = {"linux": ["lo"], "darwin": ["lo0"]}.get(sys.platform, [])

#: Below the ports that systems hand out by themselves.
_discovery_ports = itertools.count(23_000)


class Faces:
    """The devices of one test, which see no others."""

    def __init__(self, loop, folder):
        self.loop = loop
        self.folder = folder
        self.discovery_port = next(_discovery_ports)
        self._numbers = itertools.count(1)
        self._made = []

    def make(self, face, knows=(), **given):
        """A device with callbacks, as ``on_ping=…``, and settings. Without discovery,
        unless they say so; it knows the address of those in `knows`."""
        callbacks = {name: given.pop(name) for name in list(given) if name.startswith("on_")}
        settings = {
            "port": 0,
            "config_file": self.folder / f"device-{next(self._numbers)}.json",
            "enable_discovery": False,
            "discovery_port": self.discovery_port,
            "interfaces": LOOPBACK,
            "dns_sd": False,
            **given,
        }
        if face == "blocking":
            device = EasyHTTP(**settings)
        else:
            device = Driven(EasyHTTPAsync(**settings), self.loop)
        for event, function in callbacks.items():
            device.on(event, function)
        for other in knows if isinstance(knows, (list, tuple)) else [knows]:
            device.add(other.id, "127.0.0.1", other.port)
        self._made.append(device)
        return device

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for device in self._made:
            device.stop()


class Loop:
    """An event loop in a thread of its own."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)


class Driven:
    """An `EasyHTTPAsync` whose methods block, so that a test is the same for both."""

    def __init__(self, easy, loop):
        self.easy = easy
        self.loop = loop

    def __getattr__(self, name):
        attribute = getattr(self.easy, name)
        if isinstance(attribute, OutboxAsync):
            return Driven(attribute, self.loop)
        return self._waiting(attribute) if inspect.ismethod(attribute) else attribute

    def _waiting(self, method):
        def call(*args, **named):
            returned = method(*args, **named)
            if inspect.iscoroutine(returned):
                return self.loop.run(returned)
            return self._each(returned) if hasattr(returned, "__anext__") else returned

        return call

    def __enter__(self):
        self.loop.run(self.easy.__aenter__())
        return self

    def __exit__(self, *error):
        self.loop.run(self.easy.__aexit__(*error))

    def _each(self, generator):
        while True:
            try:
                yield self.loop.run(generator.__anext__())
            except StopAsyncIteration:
                return


class Calls:
    """A callback that notes what it was given, and returns something."""

    def __init__(self, returns=None):
        self.given = queue.Queue()
        self.returns = returns

    def __call__(self, **given):
        self.given.put(given)
        return self.returns

    def next(self):
        return self.given.get(timeout=PATIENCE)


def asynchronous(function):
    """The same function as an ``async def``, which waits for a moment."""

    @functools.wraps(function)
    async def waits(*args, **named):
        await asyncio.sleep(0)
        return function(*args, **named)

    return waits


def post(device, body):
    """What a program without this package gets: the HTTP status, and the answer. The
    body is what JSON can say, or JSON already."""
    connection = http.client.HTTPConnection("127.0.0.1", device.port, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/json"}
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request("POST", "/easyhttp/api", text.encode(), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def eventually(condition):
    """Waits until something holds, and gives it."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"it never held: {inspect.getsource(condition)}"
        time.sleep(0.01)
    return value
