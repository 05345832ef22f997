"""Ctrl-C, fork, and the end of the interpreter."""

import os
import signal
import socket
import sys

import pytest
from programs import Program
from support import Calls

#: How often a program that might hang or crash at its end is run.
RUNS = int(os.environ.get("EASYHTTP_TEST_RUNS", "50"))

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and fork are POSIX's")


# ---- Ctrl-C ----

CALLS = {
    "ping": "easy.ping('ZZZZZZ')",
    "fetch": "easy.fetch('ZZZZZZ')",
    "find": "easy.find('AAAAAA', 3600)",
    "presence": "next(easy.presence())",
    "sleep": "sleep()",
}


@posix
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_interrupts_a_blocking_call(faces, call):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program = Program(
            f"""
            import threading, time
            SETTINGS.update(timeout=3600)
            easy = EasyHTTP(**SETTINGS)
            easy.start()
            easy.add("ZZZZZZ", "127.0.0.1", {silent.getsockname()[1]})

            def sleep():
                time.sleep(3600)

            def watch():
                # The main thread waits in one of these once it stays where it is.
                waits = ("ping_time", "fetch", "find", "_events", "sleep")
                main, before = threading.main_thread().ident, None
                while True:
                    frame = sys._current_frames()[main]
                    place = (frame.f_code.co_name, frame.f_lasti)
                    if place == before and frame.f_code.co_name in waits:
                        break
                    before = place
                    time.sleep(0.02)
                say("calling")

            threading.Thread(target=watch, daemon=True).start()
            try:
                {call}
            except KeyboardInterrupt:
                say("interrupted")
            easy.stop()
            say("stopped")
            """,
            faces.folder,
        )
        with program:
            program.until("calling")
            program.signal(signal.SIGINT)
            # The call would take an hour.
            assert program.line() == "interrupted"
            assert program.line() == "stopped"
            assert program.end() == 0


@posix
def test_ctrl_c_ends_an_async_program(faces):
    program = Program(
        """
        import asyncio

        async def main():
            async with EasyHTTPAsync(**SETTINGS) as easy:
                say("running")
                await easy.find("AAAAAA", 3600)

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            say("interrupted")
        """,
        faces.folder,
    )
    with program:
        program.until("running")
        program.signal(signal.SIGINT)
        assert program.line() == "interrupted"
        assert program.end() == 0


@posix
def test_a_program_that_nobody_prepared_for_ctrl_c_ends_by_it(faces):
    program = Program(
        """
        import time
        easy.start()
        say("running")
        while True:
            time.sleep(5)
        """,
        faces.folder,
    )
    with program:
        program.until("running")
        program.signal(signal.SIGINT)
        assert program.end() == -signal.SIGINT
        assert "KeyboardInterrupt" in program.err.text


# ---- fork ----


@posix
def test_fork_is_refused(faces):
    """The child has none of the threads that the device needs. It is told so, and
    the device of the parent goes on."""
    program = Program(
        """
        import os
        easy.start()
        other = EasyHTTP(**{**SETTINGS, "id": "7H8G2K"})
        other.start()
        other.add(easy.id, "127.0.0.1", easy.port)
        child = os.fork()
        if child == 0:
            for call in (lambda: easy.ping("7H8G2K"), lambda: easy.devices,
                         lambda: easy.outbox.push("7H8G2K", 1), easy.outbox.flush,
                         EasyHTTP(**{**SETTINGS, "id": "AAAAAA"}).start):
                try:
                    call()
                    say("no exception")
                except RuntimeError as error:
                    say("refused:", error)
            sys.exit()
        say("child ended with", os.waitpid(child, 0)[1])
        say(other.ping(easy.id))
        """,
        faces.folder,
    )
    with program:
        for _ in range(5):
            assert "fork" in program.line()
        assert program.line() == "child ended with 0"
        assert program.line() == "True"
        assert program.end() == 0


@posix
def test_a_process_that_forks_before_its_first_device(faces):
    program = Program(
        """
        import os
        child = os.fork()
        if child == 0:
            easy.start()
            say(easy.ping("ZZZZZZ"))
            easy.stop()
            os._exit(0)
        say("child ended with", os.waitpid(child, 0)[1])
        """,
        faces.folder,
    )
    with program:
        assert program.line() == "False"
        assert program.line() == "child ended with 0"
        assert program.end() == 0


def test_processes_of_multiprocessing_have_devices_of_their_own(faces):
    program = Program(
        """
        import multiprocessing

        def ask(device_id, port, answers):
            easy = EasyHTTP(**{**SETTINGS, "id": "7H8G2K"})
            with easy:
                easy.add(device_id, "127.0.0.1", port)
                answers.put(easy.fetch_data(device_id))

        if __name__ == "__main__":
            easy.on("on_fetch", lambda: "asked by a process")
            easy.start()
            spawn = multiprocessing.get_context("spawn")
            answers = spawn.Queue()
            child = spawn.Process(target=ask, args=[easy.id, easy.port, answers])
            child.start()
            say(answers.get(timeout=30))
            child.join()
            say(child.exitcode)
        """,
        faces.folder,
    )
    with program:
        assert program.line() == "asked by a process"
        assert program.line() == "0"


# ---- the end of the interpreter ----

#: Programs that end with a device that runs, and how they end.
ENDS = {
    "at the end of the program": ("say('done')", 0),
    "after an exception": ("say('done'); raise RuntimeError('the user\\'s')", 1),
    "by sys.exit": ("say('done'); sys.exit(3)", 3),
    "while calls are under way": (
        """
for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
asked.wait()
say('done')
""",
        0,
    ),
    "while a callback runs": (
        """
threading.Thread(target=lambda: other.fetch(easy.id, "sleep"), daemon=True).start()
called.wait()
say('done')
""",
        0,
    ),
    "while an async callback waits": (
        """
easy.on("on_fetch", wait)
threading.Thread(target=lambda: other.fetch(easy.id), daemon=True).start()
called.wait()
say('done')
""",
        0,
    ),
    "with an async device whose loop is gone": (
        """
asyncio.run(EasyHTTPAsync(**{**SETTINGS, "id": "7H8G2L"}).start())
say('done')
""",
        0,
    ),
}

BEFORE_THE_END = """
import asyncio, contextlib, sys, threading, time
from easyhttp_rs import CallFailed, NotRunning

asked, called = threading.Event(), threading.Event()

def give(query):
    called.set()
    if query == "sleep":
        time.sleep(3600)

async def wait():
    called.set()
    await asyncio.sleep(3600)

def ask():
    # At the end of the program the device stops, and the call says so.
    with contextlib.suppress(NotRunning, CallFailed):
        while True:
            other.fetch_data(easy.id)
            asked.set()

easy.on("on_fetch", give)
easy.start()
other = EasyHTTP(**{**SETTINGS, "id": "7H8G2K"})
other.start()
other.add(easy.id, "127.0.0.1", easy.port)
"""


@pytest.mark.parametrize(("end", "code"), ENDS.values(), ids=ENDS)
def test_the_interpreter_ends_with_a_device_that_runs(faces, end, code):
    check_ends(faces, BEFORE_THE_END + end, code)


def test_the_interpreter_ends_with_a_device_of_a_daemon_thread(faces):
    source = """
import contextlib, threading
from easyhttp_rs import NotRunning

running = threading.Event()

def serve():
    with contextlib.suppress(NotRunning), easy:
        running.set()
        while True:
            easy.ping("ZZZZZZ")

threading.Thread(target=serve, daemon=True).start()
running.wait()
say("done")
"""
    check_ends(faces, source, 0)


def test_a_program_that_ends_says_goodbye_for_its_devices(faces):
    joined, left = Calls(), Calls()
    here = faces.make("blocking", enable_discovery=True, on_joined=joined, on_left=left)
    here.start()
    program = Program(
        f"""
        SETTINGS.update(enable_discovery=True, discovery_port={faces.discovery_port})
        easy = EasyHTTP(**SETTINGS, dns_sd=False)
        easy.start()
        easy.find({here.id!r}, 30)
        # A thread that holds it keeps it from being collected.
        import threading, time
        hold = lambda easy: time.sleep(3600)
        threading.Thread(target=hold, args=[easy], daemon=True).start()
        """,
        faces.folder,
    )
    with program:
        there = joined.next()["device_id"]
        assert program.end() == 0
        assert left.next()["device_id"] == there


def check_ends(faces, source, code):
    """Two at a time, as the machine is busy then and the order differs."""
    for _ in range(0, RUNS, 2):
        with Program(source, faces.folder) as one, Program(source, faces.folder) as two:
            for program in (one, two):
                assert program.line() == "done"
                assert program.end() == code, program.err.text
                if code != 1:
                    assert program.err.text == ""
                else:
                    assert program.err.text.rstrip().endswith("RuntimeError: the user's")
