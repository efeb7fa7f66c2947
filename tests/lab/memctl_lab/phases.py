"""Does something to a resize on real Xen as soon as one of its phases begins."""

from __future__ import annotations

import shlex

from memctl_lab.guest import Guest
from memctl_lab.host import Running

# awk reads everything at once; a shell's `read` reads byte by byte and falls behind memctl. The
# first line is memctl's process number. Each phase is told twice: it begins, and it goes on.
TELL_PHASES = r"""
NR == 1 { print; fflush(); next }
match($0, /"phase":"[a-z]*"/) {
  phase = substr($0, RSTART + 9, RLENGTH - 10)
  count = ++seen[phase]
  if (count <= 2) { print phase (count == 2 ? " goes on" : ""); fflush() }
}
{ print >"/dev/fd/3"; fflush("/dev/fd/3") }
"""

# memctl runs in the foreground, because a shell's background processes ignore SIGINT.
SCRIPT = """exec 3>&1
rm -f {pipe}; mkfifo {pipe}
awk '{tell_phases}' <{pipe} | {{
  read -r pid
  while read -r told; do
    case $told in
    {phase})
{action} ;;
    "populate goes on") {on_the_way} ;;
    esac
  done
}} &
sh -c 'echo $$; exec memctl resize --json "$@"' memctl {arguments} >{pipe}
status=$?
wait
exit $status"""


def at_phase(guest: Guest, phase: str, action: str, size: str, options: str = "") -> Running:
    """Starts a resize, and runs `action` as soon as the resize tells that `phase` begins.

    dom0's shell runs the action, without starting another process first. $pid is memctl's process.
    For the phase `restore` the resize is cancelled while it populates. Output and status are
    memctl's.
    """
    script = SCRIPT.format(
        pipe=f"/tmp/{guest.name}.events",
        tell_phases=TELL_PHASES,
        phase=phase,
        action=action,
        on_the_way="kill -TERM $pid" if phase == "restore" else ":",
        arguments=shlex.join([*shlex.split(options), guest.name, size]),
    )
    return guest.lab.start(script)
