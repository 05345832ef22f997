"""A device of the unmodified package `easyhttp-python`, driven line by line. (Or of
another package with the same classes, named by `"package"`.)

    python device.py '{"face": "async", "port": 5000, "config_file": "…", "discovery": true}'

Each line of standard input is a method of the device and its arguments, or an
attribute:

    {"do": "fetch", "with": ["7H8G2K", {"sensor": "temperature"}]}

Each line of standard output says what came of one of them, in their order, or
what a callback was given:

    {"result": {"version": "0.4.0", …}}
    {"failed": "ValueError('Device ID must be 6 characters')"}
    {"event": "on_ping", "sender_id": "7H8G2K", "timestamp": 1767225600}
"""

import asyncio
import importlib
import inspect
import json
import os
import sys

OPTIONS = json.loads(sys.argv[1])
PACKAGE = importlib.import_module(OPTIONS.get("package", "easyhttp_python"))

# The package prints to standard output, which is ours.
OUTPUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def main():
    face = {"async": PACKAGE.EasyHTTPAsync, "sync": PACKAGE.EasyHTTP}[OPTIONS["face"]]
    easy = face(
        port=OPTIONS["port"],
        config_file=OPTIONS["config_file"],
        enable_discovery=OPTIONS["discovery"],
    )
    if OPTIONS["face"] == "async":
        asyncio.run(serve_async(easy))
    else:
        serve_sync(easy)


def serve_sync(easy):
    """Answers others only inside the calls, as the package does."""
    for line in sys.stdin:
        try:
            say(result=perform(easy, **json.loads(line)))
        except Exception as error:
            say(failed=repr(error))


async def serve_async(easy):
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            result = perform(easy, **json.loads(line))
            if inspect.isawaitable(result):
                result = await result
            say(result=result)
        except Exception as error:
            say(failed=repr(error))


def perform(easy, **command):
    name, arguments = command["do"], command.get("with", [])
    if name == "on":
        return register(easy, *arguments)
    if name == "start" and OPTIONS["face"] == "async":
        return start(easy)
    attribute = getattr(easy, name)
    return attribute(*arguments) if callable(attribute) else attribute


def register(easy, event, answer):
    """Has a callback return `{"returns": …}`, or fail with `{"raises": "…"}`."""

    def callback(**given):
        say(event=event, **given)
        if "raises" in answer:
            raise RuntimeError(answer["raises"])
        return answer["returns"]

    easy.on(event, callback)


async def start(easy):
    """Waits for the port, where `EasyHTTPAsync.start` sleeps for two seconds."""
    starting = asyncio.create_task(easy.start())
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", easy.port)
            writer.close()
            return
        except ConnectionRefusedError:
            if starting.done():
                return starting.result()
            await asyncio.sleep(0.005)


def say(**line):
    print(json.dumps(line), file=OUTPUT, flush=True)


main()
