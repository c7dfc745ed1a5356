"""Fixed work for a thread: the same CPU time every time, without holding the interpreter's lock."""

from __future__ import annotations

import hashlib
import time

_BLOCK = bytes(1 << 20)


def burn_cpu(seconds: float) -> None:
    """Works until this thread has used so many CPU seconds."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        hashlib.sha256(_BLOCK)
