"""NVIDIA cards: the total-energy counter where it works, power polled and integrated where it does not.

The counter (Volta and newer) steps about every 100 ms and needs no thread. It is not believed blindly: once half a
second has passed it must lie between half the lowest and twice the highest power seen times the time. If it does not,
or is not there, a thread polls power every 20 ms and the card's source is `nvml_poll`. Until the check, energy is power
times time: windows that have ended by then keep figures that hold whatever its outcome.
"""

from __future__ import annotations

from typing import Any

from collectors.metering.gpu_select import Card
from collectors.metering.sources.power_poll import PowerPoll

COUNTER_UPDATE_S = 0.1
COUNTER_GAIN = (0.95, 1.05)
POLL_GAIN = (0.85, 1.15)
"""Some cards sample only a quarter of the time behind the power reading (arXiv 2312.02741)."""
CHECK_AFTER_S = 0.5
CHECK_UP_TO_S = 30.0


class NvmlCard:
    """One card. Joules since opened."""

    component, quality, scope = "gpu", "measured", "device"
    update_s = COUNTER_UPDATE_S
    unbooked_w = 0.0

    def __init__(self, nvml: Any, card: Card, at_s: float) -> None:
        self._nvml, self.card = nvml, card
        self.domain = card.uuid
        self.doubt = _first_doubt(card)
        self._poll: PowerPoll | None = None
        self._why_polled: str | None = None
        self._base_j = self._estimated_j = self._told_j = 0.0
        self._gone = False
        self._opened_s = at_s
        self.name, self.gain = "nvml_counter", COUNTER_GAIN
        self._last_mj = self._counter_mj()
        power = self._power_w()
        self._powers = [(at_s, power)] if power is not None else []
        self._checked = power is None  # there is nothing to compare with
        if self._last_mj is None:
            self._start_polling("no energy counter on this card (older than Volta, or not permitted)")

    def read(self, at_s: float, cpu_s: float) -> float | None:
        joules = self._joules(at_s)
        if joules is None:
            return None
        self._told_j = max(self._told_j, joules)  # a counter just checked may be a little behind what was estimated
        return self._told_j

    def _joules(self, at_s: float) -> float | None:
        if self._gone:
            return None
        if self._poll is not None:
            joules = self._poll.joules()
            return self._lost("power can no longer be read") if joules is None else self._base_j + joules
        now_mj = self._counter_mj()
        if now_mj is None:
            return self._lost("its energy counter stopped answering")
        if now_mj < self._last_mj:  # driver reloaded or card reset: what was counted since the last read is gone
            self._doubt("its counter was reset; energy around the reset is not counted")
            self._last_mj = now_mj
        self._base_j += (now_mj - self._last_mj) / 1e3
        self._last_mj = now_mj
        return self._base_j if self._checked else self._unchecked(at_s)

    def _unchecked(self, at_s: float) -> float | None:
        """Power times time while it is too early to judge the counter; then the verdict, and polling if that is bad."""
        power, passed_s = self._power_w(), at_s - self._opened_s
        if power is None or passed_s > CHECK_UP_TO_S:  # few power readings say little about a long stretch
            self._checked = True
            return self._base_j
        last_s, last_w = self._powers[-1]
        self._estimated_j += (at_s - last_s) * (last_w + power) / 2
        self._powers.append((at_s, power))
        if passed_s < CHECK_AFTER_S:
            return self._estimated_j
        self._checked = True
        why = self._disbelief(passed_s)
        if why:
            self._base_j = self._estimated_j
            self._doubt(why)
            self._start_polling(why)
        return None if self._gone else self._base_j

    def _disbelief(self, passed_s: float) -> str | None:
        low, high = (f(w for _, w in self._powers) for f in (min, max))
        ceiling = max(2 * high, 1.2 * (self._limit_w() or 0.0))
        mean = self._base_j / passed_s
        if 0.5 * low * (1 - 2 * COUNTER_UPDATE_S / passed_s) <= mean <= ceiling * (1 + 2 * COUNTER_UPDATE_S / passed_s):
            return None
        return f"its counter says {mean:.0f} W where power reads {low:.0f} to {high:.0f} W; not believed"

    def _start_polling(self, why: str) -> None:
        if self._power_w() is None:
            self._lost(f"{why}; nor can power be read")
            return
        self.name, self.gain = "nvml_poll", POLL_GAIN
        self._why_polled = why
        self._poll = PowerPoll(self._power_w)

    def _counter_mj(self) -> int | None:
        try:
            return self._nvml.nvmlDeviceGetTotalEnergyConsumption(self.card.handle)
        except self._nvml.NVMLError:
            return None

    def _power_w(self) -> float | None:
        try:
            return self._nvml.nvmlDeviceGetPowerUsage(self.card.handle) / 1e3
        except self._nvml.NVMLError:
            return None

    def _limit_w(self) -> float | None:
        try:
            return self._nvml.nvmlDeviceGetPowerManagementLimit(self.card.handle) / 1e3
        except self._nvml.NVMLError:
            return None

    def _doubt(self, why: str) -> None:
        self.doubt = f"{self.doubt}; {why}" if self.doubt else why

    def _lost(self, why: str) -> None:
        self._gone = True
        self._doubt(why)

    def constants(self) -> dict[str, Any]:
        shown = {"gpu": self.card.name, "update_s": self.update_s, "gain_interval": list(self.gain)}
        if self._poll is not None:
            shown.update(poll_every_s=self._poll.every_s, why_polled=self._why_polled)
        if self.card.mig:
            shown.update(shared_device=True, **self.card.mig)
        return shown

    def close(self) -> None:
        if self._poll is not None:
            self._poll.stop()


def _first_doubt(card: Card) -> str | None:
    doubts = []
    if card.mig:
        doubts.append("only a slice of this card is ours; the figure is the whole card's")
    if card.order_uncertain:
        doubts.append("cards of different models: set CUDA_DEVICE_ORDER=PCI_BUS_ID to be sure which one this is")
    return "; ".join(doubts) or None
