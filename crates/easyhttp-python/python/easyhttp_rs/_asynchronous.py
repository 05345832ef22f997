"""The class for asyncio."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, AsyncIterator, Dict, List, Optional, Set, Type, TypeVar, Union

from ._base import Base, table
from ._callbacks import Callback, inside
from ._commands import commands
from ._loops import Loop
from ._native import Answer, Many, Presence
from ._outbox import OutboxAsync
from ._types import Device, Interface, Pick, PresenceEvent, Result

Self = TypeVar("Self", bound="EasyHTTPAsync")


class EasyHTTPAsync(Base):
    """A device on the local network, for asyncio.

    It has the methods of `EasyHTTP`, to be awaited, and all that is said there holds
    here. Cancelling a call gives it up: what it asked for may have been done.

    Callbacks run on the event loop in which the device was started, those that are
    ``async def`` as tasks. A plain one that blocks holds up that loop.

    ::

        async with EasyHTTPAsync() as easy:
            if await easy.ping("7H8G2K"):
                print(await easy.fetch_data("7H8G2K", {"sensor": "temperature"}))
    """

    _loop: Optional[Loop] = None

    # ---- starting and stopping ----

    async def start(self) -> None:
        """Starts the device. When this returns, its port answers.

        Raises:
            StartError: If it cannot start: `PortInUse`, `DeviceFileError`.
            AlreadyRunning: If it runs.
        """
        loop = Loop(asyncio.get_running_loop())
        pending = self._start(loop.events())
        try:
            self._loop = loop
            self._tasks: Set["asyncio.Task[None]"] = set()
            self._started(await loop.run(pending))
        finally:
            self._is_starting = False

    async def stop(self) -> None:
        """Says goodbye, frees the port, and waits for the callbacks that still run, for
        5 s at most. Called from a callback, or when the device does not run, it does not
        wait."""
        device = self._stopped()
        if device is not None:
            try:
                if not self._is_inside_callback():
                    await self._here().run(device.stop())
            finally:
                device.halt()

    async def __aenter__(self: Self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.stop()

    # ---- talking: whether it succeeded ----

    async def ping(self, device_id: str) -> bool:
        """Asks whether a device is there; see `EasyHTTP.ping`."""
        with self._words.ping(device_id) as told:
            told.value = await self.ping_time(device_id)
        return told.value is not None

    async def fetch(self, device_id: str, query: Any = None) -> Optional[Dict[str, Any]]:
        """Asks a device for data, and gives its whole answer; see `EasyHTTP.fetch`."""
        with self._words.send(device_id) as told:
            told.value = await self._here().run(
                self._send(device_id, commands.FETCH, query, "query")
            )
        return told.value

    async def push(self, device_id: str, data: Any = None) -> bool:
        """Sends a command to a device; see `EasyHTTP.push`."""
        with self._words.push(device_id) as told:
            await self.push_data(device_id, data)
            told.value = True
        return told.value is not None

    async def send(
        self, device_id: str, command_type: Union[commands, int], data: Any = None
    ) -> Optional[Dict[str, Any]]:
        """Sends any command, and gives the answer; see `EasyHTTP.send`."""
        with self._words.send(device_id) as told:
            told.value = await self.send_command(device_id, command_type, data)
        return told.value

    # ---- talking: why it failed ----

    async def ping_time(self, device_id: str) -> float:
        """Gives the round trip in seconds; see `EasyHTTP.ping_time`."""
        return await self._here().run(self._running().ping(device_id))

    async def fetch_data(self, device_id: str, query: Any = None) -> Any:
        """Asks a device for data, and gives the data; see `EasyHTTP.fetch_data`."""
        return await self._here().run(self._running().fetch(device_id, query))

    async def push_data(self, device_id: str, data: Any = None) -> None:
        """Returns when the device has accepted; see `EasyHTTP.push_data`."""
        await self._here().run(self._running().push(device_id, data))

    async def send_command(
        self, device_id: str, command_type: Union[commands, int], data: Any = None
    ) -> Dict[str, Any]:
        """Sends any command, and gives the answer; see `EasyHTTP.send_command`."""
        pending = self._send(device_id, command_type, data, "data")
        return await self._here().run(pending)

    # ---- talking to many ----

    async def ping_all(
        self, *, only: Optional[Pick] = None, timeout: Optional[float] = None
    ) -> Dict[str, Result]:
        """Asks all devices whether they are there; see `EasyHTTP.ping_all`."""
        each = self.ping_each(only=only, timeout=timeout)
        return table([result async for result in each])

    def ping_each(
        self, *, only: Optional[Pick] = None, timeout: Optional[float] = None
    ) -> AsyncIterator[Result]:
        """As `ping_all`, for ``async for``; see `EasyHTTP.ping_each`."""
        return self._results(self._ping_all(only, timeout), only)

    async def fetch_all(
        self,
        query: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> Dict[str, Result]:
        """Asks all devices for data; see `EasyHTTP.fetch_all`."""
        each = self.fetch_each(query, only=only, timeout=timeout)
        return table([result async for result in each])

    def fetch_each(
        self,
        query: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[Result]:
        """As `fetch_all`, for ``async for``; see `EasyHTTP.fetch_each`."""
        return self._results(self._fetch_all(query, only, timeout), only)

    async def push_all(
        self,
        data: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> Dict[str, Result]:
        """Sends a command to all devices; see `EasyHTTP.push_all`."""
        each = self.push_each(data, only=only, timeout=timeout)
        return table([result async for result in each])

    def push_each(
        self,
        data: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[Result]:
        """As `push_all`, for ``async for``; see `EasyHTTP.push_each`."""
        return self._results(self._push_all(data, only, timeout), only)

    async def _results(self, many: Many, only: Optional[Pick]) -> AsyncIterator[Result]:
        if only is not None:
            devices = await self._here().run(self._running().found())
            many.pick({each for each, device in devices.items() if only(each, device)})
        while True:
            result = await self._here().run(many.next())
            if result is None:
                return
            yield Result(*result)

    @property
    def outbox(self) -> OutboxAsync:
        """Commands that wait on disk until their devices are there; see `Outbox`."""
        return OutboxAsync(self)

    # ---- who is there ----

    async def find(self, device_id: str, timeout: float = 3.0) -> Device:
        """Waits until a device is known; see `EasyHTTP.find`."""
        return await self._here().run(self._find(device_id, timeout))

    def presence(self) -> AsyncIterator[PresenceEvent]:
        """Gives what happens to devices, for ``async for``; see `EasyHTTP.presence`."""
        return self._events(self._running().presence())

    async def _events(self, presence: Presence) -> AsyncIterator[PresenceEvent]:
        while True:
            event = await self._here().run(presence.next())
            if event is None:
                return
            yield PresenceEvent(*event)

    async def interfaces(self) -> List[Interface]:
        """What discovery does on each network interface; see `EasyHTTP.interfaces`."""
        return await self._here().run(self._running().interfaces())

    async def start_discovery(self) -> None:
        """Starts to find others and to be found; see `EasyHTTP.start_discovery`."""
        self._start_discovery()

    async def stop_discovery(self) -> None:
        """Stops to find others and to be found; see `EasyHTTP.stop_discovery`."""
        self._stop_discovery()

    def _here(self) -> Loop:
        """The loop that waits now: mostly the one of the start."""
        running = asyncio.get_running_loop()
        if self._loop is None or self._loop.loop.is_closed():
            self._loop = Loop(running, self._mailbox)
        return self._loop if self._loop.loop is running else Loop(running)

    def _call(self, callback: Callback, arguments: Dict[str, Any], answer: Answer) -> None:
        if self._mailbox is not None:
            self._run(callback, arguments, answer)
            return
        loop = self._loop
        try:
            assert loop is not None, "it was started"
            loop.loop.call_soon_threadsafe(self._run, callback, arguments, answer)
        except RuntimeError:
            answer.fail("its event loop is closed")

    def _run(self, callback: Callback, arguments: Dict[str, Any], answer: Answer) -> None:
        # The loop calls this in a context of its own, so there is nothing to reset.
        inside.set(self)
        waits = callback.run(arguments, answer)
        if waits is not None:
            task = asyncio.ensure_future(waits)
            # The loop holds tasks weakly.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
