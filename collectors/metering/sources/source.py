"""The protocol every energy source follows. A new source is one new file and one line in `discover.py`."""

from __future__ import annotations

from typing import Any, Protocol


class Source(Protocol):
    """Counts the joules of one domain (a card, the CPU packages, the memory) upwards since it was opened.

    Attributes:
        component: `gpu`, `cpu` or `ram`.
        name: source of the figure as the data columns spell it (`nvml_counter`, `cpu_time_model`, ...).
        quality: `measured` or `modelled`.
        scope: whose energy it is: `device`, `machine` or `process_tree`.
        domain: which one, when a component has several (a card's UUID).
        update_s: how often the figure behind it changes; a read can be wrong by one such step at each edge.
        gain: lowest and highest factor between the true energy and the figure, from calibration error or model.
        unbooked_w: power that may belong here but is not in the figure; it only raises the interval's upper end.
        doubt: why the figure deserves less trust than usual, or why it was lost; None when nothing is wrong.
    """

    component: str
    name: str
    quality: str
    scope: str
    domain: str
    update_s: float
    gain: tuple[float, float]
    unbooked_w: float
    doubt: str | None

    def read(self, at_s: float, cpu_s: float) -> float | None:
        """Joules since opened, never falling; None when the source can no longer be read.

        The clock and the process tree's CPU seconds are read once for all sources and handed to each.
        """

    def constants(self) -> dict[str, Any]:
        """What a reader needs to judge the figure: model constants with their origin, device, driver."""

    def close(self) -> None:
        """Gives back handles and threads. Reading afterwards is an error of the caller."""
