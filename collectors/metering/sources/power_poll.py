"""Power sampled by a daemon thread and integrated by the trapezoid rule: the fallback for cards without a counter."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY_S = 0.02
"""At most half the update period of the power reading: 100 ms on current cards, about 50 ms on some older ones."""


class PowerPoll:
    """Integrates `power_w()` until stopped. The newest sample is taken by the reader, so a read is never stale.

    Args:
        power_w: returns watts, or None once it cannot be read any more, which ends the thread.
        every_s: pause between samples, s.
    """

    def __init__(self, power_w: Callable[[], float | None], every_s: float = EVERY_S) -> None:
        self.every_s = every_s
        self._power_w = power_w
        self._joules: float | None = 0.0
        self._last: tuple[float, float] | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._sample()
        self._thread = threading.Thread(target=self._run, name="energy-meter-power", daemon=True)
        self._thread.start()

    def joules(self) -> float | None:
        """Energy since the start; None once power cannot be read."""
        if not self._stopped.is_set():
            self._sample()
        return self._joules

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopped.wait(self.every_s) and self._joules is not None:
            self._sample()

    def _sample(self) -> None:
        with self._lock:
            watts, at_s = self._power_w(), time.monotonic()
            if watts is None or self._joules is None:
                self._joules = None
                return
            if self._last is not None:
                self._joules += (at_s - self._last[0]) * (watts + self._last[1]) / 2
            self._last = (at_s, watts)
