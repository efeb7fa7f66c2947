"""Runs jobs, each in a session of its own, and ends what it began."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from jobs import BUILD, ROOT, Job, environment
from results import Result, Store, read_reports

LOGS = BUILD / "logs"

#: Linux shares time out between sessions first (autogroup), then by priority: a job that is to have
#: what others leave needs the lowest of both.
IDLE = (
    "sh",
    "-c",
    '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec chrt --idle 0 "$@"',
    "sh",
)


#: However this program ends, the job does so, too.
BOUND = ("setpriv", "--pdeathsig", "KILL", "--")
IDLE_PATIENCE = 5
"""How many times as long as elsewhere a job may take that gets what others leave."""


class Stopped(Exception):
    """The run ends: somebody interrupted it, or another job failed."""


class Engine:
    """Runs jobs on behalf of lanes. Thread-safe: each lane calls it from a thread of its own."""

    def __init__(
        self, store: Store, fresh: bool, tell: Callable[[Result], None], held: tuple[int, ...] = ()
    ) -> None:
        """`held`: file descriptors that stay open until the last process of a job has ended."""
        self._store = store
        self._fresh = fresh
        self._tell = tell
        self._held = held
        self._lock = threading.Lock()
        self._running: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._stopping = False

    def run(self, jobs: Sequence[Job], width: int, idle: bool = False) -> bool:
        """Runs these jobs, so many at once; all of them, even if one fails. Whether all passed."""
        with ThreadPoolExecutor(width) as pool:
            return all(list(pool.map(lambda job: self._run(job, idle), jobs)))

    def running(self) -> dict[str, float]:
        """The jobs under way, and for how many seconds."""
        with self._lock:
            return {name: time.monotonic() - since for name, (_, since) in self._running.items()}

    def stop(self) -> None:
        """Ends what runs, and lets nothing begin any more."""
        with self._lock:
            self._stopping = True
            for process, _ in self._running.values():
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGINT)
            for process, _ in self._running.values():
                _end(process)

    def _run(self, job: Job, idle: bool) -> bool:
        if self._stopping:
            raise Stopped
        key = job.key()
        known = None if self._fresh or job.build else self._store.passed(job, key)
        result = known or self._execute(job, key, idle)
        self._tell(result)
        return result.passed

    def _execute(self, job: Job, key: str, idle: bool) -> Result:
        self._store.forget(job)
        for report in job.reports:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.unlink(missing_ok=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"{job.name}.log"
        began = time.monotonic()
        with open(log, "wb") as written:
            status = self._call(job, written, idle)
        seconds = round(time.monotonic() - began, 1)
        date = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        result = Result(
            job.name, job.part, key, status == 0, date, seconds, log=str(log.relative_to(ROOT))
        )
        problem = read_reports(job.reports, result)
        if problem and result.passed:
            result.passed = False
            with open(log, "a", encoding="utf-8") as output:
                output.write(f"{problem}\n")
        if result.passed and not job.build:
            if job.key() == key:
                self._store.keep(job, result)
            else:
                result.note = "its inputs changed while it ran: runs again next time"
        return result

    def _call(self, job: Job, output: BinaryIO, idle: bool) -> int:
        command = (*BOUND, *(IDLE if idle else ()), *job.command)
        timeout = job.timeout * (IDLE_PATIENCE if idle else 1)
        with self._lock:
            if self._stopping:
                raise Stopped
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**environment(), **job.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self._held,
            )
            self._running[job.name] = (process, time.monotonic())
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            output.write(f"\n{job.name}: not done within {timeout:.0f} s\n".encode())
            return 1
        finally:
            _end(process)
            with self._lock:
                del self._running[job.name]
                stopping = self._stopping
            if stopping:
                raise Stopped


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the job's whole session: what it started, too. First as Ctrl-C would."""
    try:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # nothing of it is left
    process.wait()
