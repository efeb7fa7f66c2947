"""A resize on real Xen to which something is done as soon as one of its phases begins."""

from __future__ import annotations

import shlex

from memctl_lab.guest import Guest
from memctl_lab.host import Running

# Takes what there is at a time, where a shell's own `read` takes a byte and falls behind memctl.
# The first line is memctl's process number. A phase is told of twice: it begins, and it goes on.
TELL_PHASES = r"""
NR == 1 { print; fflush(); next }
match($0, /"phase":"[a-z]*"/) {
  phase = substr($0, RSTART + 9, RLENGTH - 10)
  count = ++seen[phase]
  if (count <= 2) { print phase (count == 2 ? " goes on" : ""); fflush() }
}
{ print >"/dev/fd/3"; fflush("/dev/fd/3") }
"""

# memctl runs in the foreground: SIGINT is ignored by what a shell starts in the background.
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
    """Starts a resize to which `action` is done as soon as it tells that `phase` begins.

    The action is for dom0's shell, with memctl's process in $pid; nothing has to be started for it
    first. To `restore` a resize comes by being cancelled while it populates. Output and status are
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
