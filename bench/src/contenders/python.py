"""The contenders in Python: our package and easyhttp-python, whose devices have the same
methods, and http.client of the standard library, which is a client alone.

As those in Rust: ``python.py serve TASK`` or ``python.py call TASK``; the way is the package.
One caller is a blocking call; several are tasks of asyncio, or threads of http.client.

asyncio and http.client are imported by those who use them: a device that blocks is as
large as it is for its user.
"""

import contextlib
import json
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

CLIENT, SERVER = "AB3F9Z", "7H8G2K"


def reading(sender_id=None, query=None, timestamp=None):
    """The callback."""
    return {"sensor": query["sensor"], "value": 23.5, "unit": "%"}


def check(answer):
    if not answer or answer["data"]["value"] != 23.5:
        sys.exit(f"a wrong answer: {answer}")


# ---- devices ----


def device(task, kind, id):
    """A device with this id, on a free port. easyhttp-python knows an id from its file alone,
    and takes no port 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = Path(tempfile.mkdtemp(prefix="easyhttp-bench-")) / "device.json"
    config.write_text(json.dumps({"device_id": id, "port": port, "version": "0.4.0"}))
    package = __import__(task["way"])
    options = {"port": port, "config_file": str(config), "enable_discovery": False}
    return getattr(package, kind)(**options)


def tell(device):
    print(f"127.0.0.1:{device.port}", flush=True)


def serve(task):
    if task["way"] == "easyhttp_python":
        import asyncio

        # Its blocking class answers only while it asks.
        asyncio.run(serve_async(task))
    with started(device(task, "EasyHTTP", SERVER)) as easy:
        tell(easy)
        threading.Event().wait()


async def serve_async(task):
    import asyncio

    async with started(device(task, "EasyHTTPAsync", SERVER)) as easy:
        tell(easy)
        await asyncio.Event().wait()


def started(easy):
    easy.on("on_fetch", reading)
    return easy


def call(task, load):
    if task["way"] == "http":
        call_http(task, load)
    elif task["in_flight"] == 1:
        easy = device(task, "EasyHTTP", CLIENT)
        easy.start()
        easy.add(SERVER, *address(task))
        caller = load.caller()
        while caller.asks():
            check(easy.fetch(SERVER, {"sensor": "humidity"}))
            caller.answered()
        easy.stop()
    else:
        import asyncio

        asyncio.run(call_async(task, load))


async def call_async(task, load):
    import asyncio

    async def call_until_over():
        caller = load.caller()
        while caller.asks():
            check(await easy.fetch(SERVER, {"sensor": "humidity"}))
            caller.answered()

    easy = device(task, "EasyHTTPAsync", CLIENT)
    await easy.start()
    easy.add(SERVER, *address(task))
    await asyncio.gather(*(call_until_over() for _ in range(task["in_flight"])))
    await easy.stop()


def address(task):
    host, port = task["address"].split(":")
    return host, int(port)


# ---- http.client ----


def call_http(task, load):
    callers = [
        threading.Thread(target=call_http_until_over, args=(task, load.caller()))
        for _ in range(task["in_flight"] - 1)
    ]
    for caller in callers:
        caller.start()
    call_http_until_over(task, load.caller())
    for caller in callers:
        caller.join()


def call_http_until_over(task, caller):
    import http.client

    connection = http.client.HTTPConnection(*address(task))
    header = {"sender_id": CLIENT, "sender_port": 50000, "recipient_id": SERVER}
    while caller.asks():
        header["timestamp"] = int(time.time())
        data = {"sensor": "humidity"}
        message = {"version": "0.4.0", "type": 3, "header": header, "data": data}
        body = json.dumps(message, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/easyhttp/api", body, headers)
        check(json.loads(connection.getresponse().read()))
        caller.answered()


# ---- the load, as in load.rs ----


class Load:
    def __init__(self, task):
        self.phase = "warming"
        self.took = []
        self.processes = [os.getpid(), *task["watched"]]
        self.time = task["until"]["Time"]
        self.clock = threading.Thread(target=self.keep_time)

    def caller(self):
        if self.clock.ident is None:
            self.clock.start()
        return Caller(self)

    def keep_time(self):
        time.sleep(self.time["warm_up"] / 1e3)
        self.start = self.look()
        self.phase = "measuring"
        time.sleep(self.time["measured"] / 1e3)
        # Before any thread ends, and takes what it has used with it.
        self.end = self.look()
        self.phase = "over"

    def look(self):
        return time.perf_counter(), [cpu_time(process) for process in self.processes]

    def figures(self):
        self.clock.join()
        took = sorted(self.took)
        calls = len(took)
        cpu = [(end - start) / calls for start, end in zip(self.start[1], self.end[1])]
        memory = [status(process) for process in self.processes]
        return {
            "p50": took[int((calls - 1) * 0.5)] * 1e6,
            "p99": took[int((calls - 1) * 0.99)] * 1e6,
            "p999": took[int((calls - 1) * 0.999)] * 1e6,
            "rate": calls / (self.end[0] - self.start[0]),
            "cpu": [nanos / 1e3 for nanos in cpu],
            "resident": [fields["VmRSS"] for fields in memory],
            "peak": [fields["VmHWM"] for fields in memory],
        }


class Caller:
    def __init__(self, load):
        self.load = load

    def asks(self):
        self.asked = time.perf_counter()
        return self.load.phase != "over"

    def answered(self):
        if self.load.phase == "measuring":
            self.load.took.append(time.perf_counter() - self.asked)


def cpu_time(process):
    nanos = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            nanos += int((thread / "schedstat").read_text().split()[0])
    return nanos


def status(process):
    """Memory in MB, by its name."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    fields = (line.split() for line in lines if line.startswith("Vm"))
    return {field[0].rstrip(":"): int(field[1]) * 1024 / 1e6 for field in fields}


def main():
    _, role, task = sys.argv
    task = json.loads(task)
    if task["core"] is not None:
        os.sched_setaffinity(0, {task["core"]})
    if role == "serve":
        serve(task)
        return
    load = Load(task)
    call(task, load)
    print(json.dumps(load.figures()), flush=True)


main()
