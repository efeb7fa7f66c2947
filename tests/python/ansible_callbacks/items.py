# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has Ansible print the result of each item of a loop as one line of JSON."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: items
type: stdout
short_description: each item's result as one line of JSON
description: For the tests of the example.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Ansible finds this class by its name."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "items"

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Prints an item that succeeded."""
        print(json.dumps(result._result))

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Prints an item that failed."""
        print(json.dumps({**result._result, "failed": True}))
