# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resizes and questions under way, and how their news reach the thread that waits for them.

Here and in the other modules, the functions that need asyncio import it: it would take half of the
time of `import memctl`, and whoever awaits them has it anyway.
"""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Generic, Protocol, SupportsIndex, TypeVar

from . import _core
from .errors import Cancelled, Error, HostClosed, explain_bytes
from .records import DomainIdentity, Event, Report

if TYPE_CHECKING:
    import asyncio

EventCallback = Callable[[Event], object]
Answer = TypeVar("Answer")

log = logging.getLogger("memctl")

#: Python runs its signal handlers only on the main thread, between two waits. If another thread
#: received the signal, the main thread notices it after at most so long.
SLICE_MS = 200


class Listener(Protocol):
    """What a switchboard passes news on to."""

    def tell(self, event: Event) -> None:
        """Takes an event."""

    def end(self, news: Any) -> None:
        """Takes the end: a result, or an `Error`."""


class Switchboard:
    """Passes the news of a channel on to its listeners.

    The library's threads write to the channel, which makes its file descriptor readable. `deliver`
    runs on the thread that waits for the file descriptor.
    """

    def __init__(self) -> None:
        self.channel = _core.Channel()
        self.listeners: dict[int, Listener] = {}

    def deliver(self) -> None:
        """Passes on all news. An exception may end this anywhere; no end of a resize is lost."""
        while (first := self.channel.first()) is not None:
            number, news = first
            listener = self.listeners.get(number)
            if isinstance(news, Event):
                self.channel.remove_first()
                if listener is not None:
                    listener.tell(news)
                continue
            if listener is not None:
                listener.end(news)
            self.listeners.pop(number, None)
            self.channel.remove_first()

    def deliver_until(self, ended: Callable[[], bool]) -> None:
        """Waits and passes on news, until `ended()` is true. Signals interrupt it."""
        readable = select.poll()
        readable.register(self.channel.fileno(), select.POLLIN)
        while not ended():
            if readable.poll(SLICE_MS):
                self.deliver()

    def ask_all(self, questions: Iterable[Callable[[_core.Channel], int]]) -> list[Any]:
        """Asks questions of the core at once, and waits for all answers, which may be errors."""
        asked = []
        for question in questions:
            answer = Answered()
            self.listeners[question(self.channel)] = answer
            asked.append(answer)
        self.deliver_until(lambda: not self.listeners)
        return [answer.news for answer in asked]


class LoopSwitchboard(Switchboard):
    """The switchboard of an event loop. It is in `others` while it has listeners."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        others: dict[asyncio.AbstractEventLoop, LoopSwitchboard],
    ) -> None:
        super().__init__()
        self._loop = loop
        self._others = others

    def add(self, number: int, listener: Listener) -> None:
        """Adds a listener. Only the loop's thread may call this."""
        if not self.listeners:
            self._loop.add_reader(self.channel.fileno(), self.deliver)
            self._others[self._loop] = self
        self.listeners[number] = listener

    def remove(self, number: int) -> None:
        """Removes a listener. Its news are dropped. Only the loop's thread may call this."""
        if self.listeners.pop(number, None) is not None:
            self._stop_after_the_last()

    def deliver(self) -> None:
        """Passes on all news, and stops reading the channel after the last listener."""
        super().deliver()
        self._stop_after_the_last()

    async def ask(self, question: Callable[[_core.Channel], int], _: type[Answer]) -> Answer:
        """Asks a question of the core, and waits for its answer."""
        number = question(self.channel)
        asked: Question[Answer] = Question(self._loop.create_future())
        self.add(number, asked)
        try:
            return await asked.answer
        finally:
            self.remove(number)

    def _stop_after_the_last(self) -> None:
        if not self.listeners:
            self._loop.remove_reader(self.channel.fileno())
            self._others.pop(self._loop, None)


class Answered:
    """A question whose answer is kept."""

    news: Any = None

    def tell(self, event: Event) -> None:
        """A question has no events."""

    def end(self, news: Any) -> None:
        """Keeps the answer."""
        self.news = news


class Question(Generic[Answer]):
    """A question under way, whose answer settles a future."""

    def __init__(self, answer: asyncio.Future[Answer]) -> None:
        self.answer = answer

    def tell(self, event: Event) -> None:
        """A recovery has events, which are not passed on."""

    def end(self, news: Answer | Error) -> None:
        """Settles the future."""
        settle(self.answer, news)


class Operation:
    """A resize under way, which `Domain.start_resize` begins. Only one thread may wait for it.

    The resize goes on until it ends or its host is closed, also if no thread waits.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     operation = host["demo-pv"].start_resize("2GiB")
    ...     report = operation.wait()
    >>> operation.done, operation
    (True, <memctl.Operation of 'demo-pv', ended>)
    """

    def __init__(
        self,
        host: _core.OpenHost,
        domain: DomainIdentity,
        size: SupportsIndex | str,
        number: int,
        switchboard: Switchboard,
        on_event: EventCallback | None,
    ) -> None:
        self.domain = domain
        self.number = number
        self._size = size
        self._process = os.getpid()
        self._host = host
        self._switchboard = switchboard
        self._on_event = on_event
        self._raised: Exception | None = None
        self._news: Report | Error | None = None
        self.on_end: Callable[[Report | Error], None] | None = None

    def __repr__(self) -> str:
        state = "ended" if self._news is not None else "under way"
        return f"<memctl.Operation of {self.domain.name!r}, {state}>"

    @property
    def done(self) -> bool:
        """Whether the resize has ended: true after `wait` has returned or raised `Error`."""
        return self._news is not None

    def cancel(self) -> None:
        """Asks the resize to end and to restore the guest. Returns at once. Any thread may call it.

        If the resize has ended already, this does nothing.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     operation = host["demo-pv"].start_resize("2GiB")
        ...     report = operation.wait()
        ...     operation.cancel()
        >>> print(report.outcome)
        verified
        """
        self._host.cancel(self.number)

    def wait(self) -> Report:
        """Waits until the resize has ended, and returns the report of a verified resize.

        Meanwhile it calls `on_event` in this thread. `on_event` may do anything. If it raises, that
        means the same as in the library's other languages: the resize is cancelled, `on_event` is
        not called again, and `Cancelled` is raised from the exception when the guest has been
        restored. If the resize has ended by then, its end counts, and the logger "memctl" logs the
        exception.

        Ctrl-C cancels the resize. `KeyboardInterrupt` is raised when the guest has been restored. A
        second Ctrl-C raises it at once, and the host goes on restoring until it is closed.
        `report_of` has the report of a resize that Ctrl-C cancelled.

        If the resize was not verified, raises the `Error` that ended it, with its `report`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     operation = host["demo-pv"].start_resize("2GiB")
        ...     operation.wait().reached
        Size('2048 MiB')
        """
        try:
            self._listen()
        except BaseException as interruption:
            self.cancel()
            self._listen()
            self.explain(interruption)
            raise
        assert self._news is not None
        if isinstance(self._news, Error):
            raise self._news
        return self._news

    @property
    def report(self) -> Report | None:
        """How the resize ended. None: it has not ended yet, or its host was closed before it began.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     operation = host["demo-pv"].start_resize("2GiB")
        ...     operation.wait() == operation.report
        True
        """
        return self._news.report if isinstance(self._news, Error) else self._news

    def explain(self, interruption: BaseException) -> None:
        """Tells an exception that interrupted the resize how the resize ended: a note for people,
        and what `report_of` finds.
        """
        interruption.add_note(f"memctl: the resize of {self.domain.name} {self._ending()}")
        setattr(interruption, "report", self.report)

    def _ending(self) -> str:
        report = self.report
        if report is not None:
            return f"ended {report.outcome}, at {report.reached}"
        return "has not ended yet" if self._news is None else f"ended: {self._news}"

    def tell(self, event: Event) -> None:
        """Passes an event on to `on_event`. If that raises, cancels the resize."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:
            self._on_event = None
            self._raised = error
            self.cancel()

    def end(self, news: Report | Error) -> None:
        """Stores the end of the resize, and calls `on_end`."""
        self._news = news
        if isinstance(news, Error):
            explain_bytes(news, self._size)
        if isinstance(news, Cancelled) and self._raised is not None:
            news.args = (f"{self.domain.name}: on_event raised {self._raised!r}",)
            news.__cause__ = self._raised
        elif self._raised is not None:
            log.error(
                "on_event of the resize of %s raised at its end",
                self.domain.name,
                exc_info=self._raised,
            )
        if self.on_end is not None:
            self.on_end(news)

    def _listen(self) -> None:
        if os.getpid() != self._process:
            raise HostClosed("the resize was begun by another process")
        self._switchboard.deliver_until(lambda: self._news is not None)


def settle(future: asyncio.Future[Answer], news: Answer | Error) -> None:
    """Gives the news to whoever awaits the future."""
    if future.done():  # its task was cancelled, or an interruption had the news passed on twice
        return
    if isinstance(news, Error):
        future.set_exception(news)
    else:
        future.set_result(news)


async def finish(operation: Operation) -> Report:
    """Waits for an operation of a loop's switchboard. If the task is cancelled, restores first."""
    import asyncio

    ended: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
    operation.on_end = partial(settle, ended)
    try:
        await asyncio.wait({ended})  # a cancellation of the task does not cancel `ended`
    except asyncio.CancelledError as cancelled:
        operation.cancel()
        await asyncio.wait({ended})  # a second cancellation ends this wait
        ended.exception()
        operation.explain(cancelled)
        raise
    finally:
        operation.on_end = None
    return ended.result()
