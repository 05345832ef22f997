"""The class for programs without async."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Iterator, List, Optional, Type, TypeVar, Union

from ._base import Base, table
from ._callbacks import Callback, inside
from ._commands import commands
from ._native import Answer, Many, Presence
from ._outbox import Outbox
from ._types import Device, Interface, Pick, PresenceEvent, Result

Self = TypeVar("Self", bound="EasyHTTP")


class EasyHTTP(Base):
    """A device on the local network, for programs without async.

    It answers others by itself, between the calls that are made on it and while they
    run: callbacks run on threads of their own. Its methods may be called from any
    thread, and from a callback. While they wait, other threads run, and Ctrl-C works.

    ``ping``, ``fetch``, ``push`` and ``send`` say only whether they succeeded, by
    what they return, as those of easyhttp-python do. ``ping_time``, ``fetch_data``,
    ``push_data`` and ``send_command`` raise a `CallFailed` that says why not.

    ::

        with EasyHTTP() as easy:
            if easy.ping("7H8G2K"):
                print(easy.fetch_data("7H8G2K", {"sensor": "temperature"}))
    """

    # ---- starting and stopping ----

    def start(self) -> None:
        """Starts the device. When this returns, its port answers.

        Raises:
            StartError: If it cannot start: `PortInUse`, `DeviceFileError`.
            AlreadyRunning: If it runs.
        """
        pending = self._start()
        try:
            self._started(pending.wait())
        finally:
            self._is_starting = False

    def stop(self) -> None:
        """Says goodbye, frees the port, and waits for the callbacks that still run, for
        5 s at most. Called from a callback, or when the device does not run, it does not
        wait."""
        device = self._stopped()
        if device is not None:
            if not self._is_inside_callback():
                device.stop().wait()
            device.halt()

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()

    # ---- talking: whether it succeeded ----

    def ping(self, device_id: str) -> bool:
        """Asks whether a device is there.

        Args:
            device_id: Its id, six letters or digits.

        Returns:
            True if it answered.

        Raises:
            ValueError: If that is not an id (`InvalidId`).
            NotRunning: If this device does not run. All calls raise these two.
        """
        with self._words.ping(device_id) as told:
            told.value = self.ping_time(device_id)
        return told.value is not None

    def fetch(self, device_id: str, query: Any = None) -> Optional[Dict[str, Any]]:
        """Asks a device for data, and gives its whole answer.

        Args:
            device_id: Its id.
            query: What to ask, anything that JSON can say. None asks without a query.

        Returns:
            The answer: a dictionary with ``type``, ``header`` and ``data``, or with
            ``status`` alone if the device has no data. None if there was no answer.

        Raises:
            TypeError, ValueError: If the query is not what JSON can say. The text has
                the path to what is wrong.
        """
        with self._words.send(device_id) as told:
            told.value = self._send(device_id, commands.FETCH, query, "query").wait()
        return told.value

    def push(self, device_id: str, data: Any = None) -> bool:
        """Sends a command to a device.

        It is sent again when no answer comes, and done once all the same, by devices that
        remember what they had: those of easyhttp-rs, but not of easyhttp-python.

        Args:
            device_id: Its id.
            data: What it is to write or do, anything that JSON can say.

        Returns:
            True if the device accepted it.

        Raises:
            TypeError, ValueError: As `fetch`.
        """
        with self._words.push(device_id) as told:
            self.push_data(device_id, data)
            told.value = True
        return told.value is not None

    def send(
        self, device_id: str, command_type: Union[commands, int], data: Any = None
    ) -> Optional[Dict[str, Any]]:
        """Sends any command, and gives the answer, whichever it is.

        Args:
            device_id: The device's id.
            command_type: One of `commands`, or its number: PING, PONG, FETCH, DATA or
                PUSH.
            data: Anything that JSON can say.

        Returns:
            The answer as a dictionary. None if there was none.

        Raises:
            TypeError, ValueError: As `fetch`, and if that is not a command to send.
        """
        with self._words.send(device_id) as told:
            told.value = self.send_command(device_id, command_type, data)
        return told.value

    # ---- talking: why it failed ----

    def ping_time(self, device_id: str) -> float:
        """Asks whether a device is there, and gives the round trip in seconds.

        Raises:
            CallFailed: Why there is no answer: `UnknownDevice`, `Unreachable`,
                `TimedOut` and the like.
        """
        return self._running().ping(device_id).wait()

    def fetch_data(self, device_id: str, query: Any = None) -> Any:
        """Asks a device for data, and gives the data. None if it has none to give.

        Raises:
            CallFailed: As `ping_time`, and `NoHandler`, `HandlerFailed`, `Busy`.
            TypeError, ValueError: As `fetch`.
        """
        return self._running().fetch(device_id, query).wait()

    def push_data(self, device_id: str, data: Any = None) -> None:
        """Sends a command to a device, and returns when it has accepted it.

        It is sent again as `push` says.

        Raises:
            CallFailed: As `ping_time`, and `Refused` with the device's ``reason``,
                `NoHandler`, `HandlerFailed`, `Busy`.
            TypeError, ValueError: As `fetch`.
        """
        self._running().push(device_id, data).wait()

    def send_command(
        self, device_id: str, command_type: Union[commands, int], data: Any = None
    ) -> Dict[str, Any]:
        """Sends any command, and gives the answer, whichever it is: a NACK is one.

        Raises:
            CallFailed: As `ping_time`.
            TypeError, ValueError: As `send`.
        """
        return self._send(device_id, command_type, data, "data").wait()

    # ---- talking to many ----

    def ping_all(
        self, *, only: Optional[Pick] = None, timeout: Optional[float] = None
    ) -> Dict[str, Result]:
        """Asks all devices that are known whether they are there, at the same time.

        One that is slow or gone delays no other. Right after the start this waits for
        those who are there, for a second in all.

        Args:
            only: Is called with the id and the `Device` of each, and says whether it is
                asked. All are by default.
            timeout: How long all of it may take, in seconds: one deadline for all. By
                default as long as one call may take.

        Returns:
            A `Result` for each device, by its id, in the order of the ids: with the
            round trip in seconds as its ``value``, or with an ``error``.

        Raises:
            TypeError, ValueError: If an argument is of no use.
        """
        return table(self.ping_each(only=only, timeout=timeout))

    def ping_each(
        self, *, only: Optional[Pick] = None, timeout: Optional[float] = None
    ) -> Iterator[Result]:
        """As `ping_all`, but gives each `Result` as soon as it is known, quick devices
        first. Leaving the loop cancels what is still under way."""
        return self._results(self._ping_all(only, timeout), only)

    def fetch_all(
        self,
        query: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> Dict[str, Result]:
        """Asks all devices that are known for data, at the same time; see `ping_all`.

        ::

            for device_id, value, error in easy.fetch_all("temperature").values():
                print(device_id, value if error is None else error)

        Args:
            query: What to ask, anything that JSON can say. None asks without a query.
            only: As in `ping_all`.
            timeout: As in `ping_all`.

        Returns:
            A `Result` for each device: with the data as its ``value``, or with an
            ``error``.

        Raises:
            TypeError, ValueError: As `fetch`, and if an argument is of no use.
        """
        return table(self.fetch_each(query, only=only, timeout=timeout))

    def fetch_each(
        self,
        query: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> Iterator[Result]:
        """As `fetch_all`, but gives each `Result` as soon as it is known, quick devices
        first. Leaving the loop cancels what is still under way."""
        return self._results(self._fetch_all(query, only, timeout), only)

    def push_all(
        self,
        data: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> Dict[str, Result]:
        """Sends a command to all devices that are known, at the same time; see
        `ping_all`.

        Args:
            data: What they are to write or do, anything that JSON can say.
            only: As in `ping_all`.
            timeout: As in `ping_all`.

        Returns:
            A `Result` for each device, without an ``error`` if it has accepted.

        Raises:
            TypeError, ValueError: As `fetch`, and if an argument is of no use.
        """
        return table(self.push_each(data, only=only, timeout=timeout))

    def push_each(
        self,
        data: Any = None,
        *,
        only: Optional[Pick] = None,
        timeout: Optional[float] = None,
    ) -> Iterator[Result]:
        """As `push_all`, but gives each `Result` as soon as it is known, quick devices
        first. Leaving the loop cancels what is still under way."""
        return self._results(self._push_all(data, only, timeout), only)

    def _results(self, many: Many, only: Optional[Pick]) -> Iterator[Result]:
        if only is not None:
            devices = self._running().found().wait()
            many.pick({each for each, device in devices.items() if only(each, device)})
        while True:
            result = many.next().wait()
            if result is None:
                return
            yield Result(*result)

    @property
    def outbox(self) -> Outbox:
        """Commands that wait on disk until their devices are there; see `Outbox`."""
        return Outbox(self)

    # ---- who is there ----

    def find(self, device_id: str, timeout: float = 3.0) -> Device:
        """Waits until a device is known, for `timeout` seconds at most.

        Raises:
            UnknownDevice: If it is not heard in that time.
        """
        return self._find(device_id, timeout).wait()

    def presence(self) -> Iterator[PresenceEvent]:
        """Waits for what happens to devices, one event after the other, until this
        device stops. It begins with those that are here."""
        return self._events(self._running().presence())

    def _events(self, presence: Presence) -> Iterator[PresenceEvent]:
        while True:
            event = presence.next().wait()
            if event is None:
                return
            yield PresenceEvent(*event)

    def interfaces(self) -> List[Interface]:
        """What discovery does on each network interface, for those who ask why two
        devices do not see each other."""
        return self._running().interfaces().wait()

    def start_discovery(self) -> None:
        """Starts to find others and to be found, if it does not already.

        Raises:
            StartError: If the UDP port cannot be used.
        """
        self._start_discovery()

    def stop_discovery(self) -> None:
        """Stops to find others and to be found. Those that are known stay known, and
        keep this device as long as it answers."""
        self._stop_discovery()

    def _call(self, callback: Callback, arguments: Dict[str, Any], answer: Answer) -> None:
        token = inside.set(self)
        try:
            waits = callback.run(arguments, answer)
            if waits is not None:
                from ._loops import run_in_background  # It imports asyncio.

                run_in_background(waits)
        finally:
            inside.reset(token)
