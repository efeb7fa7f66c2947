"""Runs jobs, each in its own session, and ends the jobs that it started."""

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

#: Linux shares time between sessions first (autogroup), then by priority. A job that is to run only
#: on the time that other jobs leave needs the lowest of both.
IDLE = (
    "sh",
    "-c",
    '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec chrt --idle 0 "$@"',
    "sh",
)


#: However this program ends, the job ends, too.
BOUND = ("setpriv", "--pdeathsig", "KILL", "--")
IDLE_PATIENCE = 5
"""An idle job may take this many times as long as another job."""


class Stopped(Exception):
    """The run ends because it was interrupted, or because another job failed."""


class Engine:
    """Runs the jobs of lanes. Thread-safe, because each lane calls it from its own thread."""

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
        """Runs all jobs, `width` at once, also if one fails. Returns whether all passed."""
        with ThreadPoolExecutor(width) as pool:
            return all(list(pool.map(lambda job: self._run(job, idle), jobs)))

    def running(self) -> dict[str, float]:
        """The running jobs, and for how many seconds each has run."""
        with self._lock:
            return {name: time.monotonic() - since for name, (_, since) in self._running.items()}

    def stop(self) -> None:
        """Ends the running jobs, and starts no more."""
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
    """Ends the job's whole session with all its processes, first by SIGINT as Ctrl-C does."""
    try:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # all its processes have ended
    process.wait()
