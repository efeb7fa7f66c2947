"""A simulated host with the interface of the lab. It drives the program of tests/scenario."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memctl_lab.config import LabConfig
from memctl_lab.errors import LabError
from memctl_lab.facts import Block, DomainFacts, GuestFacts, HostFacts, Limits, parse_probe
from memctl_lab.guest import GUEST_FAULT, KILLED, GuestConfig
from memctl_lab.kernels import KERNELS
from memctl_lab.rivals import Rival
from memctl_lab.scenario import Completed, ScenarioGuest

SETTLED_S = 120
"""Far longer than any balloon driver goes on trying. Virtual time costs nothing."""

UNTIL_SEEN_S = 0.1
"""How long to wait after a command until the agent has restored a policy, or has announced itself
after a restore."""

# The lab has 6144 MiB; Xen and dom0 take 1244 MiB of them.
HOST = {"host": "4900MiB", "dom0": "1244MiB"}

Json = dict[str, Any]


class SimulatedJob:
    """A call of memctl on the simulated host. Virtual time passes only during a wait."""

    def __init__(self, host: SimulatedHost, arguments: tuple[str, ...]) -> None:
        self.command = " ".join(["memctl", *arguments])
        self._host = host
        self._number = host.ask("start", arguments=arguments)["command"]

    def wait(self, timeout: float = 120) -> Completed:
        """Lets time pass until the call ends."""
        done = self._wait("")
        if done["status"] is None:
            raise LabError(f"{self.command} waits for something that cannot happen")
        self._host.ask("pass", seconds=UNTIL_SEEN_S)
        return Completed(self.command, done["status"], done["out"], done["err"])

    def wait_for_output(self, text: str, timeout: float = 120) -> None:
        """Lets time pass until the output or error output contains the text."""
        done = self._wait(text)
        if text not in done["out"] and text not in done["err"]:
            raise LabError(
                f"{self.command} ended with {done['status']} without printing {text!r}:\n"
                f"{done['out']}{done['err']}"
            )

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Cancels by SIGINT or SIGTERM. The simulator knows no other signal."""
        if number not in (signal.SIGINT, signal.SIGTERM):
            raise LabError(f"the simulated memctl cannot be sent signal {number}")
        self._host.ask("interrupt", command=self._number)

    def _wait(self, text: str) -> Json:
        return self._host.ask("wait", command=self._number, text=text)


class SimulatedHost:
    """A host in another process. Use it as a context manager, or call `close`."""

    kind = "sim"

    def __init__(self, build: Path | None = None) -> None:
        self.guests: dict[str, SimulatedGuest] = {}
        self.destroyed: list[ScenarioGuest] = []
        self._taken_kib = 0
        program = (build or LabConfig().build) / "tests" / "scenario" / "memctl-sim-host"
        if not program.exists():
            raise LabError(f"{program} is not built: ninja memctl-sim-host")
        self._stderr = tempfile.TemporaryFile()  # a pipe could fill up
        self._process = subprocess.Popen(
            [program, json.dumps(HOST)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )

    def __enter__(self) -> SimulatedHost:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process, and its operations with it. A sanitizer may fail it."""
        self._process.communicate(timeout=60)
        with self._stderr:
            if self._process.returncode != 0:
                raise LabError(self._ending())

    def request(self, what: str, **values: object) -> Json:
        """Sends a request, and returns the answer, which may be an error."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps({"do": what, **values}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(60)
            raise LabError(f"{what}: {self._ending()}")
        answer: Json = json.loads(line)
        return answer

    def ask(self, what: str, **values: object) -> Json:
        """Sends a request that has to succeed."""
        answer = self.request(what, **values)
        if "error" in answer:
            raise LabError(f"{what} {values}: {answer['error']}")
        return answer

    def _ending(self) -> str:
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace")
        return f"the simulated host ended with {self._process.returncode}:\n{said}"

    def memctl(self, *arguments: str) -> SimulatedJob:
        return SimulatedJob(self, arguments)

    def now(self) -> float:
        return float(self.ask("now")["seconds"])

    def xenstore_write(self, path: str, value: str) -> None:
        self.ask("write-node", path=path, value=value)

    def xenstore_remove(self, path: str) -> None:
        self.ask("remove-node", path=path)

    def probe(self) -> tuple[HostFacts, dict[int, DomainFacts]]:
        return parse_probe(json.dumps(self.ask("host-facts")))

    def facts(self) -> HostFacts:
        return self.probe()[0]

    def leave_free(self, mib: int) -> None:
        taken = self.facts().free_pages * 4 - mib * 1024
        if taken > 0:
            self.ask("take-host-memory", size=f"{taken}KiB")
            self._taken_kib += taken

    def return_memory(self) -> None:
        if self._taken_kib > 0:
            self.ask("give-host-memory", size=f"{self._taken_kib}KiB")
        self._taken_kib = 0

    def create_guest(self, name: str, type: str = "pv", **options: object) -> SimulatedGuest:
        return self.create_guests([(name, type)], **options)[0]

    def create_guests(
        self, wanted: Iterable[tuple[str, str]], **options: object
    ) -> list[SimulatedGuest]:
        made = []
        for name, kind in wanted:
            config = GuestConfig(name=name, type=kind, **options)  # type: ignore[arg-type]
            self.guests[name] = SimulatedGuest(self, config)
            made.append(self.guests[name])
        return made


class SimulatedGuest:
    """A guest of a simulated host. A new guest has booted, and its agent has said hello."""

    def __init__(self, host: SimulatedHost, config: GuestConfig) -> None:
        self.host = host
        self.config = config
        self.name = config.name
        self.crash_expected = False
        self.domid: int = host.ask("create", guest=_description(config))["domid"]

    @property
    def type(self) -> str:
        return self.config.type

    def refresh(self) -> None:
        """Looks the domid up again: after a reboot or a restore."""
        self.domid = self.host.ask("find", guest=self.name)["domid"]

    # What it has

    def domain(self) -> DomainFacts | None:
        return self.host.probe()[1].get(self.domid)

    def facts(self) -> GuestFacts:
        values = self._all_facts()
        block = values["block_kib"] * 1024
        present, offline = values["blocks_present"], values["blocks_offline"]
        movable = values["blocks_movable"]
        kernel = present - offline - movable
        zones = ["Normal"] * kernel + ["Movable"] * movable + [None] * offline
        return GuestFacts(
            mem_total_kib=values["mem_total_kib"],
            mem_free_kib=values["mem_free_kib"],
            mem_available_kib=values["mem_available_kib"],
            target_kib=values["target_kib"],
            current_kib=values["current_kib"],
            online_policy=values["online_policy"],
            block_bytes=block,
            blocks=tuple(Block(at, zone is not None, zone) for at, zone in enumerate(zones)),
        )

    def snapshot(self) -> Limits:
        domain, values = self.domain(), self._all_facts()
        if domain is None:
            raise LabError(f"{self.name} is gone")
        return Limits(
            max_pages=domain.max_pages,
            limit_kib=values["limit_kib"],
            target_kib=values["xenstore_target_kib"],
            pool_bytes=domain.pool_bytes,
            claim_pages=domain.outstanding_pages,
        )

    def alive(self) -> bool:
        return bool(self._all_facts()["alive"])

    def crashes(self) -> list[str]:
        return GUEST_FAULT.findall(self.console())

    def killed_processes(self) -> int:
        return self.console().count(KILLED)

    def console(self) -> str:
        return "\n".join(self._all_facts()["log"])

    def frozen_pool_kib(self) -> int | None:
        pool: int | None = self._all_facts()["frozen_pool_kib"]
        return pool

    def has_journal(self) -> bool:
        return bool(self._all_facts()["journal"])

    # What happens in it

    def wait_for_agent(self, timeout: int = 120) -> None:
        if not self.agent_runs():
            raise LabError(f"{self.name} has no agent")

    def kill_agent(self) -> None:
        self._do("kill-agent")

    def hang_agent(self) -> None:
        self._do("kill-agent")

    def agent_runs(self) -> bool:
        return bool(self._all_facts()["agent"])

    def runs_programs(self) -> bool:
        return self.alive()

    def hold_memory(self, mib: int, *, timeout: int = 120) -> None:
        before = self.killed_processes()
        self._do("hold", size=f"{mib}MiB")
        if self.killed_processes() > before:
            raise LabError(f"{self.name} cannot hold {mib} MiB")

    def begin_to_hold(self, mib: int, first_mib: int) -> None:
        self.hold_memory(first_mib)
        self._do("hold-gradually", mib=mib - first_mib)

    def release_memory(self) -> None:
        self._do("release")

    def leave_free(self, mib: int) -> None:
        spare = self.facts().mem_free_kib - mib * 1024
        if spare > 0:
            self._do("fill", size=f"{spare}KiB")

    def drip(self, kib: int) -> None:
        self._do("drip", kib=kib)

    def stop_dripping(self) -> None:
        self._do("drip", kib=0)

    # What others do to it, and to its domain

    def mem_max(self, mib: int) -> Completed:
        return self._xl("mem-max", mib)

    def mem_set(self, mib: int) -> Completed:
        return self._xl("mem-set", mib)

    def set_pool(self, mib: int) -> None:
        if self.type != "pv":
            self._do("set-pool", size=f"{mib}MiB")

    def act_as(self, rival: Rival, mib: int) -> None:
        self._do(rival.action, size=f"{mib}MiB")

    def settle(self, mib: int | None = None) -> None:
        self.host.ask("pass", seconds=SETTLED_S)

    def wait_until_given_up(self) -> None:
        self.settle()

    def pause(self) -> None:
        self._do("pause")

    def unpause(self) -> None:
        self._do("unpause")

    def reboot(self) -> None:
        self._do("reboot")
        self.refresh()
        self.settle()

    def save_and_restore(self) -> bool:
        if "error" in self.host.request("save-restore", guest=self.name):
            return False
        self.refresh()
        self.host.ask("pass", seconds=UNTIL_SEEN_S)
        return True

    @contextmanager
    def being_saved(self) -> Iterator[None]:
        self._do("begin-save")
        yield
        self._do("end-save")
        if not self.save_and_restore():
            raise LabError(f"{self.name} cannot be restored")

    def destroy(self) -> None:
        self.host.guests.pop(self.name, None)
        if self.domain() is not None:
            self._do("destroy")
        self.host.destroyed.append(self)

    def _all_facts(self) -> Json:
        return self.host.ask("guest-facts", domid=self.domid)

    def _do(self, what: str, **values: object) -> None:
        self.host.ask(what, guest=self.name, **values)

    def _xl(self, what: str, mib: int) -> Completed:
        answer = self.host.request(what, guest=self.name, size=f"{mib}MiB")
        command = f"xl {what} {self.name} {mib}"
        return Completed(command, int("error" in answer), "", answer.get("error", ""))


def _description(config: GuestConfig) -> Json:
    """The guest's description in the format of docs/simulator.md."""
    if config.kernel_options or config.extra_config:
        raise LabError(f"{config.name}: the simulator knows no kernel options and no xl.cfg")
    guest: Json = {
        "name": config.name,
        "type": config.type,
        "memory": f"{config.memory_mib}MiB",
        "maxmem": f"{config.maxmem_mib or config.memory_mib}MiB",
        "vcpus": config.vcpus,
        "agent": "normal" if config.agent else "absent",
    }
    if config.kernel is not None:
        kernel = KERNELS[config.kernel].simulated
        guest |= {
            "kernel_release": kernel.release,
            "online_policy": kernel.online_policy,
            "hotplug": kernel.hotplug,
            "bits": kernel.bits,
        }
    if config.online_policy is not None:
        guest["online_policy"] = config.online_policy
    if config.shadow_memory_mib is not None:
        guest |= {"pool": f"{config.shadow_memory_mib}MiB", "freeze_pool": True}
    if config.autoballoon:
        guest["freeze_pool"] = True
    if config.video_ram_mib:
        guest["video_ram"] = f"{config.video_ram_mib}MiB"
    if config.shim:
        guest["in_shim"] = True
    if config.emulated_usb:
        guest["emulated_dma_devices"] = True
    return guest
