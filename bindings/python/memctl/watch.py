# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host tells by itself: guests that come, go and change, and its log."""

from __future__ import annotations

import logging
import os
import select
import threading
from types import TracebackType

from . import _core
from .errors import HostClosed
from .operation import SLICE_MS
from .records import DomainChange, DomainIdentity, Report

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class Watch:
    """Guests that appear, change and end: an iterator, also an asynchronous one, which `Host.watch`
    returns. It waits for the next change, and ends when the watch or its host is closed.

    A context manager. Any thread may close it; one thread or task iterates.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     watch = host.watch()
    ...     print(next(watch))
    appeared: demo-pv
    """

    def __init__(self, host: _core.OpenHost) -> None:
        self._process = os.getpid()
        self._host = host
        self._channel = _core.Channel()
        self._number = host.watch(self._channel)

    def close(self) -> None:
        """Ends the watch. Closing a closed watch does nothing."""
        self._host.stop_watch(self._number)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_number"):
            self.close()

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> DomainChange:
        readable = select.poll()
        readable.register(self._channel.fileno(), select.POLLIN)
        while self._waits():
            readable.poll(SLICE_MS)
        change = self._take()
        if change is None:
            raise StopIteration
        return change

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> DomainChange:
        while self._waits():
            await self._readable()
        change = self._take()
        if change is None:
            raise StopAsyncIteration
        return change

    def _waits(self) -> bool:
        """Whether nothing is told yet."""
        if os.getpid() != self._process:
            raise HostClosed("the watch was begun by another process")
        return self._channel.first() is None

    def _take(self) -> DomainChange | None:
        """What is told first. None: the end, which stays in the channel."""
        told = self._channel.first()
        if told is None or not isinstance(told[1], DomainChange):
            return None
        self._channel.remove_first()
        return told[1]

    async def _readable(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        readable = loop.create_future()

        def wake() -> None:
            if not readable.done():
                readable.set_result(None)

        loop.add_reader(self._channel.fileno(), wake)
        try:
            await readable
        finally:
            loop.remove_reader(self._channel.fileno())


class HostLog:
    """Hands a host's log to a logger, on a thread of its own, until the host is closed."""

    def __init__(self, logger: logging.Logger) -> None:
        self.channel = _core.Channel()
        self._logger = logger
        # A daemon: the interpreter waits for all other threads before it closes the hosts.
        self._thread = threading.Thread(target=self._run, name="memctl-log", daemon=True)

    def start(self) -> None:
        """Starts the thread. The host is open."""
        self._thread.start()

    def join(self) -> None:
        """Waits until the last line has been handed on. The host is closed."""
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        readable = select.poll()
        readable.register(self.channel.fileno(), select.POLLIN)
        while True:
            readable.poll()
            while (told := self.channel.first()) is not None:
                self.channel.remove_first()
                line = told[1]
                if not isinstance(line, tuple):
                    return
                try:
                    self._log(*line)
                except Exception as error:
                    self._raised(error)

    def _log(
        self,
        level: str,
        domain: DomainIdentity | None,
        message: str,
        kind: str,
        report: Report | None,
    ) -> None:
        extra = {"domain": domain, "kind": kind, "report": report}
        self._logger.log(LEVELS[level], "%s", message, extra=extra)

    def _raised(self, error: Exception) -> None:
        """Tells Python's hook that the logger raised. The log goes on: lines would pile up."""
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, self._thread))
        )
