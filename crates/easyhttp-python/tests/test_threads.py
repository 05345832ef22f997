"""Threads, the GIL, and devices that answer while their program does something else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import easyhttp_rs
from support import PATIENCE
from programs import Program


def test_threads_may_call_one_device(start):
    peer = start(on_fetch=lambda query: query)
    asker = start(knows=peer)
    with ThreadPoolExecutor(16) as threads:
        numbers = range(400)
        assert list(threads.map(lambda n: asker.fetch_data(peer.id, n), numbers)) == list(numbers)


def test_other_threads_run_while_a_call_waits(faces):
    """The callback runs in this process, so it can answer only if the call that
    waits for it has let go of the interpreter."""
    turns = []

    def count():
        while not done.is_set():
            turns.append(1)
            time.sleep(0.001)

    go_on, done = threading.Event(), threading.Event()
    peer = faces.make("blocking", on_fetch=lambda: go_on.wait(PATIENCE))
    peer.start()
    asker = faces.make("blocking", knows=peer, timeout=PATIENCE)
    asker.start()
    counter = threading.Thread(target=count)
    counter.start()

    def release():
        before = len(turns)
        while len(turns) < before + 20:
            time.sleep(0.001)
        go_on.set()

    releaser = threading.Thread(target=release)
    releaser.start()
    assert asker.fetch_data(peer.id) is True
    done.set()
    counter.join()
    releaser.join()


def test_a_blocking_device_that_sleeps_answers(faces):
    """What a device of easyhttp-python does not: it answers inside its calls only."""
    sleeper = Program(
        """
        import time
        easy.on("on_fetch", lambda: "awake")
        easy.start()
        say(easy.id, easy.port)
        while True:
            time.sleep(5)
        """,
        faces.folder,
    )
    with sleeper:
        device_id, port = sleeper.line().split()
        asker = faces.make("blocking")
        asker.start()
        asker.add(device_id, "127.0.0.1", int(port))
        assert asker.ping(device_id) is True
        assert asker.fetch_data(device_id) == "awake"


def test_an_async_device_answers_while_its_loop_is_free(faces):
    peer = faces.make("async", on_fetch=lambda: "awake")
    peer.start()
    asker = faces.make("blocking", knows=peer)
    asker.start()
    assert asker.fetch_data(peer.id) == "awake"


def test_a_device_may_be_made_in_one_thread_and_used_in_another(make):
    peer, asker = make(on_fetch=lambda: 1), make()
    with ThreadPoolExecutor(1) as other:
        other.submit(peer.start).result()
        other.submit(asker.start).result()
    asker.add(peer.id, "127.0.0.1", peer.port)
    assert asker.fetch_data(peer.id) == 1


def test_starting_in_two_threads_at_once(make):
    """One of them starts it, the other is told so."""
    easy = make()
    both = threading.Barrier(2)

    def start(_):
        both.wait()
        try:
            easy.start()
        except easyhttp_rs.AlreadyRunning:
            return "running already"
        return "started"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(start, range(2))) == ["running already", "started"]


def test_calls_leave_no_threads_behind(start):
    peer = start(on_fetch=lambda query: query)
    asker = start(knows=peer)
    asker.fetch(peer.id)
    before = ours()
    for number in range(200):
        asker.fetch(peer.id, number)
    # A thread that has just answered may not wait for work again yet.
    assert len(ours() - before) <= 2
    assert all(thread.daemon for thread in ours())


def ours():
    return {thread for thread in threading.enumerate() if thread.name.startswith("easyhttp")}
