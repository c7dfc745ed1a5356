"""Puts a card's power limit back once the process that started this one is gone or says so.

    python power_guard.py GPU-UUID MILLIWATTS

Waits for the end of its standard input, or for its parent's death (data-loading workers inherit the pipe and may hold
it open a little longer).
"""

from __future__ import annotations

import os
import select
import sys

PARENT_CHECK_S = 0.2


def wait_for_end(parent: int) -> None:
    """Return once standard input is closed or the parent process has changed."""
    while os.getppid() == parent:
        ready, _, _ = select.select([sys.stdin], [], [], PARENT_CHECK_S)
        if ready and not os.read(sys.stdin.fileno(), 1024):
            return


def restore(uuid: str, milliwatts: int) -> None:
    """Set the limit of the card."""
    import pynvml

    pynvml.nvmlInit()
    pynvml.nvmlDeviceSetPowerManagementLimit(pynvml.nvmlDeviceGetHandleByUUID(uuid), milliwatts)
    pynvml.nvmlShutdown()


if __name__ == "__main__":
    wait_for_end(os.getppid())
    restore(sys.argv[1], int(sys.argv[2]))
