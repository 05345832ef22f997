"""What the two classes share: all that does not wait."""

from __future__ import annotations

import functools
import os
import sys
import weakref
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Literal,
    Optional,
    Set,
    TypeVar,
    Union,
    overload,
)

from . import _checks as checks
from . import _keys, _native, _workers
from ._callbacks import Callback, check_event, inside
from ._commands import commands
from ._errors import AlreadyRunning, NoNetworkKey, NoOutbox, NotRunning
from ._types import Device, Pick, Result
from ._words import PORT, Words

#: What is always listened for, for the log.
PRESENCE = (
    "on_joined",
    "on_left",
    "on_lost",
    "on_moved",
    "on_duplicate_id",
    "on_identity_changed",
)

#: What `durable` may be.
DURABLE = ("unknown", "run_again")

F = TypeVar("F", bound=Callable[..., Any])


class Base:
    #: The commands of the protocol: ``easy.commands.PUSH``.
    commands = commands
    #: The version of this package.
    __version__ = _native.__version__

    def __init__(
        self,
        debug: bool = False,
        port: Optional[int] = 5000,
        config_file: Union[str, "os.PathLike[str]", None] = None,
        enable_discovery: bool = True,
        *,
        id: Optional[str] = None,
        address: Optional[str] = None,
        timeout: float = 3.0,
        peers: Iterable[str] = (),
        discovery_port: int = PORT,
        announce_interval: float = 5.0,
        interfaces: Iterable[str] = (),
        all_interfaces: bool = False,
        dns_sd: bool = True,
        sweep: bool = False,
        allow_origins: Iterable[str] = (),
        host_names: Iterable[str] = (),
        network_key: Union[str, Iterable[str], None] = None,
        encrypt: bool = False,
        device_key: Union[str, "os.PathLike[str]", None] = None,
        allow_legacy: bool = False,
        outbox_file: Union[str, "os.PathLike[str]", None] = None,
        outbox_items: int = 10_000,
        outbox_bytes: int = 64 * 1024 * 1024,
        durable: Optional[Literal["unknown", "run_again"]] = None,
    ) -> None:
        """Sets a device up. `start` starts it.

        Args:
            debug: Say what happens, to the logger ``easyhttp_rs`` at the level INFO.
                If nobody has set up `logging`, it is printed to standard error.
            port: The TCP port to answer on, 5000 by default. 0 picks one that is free.
                None answers nobody: such a device only asks.
            config_file: The file that keeps the device's id, made at the first start.
                ``easyhttp_device.json`` beside the program by default, in the current
                folder where there is no program.
            enable_discovery: Find others, and be found. On by default.
            id: Use this id and no file.
            address: The IP address of this machine to answer on. All by default.
            timeout: How long a whole call may take, in seconds. 3 by default.
            peers: Where devices are, as ``"192.168.1.23:5000"`` or
                ``"kitchen.example:5000"``, for networks on which multicast does not
                pass. They are asked for their ids, and for the devices they know.
            discovery_port: The UDP port of discovery. Devices find those that have the
                same: 37020, unless all of yours have another.
            announce_interval: How often to announce this device, in seconds, from 1 to
                3600; 5 by default. Others notice after about twice this time that it
                is gone.
            interfaces: The names of the network interfaces to find others on. By
                default all but those of containers, virtual machines and tunnels. One
                that is not there yet is used as soon as it comes; at the start
                ``logging`` warns of it, as it may be misspelt.
            all_interfaces: Find others on those as well.
            dns_sd: Find others by DNS-SD as well, and be found. On by default.
            sweep: Ask every address of the networks that this machine is on. Off by
                default: to those who watch a network it looks like an attack.
            allow_origins: The web pages that may send commands to this device, by
                their origin: ``"http://panel.local:8080"``. None by default.
            host_names: Names by which this device may be addressed, beside its IP
                addresses and ``localhost``.
            network_key: What the devices of a network share, as `new_network_key` or
                ``easyhttp key new`` makes it. The device proves to others that it has
                it, and hears only those who prove the same. Of several, the first one
                signs, and all are accepted; see `set_network_keys`. None by default.
            encrypt: Encrypt what is said over HTTP. It needs a network key, and
                everybody who has that can read it. Ids, addresses, sizes and times can
                be seen by all. Off by default.
            device_key: The file of a key of its own, made at the first start and kept
                from other users. Who knows the device by its key takes no other one
                for it, and so does this device with others. It needs a network key.
                None by default.
            allow_legacy: Listen to devices without a network key as well, such as those
                of easyhttp-python. Then anybody on the network can command this device,
                as if it had no key. Off by default.
            outbox_file: The file of the `outbox`, made when something is put in; only its
                owner can read it. By default it is beside the `config_file`, with the
                name ``.NAME.outbox``; a device with an `id` has one only if this says
                where. No two devices may have the same.
            outbox_items: How many items wait there at once, 10,000 by default. Then
                another one raises `OutboxFull`.
            outbox_bytes: How many bytes of JSON their data may have together, 64 MiB by
                default.
            durable: Remember on disk which PUSHes the device has done, in
                ``.NAME.pushes`` beside the `config_file`, or beside the `outbox_file` of a
                device with an `id`, so that one that is sent again after a restart of
                this program is not done again. A PUSH then waits for the disk. This says
                what is to become of one that was being done when the program was killed:
                ``"unknown"``, it is not done again, and its sender is told that nobody
                knows; or ``"run_again"``, for what may be done twice.
                None by default: a device that was restarted refuses what it may have done
                before.

        Raises:
            TypeError, ValueError: If an argument is none of these (`InvalidId`,
                `InvalidKey`), or if `encrypt` or `device_key` lacks a network key
                (`NoNetworkKey`), or if `durable` has no file beside which to remember
                (`NoOutbox`).
        """
        self._settings: Dict[str, Any] = {
            "port": None if port is None else checks.integer("port", port, 0, 65535),
            "address": None if address is None else checks.ip("address", address),
            "config_file": checks.config_file(config_file),
            "id": None if id is None else _native.check_id(id),
            "enable_discovery": bool(enable_discovery),
            "discovery_port": checks.integer("discovery_port", discovery_port, 1, 65535),
            "announce_interval": checks.interval("announce_interval", announce_interval),
            "interfaces": checks.texts("interfaces", interfaces),
            "all_interfaces": bool(all_interfaces),
            "peers": checks.texts("peers", peers),
            "dns_sd": bool(dns_sd),
            "sweep": bool(sweep),
            "allow_origins": checks.texts("allow_origins", allow_origins),
            "host_names": checks.texts("host_names", host_names),
            "network_keys": _keys.checked(network_key),
            "encrypt": bool(encrypt),
            "device_key": None if device_key is None else os.fspath(device_key),
            "allow_legacy": bool(allow_legacy),
            "timeout": checks.seconds("timeout", timeout),
            "outbox_file": None if outbox_file is None else os.fspath(outbox_file),
            "outbox_items": checks.integer("outbox_items", outbox_items, 0, sys.maxsize),
            "outbox_bytes": checks.integer("outbox_bytes", outbox_bytes, 0, sys.maxsize),
            "durable": checks.word("durable", durable, DURABLE),
        }
        for name, given in (("encrypt", encrypt), ("device_key", device_key)):
            if given and not self._settings["network_keys"]:
                raise NoNetworkKey(f"{name} needs a network key: give it by network_key")
        if durable is not None and id is not None and outbox_file is None:
            raise NoOutbox("durable needs a file to remember beside: give outbox_file")
        self._debug = bool(debug)
        self._words = Words(self._debug)
        self._callbacks: Dict[str, Callback] = {}
        #: What `add` has named, for each start.
        self._added: Dict[str, str] = {}
        #: The device, once it has been started.
        self._device: Optional[_native.Device] = None
        #: Where an event loop is told of events. None: `_workers` are.
        self._mailbox: Optional[_native.Mailbox] = None
        #: The events that it listens for.
        self._listened: Set[str] = set()
        self._is_starting = False
        self._is_running = False

    # ---- who am I ----

    @property
    def id(self) -> str:
        """The device's name. Empty before its first start, if it has none yet."""
        if self._device is not None:
            return self._device.id
        return self._settings["id"] or _stored_id(self._settings["config_file"])

    @property
    def port(self) -> int:
        """The TCP port on which the device answers. 0 if it only asks, or has not been
        started with the port that it will pick."""
        port = self._settings["port"] if self._device is None else self._device.port
        return port or 0

    @property
    def debug(self) -> bool:
        """Whether it says what happens."""
        return self._debug

    @property
    def config_file(self) -> str:
        """The file that keeps the device's id."""
        return str(self._settings["config_file"])

    @property
    def enable_discovery(self) -> bool:
        """Whether it finds others, and is found."""
        return bool(self._settings["enable_discovery"])

    # ---- who is there ----

    @property
    def devices(self) -> Dict[str, Device]:
        """The devices that are known, by their ids: a new dictionary each time.

        Each is a dictionary with ``ip``, ``port``, ``last_seen``, ``added_manually``
        and what else `Device` lists.
        """
        if self._device is not None:
            return self._device.devices()
        return {device_id: _added(address) for device_id, address in self._added.items()}

    def get_discovered(self) -> List[str]:
        """The ids of the devices that announced themselves."""
        return [] if self._device is None else self._device.discovered()

    def add(self, device_id: str, device_ip: str, device_port: int) -> None:
        """Names the address of a device, as discovery would. Before the start or after;
        it stays named when this device is stopped and started again.

        Args:
            device_id: Its id, six letters or digits.
            device_ip: Its IP address. A name is looked up. A link-local one of IPv6 has
                the interface: ``fe80::1%eth0``.
            device_port: Its TCP port.

        Raises:
            ValueError: If that is not an id (`InvalidId`), or not an address of one
                device (`InvalidAddress`).
            OwnId: If it is this device's own.
        """
        device_id = _native.check_id(device_id)
        address = checks.address(device_ip, device_port)
        _native.check_address(address)
        if self._is_running:
            self._running().add(device_id, address)
        # It is for the next start, too.
        self._added[device_id] = address
        self._words.say(f"Added device {device_id}: {device_ip}:{device_port}")

    def remove(self, device_id: str) -> bool:
        """Forgets a device, and says whether it was known. It comes back when it is
        heard again.

        Raises:
            ValueError: If that is not an id (`InvalidId`).
        """
        was_added = self._added.pop(_native.check_id(device_id), None) is not None
        return (self._is_running and self._running().remove(device_id)) or was_added

    def _find(self, device_id: str, timeout: float) -> _native.Pending[Device]:
        return self._running().find(device_id, checks.seconds("timeout", timeout))

    def _start_discovery(self) -> None:
        self._running().start_discovery()
        self._settings["enable_discovery"] = True
        self._words.say("Enabled discovery")

    def _stop_discovery(self) -> None:
        self._running().stop_discovery()
        self._settings["enable_discovery"] = False
        self._words.say("Disabled discovery")

    # ---- security, and what has happened ----

    def set_network_keys(self, network_keys: Iterable[str]) -> None:
        """Gives the device other network keys, from now on; also while it runs.

        The first one signs, all of them are accepted. So a key is changed while devices
        go on talking: ``[new, old]`` to each, one after the other, and when all have
        both, ``[new]``.

        Raises:
            TypeError, ValueError: If one is no network key (`InvalidKey`).
            NoNetworkKey: If there are none, or if the device runs without one.
        """
        keys = _keys.checked(network_keys)
        if not keys:
            raise NoNetworkKey("there are no network keys in the list: give at least one")
        if self._is_running:
            self._running().set_network_keys(keys)
        self._settings["network_keys"] = keys

    def stats(self) -> Dict[str, int]:
        """What the device has done and refused since it started, counted: a new
        dictionary each time, with keys such as ``requests_answered`` and
        ``unauthenticated``. After it has stopped, too.

        Raises:
            NotRunning: If it has not been started.
        """
        if self._device is None:
            raise NotRunning("the device has not been started: call start() first")
        return self._device.stats()

    # ---- events ----

    @overload
    def on(self, event: str) -> Callable[[F], F]: ...

    @overload
    def on(self, event: str, callback_func: Callable[..., Any]) -> None: ...

    def on(self, event: str, callback_func: Any = ...) -> Any:
        """Has a function called for an event, from now on; before the start or after.
        It replaces the one that was. Also as a decorator: ``@easy.on("on_fetch")``.

        =======================  ==================================================
        event                    what the function is given, by name
        =======================  ==================================================
        ``on_ping``              ``sender_id, timestamp``
        ``on_pong``              ``sender_id, timestamp``
        ``on_fetch``             ``sender_id, query, timestamp``; returns the data
        ``on_data``              ``sender_id, data, timestamp``
        ``on_push``              ``sender_id, data, timestamp``; returns whether it
                                 accepts, or raises `Refused` with a reason
        ``on_joined``            ``device_id, device``: a device is here
        ``on_left``              ``device_id, device``: it said goodbye
        ``on_lost``              ``device_id, device``: it is gone without one
        ``on_moved``             ``device_id, device, old_address``
        ``on_duplicate_id``      ``here, there``: another device has our id
        ``on_identity_changed``  ``device_id, address``: it has another `device_key`
        ``on_delivered``         ``device_id, data, item``: a device has accepted an
                                 item of the `outbox`
        ``on_refused``           ``device_id, data, item, error``: it has not, or nobody
                                 will ever know; ``error.delivery`` says which
        ``on_expired``           ``device_id, data, item``: it was not delivered in its
                                 time
        =======================  ==================================================

        A function takes those that it wants. The first five may also take
        ``address``, where the sender speaks from. ``timestamp`` is in seconds since
        1970, by the sender's clock; it and ``sender_id`` are None if the sender did not
        say them. ``device`` is a `Device`, ``item`` an `OutboxItem`, and ``error`` the
        exception that `push_data` would have raised.

        It may be an ``async def``. An exception in it is logged, and the sender is
        told that it failed. The sender waits 2.5 s at most.

        Raises:
            ValueError: If there is no such event.
            TypeError: If it is no function, or takes what it is not given.
        """
        if callback_func is ...:
            check_event(event)

            def decorate(function: F) -> F:
                self.on(event, function)
                return function

            return decorate
        self._callbacks[event] = Callback(event, callback_func)
        if self._is_running:
            self._listen(self._running())
        return None

    def _listen(self, device: _native.Device) -> None:
        """Listens for what it does not listen for yet."""
        for event in set(self._callbacks) - self._listened:
            self._listened.add(event)
            device.listen(event, self._receiver(), self._mailbox)

    def _receiver(self) -> Callable[..., None]:
        # It does not hold the device: one that is held by its own callback alone can
        # be collected.
        return functools.partial(_receive, weakref.ref(self))

    def _receive(
        self, event: str, arguments: Dict[str, Any], answer: _native.Answer
    ) -> None:
        """Called by the event loop, or by a thread of `_workers`."""
        if event in PRESENCE and self._words.are_heard():
            self._words.happened(event, arguments)
        callback = self._callbacks.get(event)
        if callback is None:
            answer.done()
        else:
            self._call(callback, arguments, answer)

    def _call(
        self, callback: Callback, arguments: Dict[str, Any], answer: _native.Answer
    ) -> None:
        raise NotImplementedError

    # ---- starting and stopping ----

    def _start(
        self, mailbox: Optional[_native.Mailbox] = None
    ) -> _native.Pending[_native.Device]:
        if self._is_running or self._is_starting:
            raise AlreadyRunning(f"the device {self.id} is running already")
        _workers.start()
        self._mailbox = mailbox
        self._listened = {*self._callbacks, *PRESENCE}
        pending = _native.Device.start(
            self._settings, self._receiver(), mailbox, list(self._listened)
        )
        self._is_starting = True
        return pending

    def _started(self, device: _native.Device) -> None:
        for device_id, address in list(self._added.items()):
            if device_id != device.id:
                device.add(device_id, address)
        self._device = device
        self._is_running = True
        self._listen(device)
        _workers.running.add(self)
        if self._words.are_heard():
            self._words.started(device, self._settings)

    def _stopped(self) -> Optional[_native.Device]:
        """The device, if it has to be stopped."""
        was_running, self._is_running = self._is_running, False
        _workers.running.discard(self)
        return self._device if was_running else None

    def _halt(self) -> None:
        """Stops without waiting."""
        device = self._stopped()
        if device is not None:
            device.halt()

    def _is_inside_callback(self) -> bool:
        return inside.get() is self

    def _running(self) -> _native.Device:
        if self._device is None:
            raise NotRunning("the device has not been started: call start() first")
        if not self._is_running:
            raise NotRunning(f"the device {self.id} has been stopped")
        return self._device

    # ---- talking ----

    def _send(
        self, device_id: str, command: Any, data: Any, name: str
    ) -> _native.Pending[Dict[str, Any]]:
        number = command.value if isinstance(command, commands) else command
        checks.integer("command_type", number, 1, len(commands))
        return self._running().send(device_id, number, data, name)

    def _ping_all(
        self, only: Optional[Pick], timeout: Optional[float]
    ) -> _native.Many:
        timeout = checks.many(only, timeout)
        return self._running().ping_all(timeout)

    def _fetch_all(
        self, query: Any, only: Optional[Pick], timeout: Optional[float]
    ) -> _native.Many:
        timeout = checks.many(only, timeout)
        return self._running().fetch_all(query, timeout)

    def _push_all(
        self, data: Any, only: Optional[Pick], timeout: Optional[float]
    ) -> _native.Many:
        timeout = checks.many(only, timeout)
        return self._running().push_all(data, timeout)

    def __repr__(self) -> str:
        state = f"on port {self.port}" if self._is_running else "not running"
        return f"<{type(self).__name__} {self.id or 'without id'}, {state}>"


def _receive(
    device: "weakref.ref[Base]",
    event: str,
    arguments: Dict[str, Any],
    answer: _native.Answer,
) -> None:
    alive = device()
    if alive is None:
        answer.fail("the device is gone")
    else:
        alive._receive(event, arguments, answer)


def _added(address: str) -> Device:
    ip, _, port = address.rpartition(":")
    return {
        "ip": ip.strip("[]"),
        "port": int(port),
        "last_seen": 0.0,
        "added_manually": True,
        "addresses": [address],
        "source": "added",
        "version": None,
    }


def _stored_id(config_file: str) -> str:
    """The id that the device will have. What is wrong with the file, the start says."""
    import json  # The library reads the file itself; few ask before.

    try:
        with open(config_file, encoding="utf-8") as file:
            return _native.check_id(json.load(file)["device_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def table(results: Iterable[Result]) -> Dict[str, Result]:
    """In the order of the ids."""
    by_id = {result.device_id: result for result in results}
    return {device_id: by_id[device_id] for device_id in sorted(by_id)}
