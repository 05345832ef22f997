"""The user's functions: what they are given, and what becomes of what they return."""

import asyncio
import functools
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import easyhttp_rs
import pytest
from support import PATIENCE, Calls, asynchronous, eventually, post


def test_each_is_given_what_easyhttp_python_gives(start, callback):
    events = {name: Calls() for name in ("on_ping", "on_pong", "on_fetch", "on_data", "on_push")}
    peer = start(**{name: callback(calls) for name, calls in events.items()})
    asker = start(knows=peer)
    began = int(time.time())
    for command in (asker.commands.PING, asker.commands.PONG):
        asker.send(peer.id, command)
    asker.fetch(peer.id, "q")
    asker.send(peer.id, asker.commands.DATA, [1])
    asker.push(peer.id, {"state": "on"})

    expected = {
        "on_ping": {},
        "on_pong": {},
        "on_fetch": {"query": "q"},
        "on_data": {"data": [1]},
        "on_push": {"data": {"state": "on"}},
    }
    for name, calls in events.items():
        given = calls.next()
        assert began <= given.pop("timestamp") <= time.time()
        assert given == {"sender_id": asker.id, **expected[name]}


def test_only_what_a_function_takes_is_passed(start, callback):
    given = []
    peer = start(
        on_ping=callback(lambda sender_id: given.append(("ping", sender_id))),
        on_data=callback(lambda data, *, timestamp: given.append(("data", data))),
        on_fetch=callback(lambda: given.append(("fetch",))),
        on_push=callback(lambda sender_id, data, extra="default": given.append((data, extra))),
    )
    asker = start(knows=peer)
    assert asker.ping(peer.id) is True
    asker.send(peer.id, asker.commands.DATA, 5)
    asker.fetch(peer.id)
    asker.push(peer.id, 6)
    assert given == [("ping", asker.id), ("data", 5), ("fetch",), (6, "default")]


def test_methods_partials_and_callable_objects(start):
    class Sensor:
        def give(self, query):
            return ["method", query]

        def __call__(self, query):
            return ["object", query]

        async def give_async(self, query):
            return ["async", query]

    sensor = Sensor()
    answers = {}
    peer = start()
    asker = start(knows=peer)
    for function in (sensor.give, sensor, sensor.give_async):
        peer.on("on_fetch", function)
        kind, query = asker.fetch_data(peer.id, 1)
        answers[kind] = query
    peer.on("on_fetch", functools.partial(lambda room, query: [room, query], "kitchen"))
    assert asker.fetch_data(peer.id, 2) == ["kitchen", 2]
    assert answers == {"method": 1, "object": 1, "async": 1}


def test_a_callback_may_ask_where_the_sender_is(start):
    peer = start(on_fetch=lambda address: address)
    asker = start(knows=peer)
    host, _, port = asker.fetch_data(peer.id).rpartition(":")
    assert host == "127.0.0.1" and port.isdigit()


def test_a_function_that_wants_what_there_is_not(make):
    with pytest.raises(TypeError, match="takes 'room'.*sender_id, query, timestamp"):
        make().on("on_fetch", lambda room: None)


def test_on_is_a_decorator_as_well(start):
    peer = start()

    @peer.on("on_fetch")
    def give(query):
        return query * 2

    assert give(2) == 4
    assert start(knows=peer).fetch_data(peer.id, 21) == 42


def test_a_callback_can_be_set_and_replaced_while_it_runs(start):
    peer = start()
    asker = start(knows=peer)
    assert asker.push(peer.id) is False
    peer.on("on_push", lambda: True)
    assert asker.push(peer.id) is True
    peer.on("on_push", lambda: False)
    assert asker.push(peer.id) is False


@pytest.mark.parametrize("data", [0, 0.0, False, "", [], {}])
def test_falsy_data_is_data(start, callback, data):
    given = Calls(returns=data)
    peer = start(on_fetch=callback(given), on_data=callback(given))
    asker = start(knows=peer)
    answer = asker.fetch(peer.id, data)
    assert (answer["data"], type(answer["data"])) == (data, type(data))
    assert asker.fetch_data(peer.id, data) == data
    assert given.next()["query"] == data
    given.next()
    asker.send(peer.id, asker.commands.DATA, data)
    assert given.next()["data"] == data


@pytest.mark.parametrize("returned", [None, 0, "", [], False])
def test_a_push_is_refused_by_what_is_falsy(start, callback, returned):
    peer = start(on_push=callback(lambda: returned))
    assert start(knows=peer).push(peer.id) is False


@pytest.mark.parametrize("returned", [1, "yes", [0], True])
def test_a_push_is_accepted_by_what_is_truthy(start, callback, returned):
    peer = start(on_push=callback(lambda: returned))
    assert start(knows=peer).push(peer.id) is True


def test_an_exception_is_logged_with_its_traceback_and_answered_with_nack(
    start, callback, caplog
):
    def explode(data):
        return {}["the key that is not there"]

    peer = start(on_push=callback(explode))
    status, answer = post(peer, {"type": peer.commands.PUSH.value, "data": 1})
    assert answer["type"] == peer.commands.NACK.value, (status, answer)
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.name == "easyhttp_rs"
    assert "on_push" in record.getMessage()
    assert "in explode" in caplog.text and "KeyError: 'the key that is not there'" in caplog.text


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("on purpose")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        # Half a character, as in a file name that is no UTF-8, cannot travel.
        (ValueError("no file \udcff.txt"), "ValueError: no file ?.txt"),
        (Speechless(), "Speechless"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_an_exception_is_told_whatever_it_says(start, callback, error, told):
    def explode():
        raise error

    events = ("on_pong", "on_fetch", "on_data", "on_push")
    peer = start(**dict.fromkeys(events, callback(explode)))
    asker = start(knows=peer)
    for command in ("PONG", "FETCH", "DATA", "PUSH"):
        with pytest.raises(easyhttp_rs.HandlerFailed) as failed:
            asker.send_command(peer.id, asker.commands[command])
        assert failed.value.reason == told


def test_a_refusal_is_one_whatever_its_reason_says(start, callback):
    def refuse():
        raise easyhttp_rs.Refused("no file \udcff.txt")

    peer = start(on_push=callback(refuse))
    asker = start(knows=peer)
    with pytest.raises(easyhttp_rs.Refused) as refused:
        asker.push_data(peer.id)
    assert (refused.value.reason, refused.value.delivery) == ("no file ?.txt", "refused")


def test_a_ping_is_answered_though_its_callback_fails(start, callback):
    def explode():
        raise RuntimeError

    peer = start(on_ping=callback(explode))
    asker = start(knows=peer)
    assert asker.ping(peer.id) is True
    assert asker.ping(peer.id) is True


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_a_callback_cannot_end_the_device(faces, error):
    def leave():
        raise error

    # On an event loop these two end the loop: that is asyncio's rule, not ours.
    peer = faces.make("blocking", on_fetch=leave)
    peer.start()
    asker = faces.make("blocking", knows=peer)
    asker.start()
    with pytest.raises(easyhttp_rs.HandlerFailed, match=type(error).__name__):
        asker.fetch_data(peer.id)
    assert asker.ping(peer.id) is True


def test_data_that_json_cannot_say_fails_the_request(start, callback, caplog):
    peer = start(on_fetch=callback(lambda: {"readings": [1, 2, 3, {4}]}))
    asker = start(knows=peer)
    wrong = r"data\.readings\[3\]: set is not JSON-serialisable"
    with pytest.raises(easyhttp_rs.HandlerFailed, match=wrong):
        asker.fetch_data(peer.id)
    assert "set is not JSON-serialisable" in caplog.text


def test_a_callback_may_call_the_device(start, face):
    """Also the one that asks, which waits for the answer meanwhile."""
    asker = start(on_fetch=lambda: "the asker's")
    middle = start(knows=asker)

    if face == "blocking":
        middle.on("on_fetch", lambda sender_id: [middle.fetch_data(sender_id)])
    else:

        async def ask_back(sender_id):
            return [await middle.easy.fetch_data(sender_id)]

        middle.on("on_fetch", ask_back)
    asker.add(middle.id, "127.0.0.1", middle.port)
    assert asker.fetch_data(middle.id) == ["the asker's"]


def test_async_callbacks_run_on_the_users_loop(faces, loop):
    async def where():
        return asyncio.get_running_loop() is loop.loop

    peer = faces.make("async", on_fetch=where)
    peer.start()
    asker = faces.make("async", knows=peer)
    asker.start()
    assert asker.fetch_data(peer.id) is True


def test_async_callbacks_of_a_blocking_device_share_a_loop(faces):
    async def give():
        loop = asyncio.get_running_loop()
        return [id(loop), threading.current_thread() is threading.main_thread()]

    peer = faces.make("blocking", on_fetch=give)
    peer.start()
    asker = faces.make("blocking", knows=peer)
    asker.start()
    (first, is_main), (second, _) = asker.fetch_data(peer.id), asker.fetch_data(peer.id)
    assert first == second and not is_main


def test_a_slow_callback_holds_up_no_other(faces, callback):
    began, go_on = threading.Event(), threading.Event()

    def wait():
        began.set()
        return go_on.wait(PATIENCE)

    peer = faces.make("blocking", on_fetch=wait, on_push=lambda: True)
    peer.start()
    asker = faces.make("blocking", knows=peer, timeout=PATIENCE)
    asker.start()
    slow = threading.Thread(target=asker.fetch, args=[peer.id])
    slow.start()
    assert began.wait(PATIENCE)
    try:
        assert asker.push(peer.id) is True
    finally:
        go_on.set()
        slow.join()


def test_an_async_callback_that_waits_holds_up_no_other(start, loop):
    waiting = queue.Queue()

    async def wait():
        go_on = asyncio.Event()
        waiting.put((asyncio.get_running_loop(), go_on))
        await go_on.wait()
        return "at last"

    peer = start(on_fetch=wait, on_push=asynchronous(lambda: True))
    asker = start(knows=peer)
    with ThreadPoolExecutor() as beside:
        fetched = beside.submit(asker.fetch_data, peer.id)
        its_loop, go_on = waiting.get(timeout=PATIENCE)
        assert asker.push(peer.id) is True
        its_loop.call_soon_threadsafe(go_on.set)
        assert fetched.result() == "at last"


def test_a_callback_that_stops_its_device(start, face):
    stopped = threading.Event()
    peer = start()
    if face == "blocking":
        peer.on("on_data", lambda: (peer.stop(), stopped.set()))
    else:

        async def stop():
            await peer.easy.stop()
            stopped.set()

        peer.on("on_data", stop)
    asker = start(knows=peer)
    asker.send(peer.id, asker.commands.DATA)
    assert stopped.wait(PATIENCE)
    eventually(lambda: not asker.ping(peer.id))
