"""A stand-in for libnvidia-ml at its C boundary: the real pynvml runs on top of it, unchanged.

Each card follows a trace of true power over time; its counter steps every 100 ms, as real ones do.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SUCCESS, NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND, INSUFFICIENT_SIZE, GPU_IS_LOST = 0, 3, 4, 6, 7, 15


@dataclass
class TracedCard:
    """`watts(t)` is the power t seconds after the card was made; `counter` is its state."""

    uuid: str
    name: str = "NVIDIA H100 80GB HBM3"
    watts: Callable[[float], float] = lambda t: 300.0
    counter: str = "works"
    counter_factor: float = 1.0
    reset_at_s: float | None = None
    power_status: int = SUCCESS
    pids: list[int] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    parent: TracedCard | None = None
    slices: int = 7

    def __post_init__(self) -> None:
        self.made_s = self.clock()

    def age_s(self) -> float:
        return self.clock() - self.made_s

    def true_joules(self, until_s: float, step_s: float = 0.01) -> float:
        steps = round(until_s / step_s)
        return sum(self.watts(i * step_s) * step_s for i in range(steps))

    def counter_mj(self) -> int:
        shown_s = int(self.age_s() * 10 + 1e-9) / 10
        joules = self.true_joules(shown_s) * self.counter_factor + 5_000
        if self.reset_at_s is not None and shown_s >= self.reset_at_s:
            joules -= self.true_joules(self.reset_at_s) * self.counter_factor + 5_000
        return int(joules * 1e3)


class NvmlLibrary:
    """The C functions the meter calls. What is not defined here is missing in this version of the library."""

    def __init__(self, cards: list[TracedCard], slices: list[TracedCard] | None = None) -> None:
        self.cards = cards
        self._all = [*cards, *(slices or [])]
        self.open = 0

    def _card(self, handle: ctypes._Pointer) -> TracedCard:
        return self._all[ctypes.cast(handle, ctypes.c_void_p).value // 16 - 1]

    def _point(self, reference: object, card: TracedCard) -> int:
        handle = reference._obj
        address = ctypes.c_void_p((self._all.index(card) + 1) * 16)
        ctypes.memmove(ctypes.addressof(handle), ctypes.addressof(address), ctypes.sizeof(address))
        return SUCCESS

    def nvmlInitWithFlags(self, flags):
        self.open += 1
        return SUCCESS

    def nvmlShutdown(self):
        self.open -= 1
        return SUCCESS

    def nvmlErrorString(self, status):
        return {3: b"Not Supported", 4: b"Insufficient Permissions", 15: b"GPU is lost"}.get(status, b"Unknown Error")

    nvmlErrorString.restype = None

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = len(self.cards)
        return SUCCESS

    def nvmlDeviceGetHandleByIndex_v2(self, index, device):
        return self._point(device, self.cards[index.value])

    def nvmlDeviceGetHandleByUUID(self, uuid, device):
        card = next((c for c in self._all if c.uuid.encode() == uuid.value), None)
        return NOT_FOUND if card is None else self._point(device, card)

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, mig, device):
        return self._point(device, self._card(mig).parent)

    def nvmlDeviceGetAttributes_v2(self, device, attributes):
        attributes._obj.gpuInstanceSliceCount = self._card(device).slices
        return SUCCESS

    def nvmlDeviceGetUUID(self, device, text, size):
        text.value = self._card(device).uuid.encode()
        return SUCCESS

    def nvmlDeviceGetName(self, device, text, size):
        text.value = self._card(device).name.encode()
        return SUCCESS

    def nvmlDeviceGetTotalEnergyConsumption(self, device, millijoules):
        card = self._card(device)
        if card.counter != "works":
            return {"none": NOT_SUPPORTED, "denied": NO_PERMISSION, "lost": GPU_IS_LOST}[card.counter]
        millijoules._obj.value = card.counter_mj()
        return SUCCESS

    def nvmlDeviceGetPowerUsage(self, device, milliwatts):
        card = self._card(device)
        milliwatts._obj.value = int(card.watts(card.age_s()) * 1e3)
        return card.power_status

    def nvmlDeviceGetPowerManagementLimit(self, device, milliwatts):
        milliwatts._obj.value = 700_000
        return SUCCESS

    nvmlDeviceGetPowerManagementDefaultLimit = nvmlDeviceGetPowerManagementLimit

    def nvmlDeviceGetMemoryInfo(self, device, memory):
        memory._obj.total = 80_000_000_000
        return SUCCESS

    def nvmlDeviceGetTemperature(self, device, sensor, celsius):
        celsius._obj.value = 41
        return SUCCESS

    def nvmlDeviceGetComputeRunningProcesses_v3(self, device, count, infos):
        pids = self._card(device).pids
        if infos is None:
            count._obj.value = len(pids)
            return INSUFFICIENT_SIZE if pids else SUCCESS
        for i, pid in enumerate(pids):
            infos[i].pid = pid
        count._obj.value = len(pids)
        return SUCCESS
