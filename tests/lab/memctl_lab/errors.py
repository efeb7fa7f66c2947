"""What goes wrong in the lab."""

from __future__ import annotations


class LabError(Exception):
    """The lab, not memctl, failed. The text holds the consoles where they help."""


class LabTimeout(LabError):
    """Something did not happen before its deadline: a hang."""
