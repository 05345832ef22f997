"""What asyncio's users expect of the async class."""

import asyncio
import threading

import easyhttp_rs
import pytest
from support import LOOPBACK, PATIENCE

NOBODY = "ZZZZZZ"


@pytest.fixture
def asynchronously(faces):
    """Runs a coroutine in a loop of its own, with a function that makes devices."""

    def make(**given):
        return faces.make("async", **given).easy

    def run(scenario):
        return asyncio.run(asyncio.wait_for(scenario(make), PATIENCE))

    yield run
    # Their loops are gone, and the devices were stopped in them.
    faces._made.clear()


def test_a_thousand_pings_at_once(asynchronously):
    async def scenario(make):
        async with make() as peer, make() as asker:
            asker.add(peer.id, "127.0.0.1", peer.port)
            return await asyncio.gather(*(asker.ping(peer.id) for _ in range(1000)))

    assert asynchronously(scenario) == [True] * 1000


def test_the_loop_runs_while_a_call_waits(asynchronously):
    async def scenario(make):
        go_on = asyncio.Event()

        async def wait():
            await go_on.wait()
            return "at last"

        async with make(on_fetch=wait) as peer, make() as asker:
            asker.add(peer.id, "127.0.0.1", peer.port)
            fetched = asyncio.ensure_future(asker.fetch_data(peer.id))
            assert await asker.ping(peer.id)
            assert not fetched.done()
            go_on.set()
            return await fetched

    assert asynchronously(scenario) == "at last"


def test_cancelling_a_task_cancels_the_call(asynchronously):
    """The connection is closed, so whoever answers sees that nobody waits."""

    async def scenario(make):
        closed, asked = asyncio.Event(), asyncio.Event()

        async def listen(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            while await reader.read(1024):
                pass
            writer.close()
            closed.set()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        async with server, make(timeout=3600) as asker:
            asker.add(NOBODY, "127.0.0.1", server.sockets[0].getsockname()[1])
            task = asyncio.ensure_future(asker.ping(NOBODY))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await closed.wait()

    asynchronously(scenario)


def test_wait_for_gives_up(asynchronously):
    async def scenario(make):
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with server, make(timeout=3600) as asker:
            asker.add(NOBODY, "127.0.0.1", server.sockets[0].getsockname()[1])
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asker.fetch_data(NOBODY), 0.05)

    asynchronously(scenario)


def test_devices_of_one_after_another_loop(faces):
    """A device can be called from a loop that is not the one of its start, and then
    calls back there."""
    settings = {"port": 0, "enable_discovery": False, "interfaces": LOOPBACK, "id": "7H8G2K"}
    easy = easyhttp_rs.EasyHTTPAsync(**settings)
    easy.on("on_fetch", lambda: "here")
    asker = faces.make("blocking", timeout=PATIENCE)
    asker.start()

    async def ask():
        assert await easy.ping(NOBODY) is False
        asker.add(easy.id, "127.0.0.1", easy.port)
        return await asyncio.to_thread(asker.fetch_data, easy.id)

    asyncio.run(easy.start())
    assert asyncio.run(ask()) == "here"
    assert asyncio.run(ask()) == "here"
    asyncio.run(easy.stop())


def test_presence_with_async_for(asynchronously):
    async def scenario(make):
        events = []
        async with make(enable_discovery=True) as first:
            second = make(enable_discovery=True)
            await second.start()
            async for event in first.presence():
                events.append((event.event, event.device_id == second.id))
                if event.event == "joined":
                    await second.stop()
                else:
                    break
        return events

    assert asynchronously(scenario) == [("joined", True), ("left", True)]


def test_callbacks_see_the_users_tasks(asynchronously):
    """An async callback is a task of the user's loop, and may wait for others there."""

    async def scenario(make):
        numbers = asyncio.Queue()

        async def next_number():
            return await numbers.get()

        async with make(on_fetch=next_number) as peer, make() as asker:
            asker.add(peer.id, "127.0.0.1", peer.port)
            fetched = asyncio.ensure_future(asker.fetch_data(peer.id))
            await numbers.put(7)
            return await fetched

    assert asynchronously(scenario) == 7


def test_plain_callbacks_run_on_the_users_loop(asynchronously):
    async def scenario(make):
        main = threading.get_ident()
        async with make(on_fetch=lambda: threading.get_ident() == main) as peer:
            async with make() as asker:
                asker.add(peer.id, "127.0.0.1", peer.port)
                return await asker.fetch_data(peer.id)

    assert asynchronously(scenario) is True
