"""A program with types, which mypy --strict has to be content with. It is not run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Dict, List, Optional

import easyhttp_rs
from easyhttp_rs import (
    Device,
    EasyHTTP,
    EasyHTTPAsync,
    Interface,
    OutboxItem,
    PresenceEvent,
    Refused,
    Result,
)


def give(sender_id: Optional[str], query: Any, timestamp: int) -> Dict[str, float]:
    return {"temperature": 23.5}


async def switch(data: Any) -> bool:
    if data not in ("on", "off"):
        raise Refused("state must be on or off")
    return True


def blocking() -> None:
    easy = EasyHTTP(True, 5000, Path("kept.json"), True, peers=["192.168.1.23:5000"], timeout=1)
    easy.on("on_fetch", give)
    easy.on("on_push", switch)

    @easy.on("on_joined")
    def joined(device_id: str, device: Device) -> None:
        address: List[str] = device["addresses"]
        print(device_id, address)

    @easy.on("on_refused")
    def refused_item(item: OutboxItem, error: easyhttp_rs.EasyHTTPError) -> None:
        print(item.number, error.delivery)

    joined("7H8G2K", easy.find("7H8G2K", timeout=1.5))
    with easy as entered:
        online: bool = entered.ping("7H8G2K")
        answer: Optional[Dict[str, Any]] = easy.fetch("7H8G2K", {"sensor": "temperature"})
        accepted: bool = easy.push("7H8G2K", "on")
        sent: Optional[Dict[str, Any]] = easy.send("7H8G2K", easy.commands.DATA, [1])
        took: float = easy.ping_time("7H8G2K")
        number: int = easy.outbox.push("7H8G2K", "on", expires=3600)
        waiting: List[OutboxItem] = easy.outbox.list()
        print(number, waiting, easy.outbox.cancel(number) or easy.outbox.flush() > 0)
        devices: Dict[str, Device] = easy.devices
        table: Dict[str, Result] = easy.fetch_all("t", only=lambda _, device: device["port"] > 0)
        errors = [result.error for result in easy.push_each("on", timeout=2) if result.error]
        print(table, [error.device_id for error in errors])
        events: List[PresenceEvent] = list(easy.presence())
        interfaces: List[Interface] = easy.interfaces()
        print(online, answer, accepted, sent, took, devices, events, interfaces, easy.id)
    try:
        easy.fetch_data("7H8G2K")
    except easyhttp_rs.Refused as refused:
        reason: Optional[str] = refused.reason
        print(reason)
    except easyhttp_rs.UnknownDevice as unknown:
        known: List[str] = unknown.known
        print(known)


async def asynchronous() -> None:
    async with EasyHTTPAsync(port=None, outbox_file=Path("box"), durable="run_again") as easy:
        outbox: easyhttp_rs.OutboxAsync = easy.outbox
        number: int = await outbox.push("7H8G2K")
        print([item.tries for item in await outbox.list()], await outbox.cancel(number))
        results = await asyncio.gather(easy.ping("AAAAAA"), easy.ping("BBBBBB"))
        async for result in easy.ping_each():
            device_id: str = result.device_id
            print(device_id, len(await easy.fetch_all()))
        async for event in easy.presence():
            name: str = event.event
            print(name, all(results))
