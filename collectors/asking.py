"""Ask after some epochs whether a training is to go on (`green-collect --ask-after`).

A person is asked in words. With `--json` one line of JSON with the curves so far goes to stdout, and a line on stdin is
the answer; `green-recommend --train` decides so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ecotaskset.console import Output

CURVES = {"curve_validation_quality": "quality", "curve_energy_kwh": "energy_kwh", "curve_duration_s": "duration_s"}
"""Columns of a run and the fields of an epoch's event that they are made of."""

YES = ("", "y", "yes", "go")


class Declined(KeyboardInterrupt):
    """The answer was no: the training ends as one that was interrupted, and is kept."""


@dataclass
class Asking:
    """Tells every event on, and asks after epoch `after`, unless that is the last or None. `declined`: it was a no."""

    after: int | None
    out: Output
    tell: Callable[[dict[str, Any]], None]
    declined: bool = False
    curves: dict[str, list[float | None]] = field(default_factory=lambda: {name: [] for name in CURVES})

    def __call__(self, event: dict[str, Any]) -> None:
        """One event of a training.

        Raises:
            Declined: somebody does not want the training to go on.
        """
        self.tell(event)
        if event["event"] != "epoch":
            return
        for column, name in CURVES.items():
            self.curves[column].append(event[name])
        if event["epoch"] == self.after < event["epochs"] and not self._wanted(event):
            self.declined = True
            raise Declined

    def _wanted(self, event: dict[str, Any]) -> bool:
        if self.out.json:
            sys.stdout.write(json.dumps({"epoch": event["epoch"], "epochs": event["epochs"], **self.curves}) + "\n")
            sys.stdout.flush()
        else:
            self.out.say(f"go on to epoch {event['epochs']}? Enter for yes, n for no")
        return sys.stdin.readline().strip().lower() in YES  # nobody there is no reason to stop
