"""What a person, or a script, sees of a campaign: bars on a terminal, plain lines elsewhere, JSON lines with --json."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from datetime import datetime, timezone
from typing import Any

from ecotaskset.console import Output
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run

GOOD = ("completed", "early_stopped")
REFRESH_HZ = 2
"""Drawing costs processor time beside the runs that are being measured."""


class Reporter:
    """Counts runs, energy and time; `tell` is what the engines call. Use it in a `with`."""

    def __init__(self, out: Output, n_runs: int, jobs: int) -> None:
        self.out, self.n_runs, self.jobs = out, n_runs, jobs
        self.statuses: Counter[str] = Counter()
        self.run_ids: list[str] = []
        self.energy_kwh: float | None = None
        self.failures: list[str] = []
        self._since = time.monotonic()
        self._bars: Any = None
        self._rows: dict[tuple[str, int], Any] = {}

    def __enter__(self) -> Reporter:
        if sys.stderr.isatty() and not self.out.quiet and not self.out.json:
            from rich.progress import BarColumn, Progress, TextColumn

            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(24),
                TextColumn("{task.fields[note]}"),
                console=self.out.talk,
                refresh_per_second=REFRESH_HZ,
            )
            self._bars.start()
            self._overall = self._bars.add_task("[bold]campaign[/]", total=self.n_runs, note=self._overview())
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def event(self, name: str, **fields: Any) -> None:
        """One JSON line on stdout, with `--json` only."""
        if self.out.json:
            line = {"event": name, "ts": datetime.now(timezone.utc).isoformat(timespec="milliseconds"), **fields}
            sys.stdout.write(json.dumps(line, allow_nan=False, default=str) + "\n")
            sys.stdout.flush()

    def tell(self, recipe: Recipe, event: dict[str, Any]) -> None:
        """What an engine has to say about one recipe."""
        key = {"recipe_id": recipe.recipe_id, "seed": recipe.seed}
        details = {name: _finite(value) for name, value in event.items() if name not in ("event", "run")}
        match event["event"]:
            case "run_started":
                self.event("run_started", **key, **details, recipe=recipe.model_dump(mode="json"))
                self._row(recipe, total=recipe.epochs, note="")
            case "epoch":
                self.event("epoch", **key, **details)
                note = f"{event['metric']} {event['quality']:.3f}  {_wh(event['energy_kwh'])}"
                self._row(recipe, completed=event["epoch"], note=note)
            case "run":
                self._finished(recipe, event["run"], key)

    def _finished(self, recipe: Recipe, run: Run, key: dict[str, Any]) -> None:
        self.statuses[run.status] += 1
        self.run_ids.append(run.run_id)
        if run.energy_kwh is not None:
            self.energy_kwh = (self.energy_kwh or 0.0) + run.energy_kwh
        if run.status not in GOOD:
            self.failures.append(f"{title(recipe)}: {run.status}: {run.status_reason}")
        self.event(
            "run_finished",
            run_id=run.run_id,
            **key,
            status=run.status,
            reason=run.status_reason,
            quality=run.quality_validation,
            energy_kwh=run.energy_kwh,
            duration_s=run.duration_s,
        )
        if self._bars is not None:
            if (row := self._rows.pop((recipe.recipe_id, recipe.seed), None)) is not None:
                self._bars.remove_task(row)
            self._bars.update(self._overall, completed=self.n_done, note=self._overview())
        if self._bars is None or run.status not in GOOD:
            quality = "" if run.quality_validation is None else f"  {run.quality_metric} {run.quality_validation:.3f}"
            reason = f"  [red]{run.status}: {run.status_reason}[/]" if run.status not in GOOD else f"  {run.status}"
            self.out.say(f"{self.n_done}/{self.n_runs}  {title(recipe)}{reason}{quality}  {_wh(run.energy_kwh)}"
                         f"  [dim]{self._overview()}[/]")  # fmt: skip

    def _row(self, recipe: Recipe, **changes: Any) -> None:
        if self._bars is None:
            return
        key = (recipe.recipe_id, recipe.seed)
        if key not in self._rows:
            self._rows[key] = self._bars.add_task(f"  {title(recipe)}", total=recipe.epochs, note="")
        self._bars.update(self._rows[key], **changes)

    @property
    def n_done(self) -> int:
        """Runs that ended, however they ended."""
        return sum(self.statuses.values())

    @property
    def eta_s(self) -> float | None:
        """Seconds to the end at the pace so far; unknown before the first run has ended."""
        elapsed = time.monotonic() - self._since
        return elapsed / self.n_done * (self.n_runs - self.n_done) if self.n_done else None

    def _overview(self) -> str:
        failed = sum(n for status, n in self.statuses.items() if status not in GOOD)
        left = "" if self.eta_s is None else f" · {clock(self.eta_s)} left"
        return f"{self.n_done}/{self.n_runs}" + (f" · {failed} failed" if failed else "") + (
            f" · {_wh(self.energy_kwh)} so far{left}"
        )  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """The campaign's end as one object."""
        return {
            "n_runs": self.n_done,
            "statuses": dict(self.statuses),
            "energy_kwh": self.energy_kwh,
            "duration_s": time.monotonic() - self._since,
            "run_ids": self.run_ids,
        }


def title(recipe: Recipe) -> str:
    """A recipe in a few words."""
    return f"{recipe.dataset} · {recipe.model} · seed {recipe.seed}"


def clock(seconds: float) -> str:
    """Seconds as people say them: `40 s`, `12 min`, `3.5 h`."""
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def _wh(kwh: float | None) -> str:
    return "energy not known" if kwh is None else f"{kwh * 1000:.3g} Wh"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value
