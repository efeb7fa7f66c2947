# SPDX-License-Identifier: LGPL-2.1-or-later
"""A resize under way, and how its news reach whoever waits for them."""

from __future__ import annotations

import asyncio
import logging
import os
import select
from typing import Callable

from . import _core
from .errors import Error, HostClosed
from .records import DomainIdentity, Event, Report

EventCallback = Callable[[Event], object]

log = logging.getLogger("memctl")

#: Python runs its signal handlers on the main thread alone, and between two waits: a signal that
#: another thread was given is seen after so long.
SLICE_MS = 200


class Switchboard:
    """Passes what a channel says on to the operations that it is about.

    The library's threads write to the channel and make its file descriptor readable; `deliver` runs
    on the thread that waits for that.
    """

    def __init__(self) -> None:
        self.channel = _core.Channel()
        self.operations: dict[int, Operation] = {}

    def deliver(self) -> None:
        """Passes on all that has come. Wherever an exception ends this, no end is lost."""
        while (first := self.channel.first()) is not None:
            number, news = first
            operation = self.operations.get(number)
            if isinstance(news, Event):
                self.channel.remove_first()
                if operation is not None:
                    operation.tell(news)
                continue
            if operation is not None:
                operation.end(news)
            self.operations.pop(number, None)
            self.channel.remove_first()


class LoopSwitchboard(Switchboard):
    """One for all operations that an event loop waits for: in `others` while there are any."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        others: dict[asyncio.AbstractEventLoop, LoopSwitchboard],
    ) -> None:
        super().__init__()
        self._loop = loop
        self._others = others

    def add(self, operation: Operation) -> None:
        """Only on the loop's thread."""
        if not self.operations:
            self._loop.add_reader(self.channel.fileno(), self.deliver)
            self._others[self._loop] = self
        self.operations[operation.number] = operation

    def deliver(self) -> None:
        """Passes on all that has come."""
        super().deliver()
        if not self.operations:
            self._loop.remove_reader(self.channel.fileno())
            self._others.pop(self._loop, None)


class Operation:
    """A resize under way; `Domain.start_resize` begins one. To be waited for in one thread.

    It goes on whether or not anybody waits, until it ends or its host is closed.

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
        number: int,
        switchboard: Switchboard,
        on_event: EventCallback | None,
    ) -> None:
        self.domain = domain
        self.number = number
        self._process = os.getpid()
        self._host = host
        self._switchboard = switchboard
        self._on_event = on_event
        self._news: Report | Error | None = None
        self.on_end: Callable[[Report | Error], None] | None = None

    def __repr__(self) -> str:
        state = "ended" if self._news is not None else "under way"
        return f"<memctl.Operation of {self.domain.name!r}, {state}>"

    @property
    def done(self) -> bool:
        """Whether its end is known here: after `wait` has returned or raised `Error`."""
        return self._news is not None

    def cancel(self) -> None:
        """Asks it to end, and the guest to be restored; doesn't wait for that. From any thread.

        Of one that has ended already: does nothing.

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
        """Waits until it has ended, and returns the report of a verified resize.

        `on_event` is called meanwhile, in this thread: it may do what it likes. What it raises is
        logged, to the logger "memctl", and changes nothing.

        Ctrl-C cancels the operation, waits until the guest has been restored, and is raised then. A
        second one is raised at once: the host goes on restoring until it is closed.

        Raises the `Error` that ended it otherwise, with its `report`.

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
            interruption.add_note(self.ending())
            raise
        assert self._news is not None
        if isinstance(self._news, Error):
            raise self._news
        return self._news

    def ending(self) -> str:
        """One line on how it ended, for whoever can't be given the report."""
        news = self._news
        name = self.domain.name
        if news is None:
            return f"memctl: the resize of {name} has not ended yet"
        report = news if isinstance(news, Report) else news.report
        if report is None:
            return f"memctl: the resize of {name} ended: {news}"
        return f"memctl: the resize of {name} ended {report.outcome}, at {report.reached}"

    def tell(self, event: Event) -> None:
        """Passes an event on."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            log.exception("on_event of the resize of %s raised", self.domain.name)

    def end(self, news: Report | Error) -> None:
        """Takes note of its end."""
        self._news = news
        if self.on_end is not None:
            self.on_end(news)

    def _listen(self) -> None:
        if os.getpid() != self._process:
            raise HostClosed("the resize was begun by another process")
        readable = select.poll()
        readable.register(self._switchboard.channel.fileno(), select.POLLIN)
        while self._news is None:
            if readable.poll(SLICE_MS):
                self._switchboard.deliver()


async def finish(operation: Operation) -> Report:
    """Waits for an operation on a loop's switchboard; a task that is cancelled restores first."""
    ended: asyncio.Future[Report] = asyncio.get_running_loop().create_future()

    def settle(news: Report | Error) -> None:
        if ended.done():  # told once more, after an interruption
            return
        if isinstance(news, Error):
            ended.set_exception(news)
        else:
            ended.set_result(news)

    operation.on_end = settle
    try:
        await asyncio.wait({ended})  # which doesn't cancel what it waits for
    except asyncio.CancelledError as cancelled:
        operation.cancel()
        await asyncio.wait({ended})  # a second cancellation doesn't wait any longer
        ended.exception()
        cancelled.add_note(operation.ending())
        raise
    finally:
        operation.on_end = None
    return ended.result()
