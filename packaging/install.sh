#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs memctl-agent in this guest, whatever its distribution: ./install.sh
# Removes it again: ./install.sh --remove
set -eu

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

program=/usr/local/sbin/memctl-agent
unit=/etc/systemd/system/memctl-agent.service
page=/usr/local/share/man/man8/memctl-agent.8

case ${1-} in
  "" | --remove) ;;
  *) echo "usage: ./install.sh [--remove]" >&2; exit 2 ;;
esac
[ "$(id -u)" -eq 0 ] || fail "run it as root"
cd "$(dirname "$0")"
# A small system may have no /dev/null.
# shellcheck disable=SC2034  # its exit status counts
[ "${1-}" = --remove ] || version=$(./memctl-agent --version 2>&1) ||
  fail "the agent in this folder cannot be run here: either the folder is mounted with noexec, or it is not for this system ($(uname -m)). There is an archive for amd64, which is x86_64, and one for i386"

has_systemd() { command -v systemctl >/dev/null; }
runs_systemd() { [ -d /run/systemd/system ]; }

put() {  # MODE FILE PLACE: a running agent keeps its old file
  mkdir -p "${3%/*}"
  cp "$2" "$3.new"
  chmod "$1" "$3.new"
  mv "$3.new" "$3"
}

if [ "${1-}" = --remove ]; then
  if [ ! -e "$program" ] && [ ! -e "$unit" ] && [ ! -e "$page" ]; then
    echo "install.sh has installed no agent here."
    exit 0
  fi
  if [ -e "$unit" ] && has_systemd; then
    systemctl --quiet disable memctl-agent
    ! runs_systemd || systemctl stop memctl-agent
  fi
  rm -f "$program" "$unit" "$page"
  ! has_systemd || ! runs_systemd || systemctl daemon-reload
  echo "memctl-agent is removed."
  has_systemd || echo "If it still runs, end it, and take it out of what starts it at boot."
  exit 0
fi

[ ! -e /usr/sbin/memctl-agent ] || fail "this guest has memctl-agent as a package; remove that first"
put 755 memctl-agent "$program"
[ ! -f memctl-agent.8 ] || put 644 memctl-agent.8 "$page"
if ! has_systemd; then
  echo "memctl-agent is installed as $program. This system has no systemd, so tell its init to
start $program as root at boot, and again if it ends. In /etc/inittab:
  mem:2345:respawn:$program
and for BusyBox's init:
  ::respawn:$program"
  exit 0
fi
put 644 memctl-agent.service "$unit"
systemctl --quiet enable memctl-agent
if runs_systemd; then
  systemctl daemon-reload
  systemctl restart memctl-agent
  echo "memctl-agent is installed. \"systemctl status memctl-agent\" shows it."
else
  echo "memctl-agent is installed, and starts at the next boot."
fi
