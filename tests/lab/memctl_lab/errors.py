"""The errors of the lab."""

from __future__ import annotations


class LabError(Exception):
    """The lab failed, and not memctl. The text has the consoles if they help."""


class LabTimeout(LabError):
    """Something did not happen before its deadline."""
