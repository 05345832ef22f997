"""The user's functions: what they are called with, and what becomes of what they
return."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from types import FunctionType
from typing import Any, Awaitable, Callable, Coroutine, Dict, Optional, Tuple

from ._errors import Refused
from ._native import Answer

log = logging.getLogger("easyhttp_rs")

#: The events, and what a callback for each is given, by name.
EVENTS: Dict[str, Tuple[str, ...]] = {
    "on_ping": ("sender_id", "timestamp"),
    "on_pong": ("sender_id", "timestamp"),
    "on_fetch": ("sender_id", "query", "timestamp"),
    "on_data": ("sender_id", "data", "timestamp"),
    "on_push": ("sender_id", "data", "timestamp"),
    "on_joined": ("device_id", "device"),
    "on_left": ("device_id", "device"),
    "on_lost": ("device_id", "device"),
    "on_moved": ("device_id", "device", "old_address"),
    "on_duplicate_id": ("here", "there"),
    "on_identity_changed": ("device_id", "address"),
    "on_delivered": ("device_id", "data", "item"),
    "on_refused": ("device_id", "data", "item", "error"),
    "on_expired": ("device_id", "data", "item"),
}

#: The events of requests, whose callbacks may ask for the sender's address as well.
REQUESTS = ("on_ping", "on_pong", "on_fetch", "on_data", "on_push")

#: What most callbacks return, and nobody awaits.
PLAIN = frozenset((type(None), bool, int, float, str, list, dict))

#: The device whose callback runs, in the callback and in what it starts.
inside: "ContextVar[Optional[object]]" = ContextVar("easyhttp_rs_inside", default=None)


class Callback:
    """A function of the user's, which is called with those arguments that it takes."""

    def __init__(self, event: str, function: Callable[..., Any]) -> None:
        check_event(event)
        if not callable(function):
            raise TypeError(
                f"the callback for {event} must be a function, not {function!r}"
            )
        self.event = event
        self.function = function
        self.names = _accepted(event, function)

    def __call__(self, arguments: Dict[str, Any]) -> Any:
        return self.function(**{name: arguments[name] for name in self.names})

    def run(
        self, arguments: Dict[str, Any], answer: Answer
    ) -> Optional[Coroutine[Any, Any, None]]:
        """Calls the function and gives its answer. If it has to be awaited for that,
        this gives what is to be awaited."""
        try:
            returned = self(arguments)
            if type(returned) not in PLAIN:
                import inspect  # Most do without, and it is a megabyte.

                if inspect.isawaitable(returned):
                    return self._wait(returned, answer)
            self._answer(returned, answer)
        except BaseException as error:
            self._failed(error, answer)
        return None

    async def _wait(self, awaitable: Awaitable[Any], answer: Answer) -> None:
        import asyncio  # What does not wait does without.

        try:
            self._answer(await awaitable, answer)
        except asyncio.CancelledError:
            answer.fail("it was cancelled")
            raise
        except BaseException as error:
            self._failed(error, answer)

    def _answer(self, returned: Any, answer: Answer) -> None:
        if self.event == "on_fetch":
            answer.data(returned)
        elif self.event != "on_push":
            answer.done()
        elif returned:
            answer.accept()
        else:
            answer.refuse(None)

    def _failed(self, error: BaseException, answer: Answer) -> None:
        if self.event == "on_push" and isinstance(error, Refused):
            answer.refuse(_text(error) or None)
            return
        log.error("the callback for %s failed", self.event, exc_info=error)
        kind, text = type(error).__name__, _text(error)
        answer.fail(f"{kind}: {text}" if text else kind)


def _text(error: BaseException) -> str:
    """What an exception says, as a message can carry it. The user's may fail at that, or
    have half a character, which is no UTF-8."""
    try:
        return str(error).encode("utf-8", "replace").decode()
    except Exception:
        return ""


def check_event(event: str) -> None:
    if event not in EVENTS:
        raise ValueError(f"unknown event {event!r}: the events are {', '.join(EVENTS)}")


def _named(function: Callable[..., Any]) -> Optional[Tuple[str, ...]]:
    """The names of the arguments of a function that takes them all by name. None if
    that takes a closer look."""
    stars = 0x04 | 0x08  # CO_VARARGS and CO_VARKEYWORDS
    if type(function) is not FunctionType or vars(function):
        return None
    code = function.__code__
    if code.co_flags & stars or code.co_posonlyargcount:
        return None
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _accepted(event: str, function: Callable[..., Any]) -> Tuple[str, ...]:
    """The names of the arguments that a function takes, of those that there are."""
    given = EVENTS[event]
    optional = ("address",) if event in REQUESTS else ()
    named = _named(function)
    if named is not None and all(name in given + optional for name in named):
        return tuple(name for name in given + optional if name in named)
    import inspect  # Only for those that take something else.

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given  # A function of C that does not say what it takes.
    by_name = {
        parameter.name: parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    for parameter in parameters:
        is_free = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        is_given = parameter.name in by_name and parameter.name in given + optional
        if not is_free and not is_given and parameter.default is parameter.empty:
            raise TypeError(
                f"the callback for {event} takes {parameter.name!r}, which there is not: "
                f"it is given {', '.join(given + optional)}, by name"
            )
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    return tuple(name for name in given if takes_all or name in by_name) + tuple(
        name for name in optional if name in by_name
    )
