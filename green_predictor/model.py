"""GreenPredictor: the predictor as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from ecotaskset.errors import UsageError
from green_predictor import domain_model, fitting, source, storage
from green_predictor.completed import MACHINE, completer
from green_predictor.hardware import Machine, machine, threads_of, tried
from green_predictor.machines import hardware_columns, machines
from green_predictor.observed import OF_ASKED, observed_training
from green_predictor.pace import paced_by_runs
from green_predictor.recipe_effect import with_own
from green_predictor.recommendation import Recommendation
from green_predictor.rows import recipe_rows
from green_predictor.tasks import known_tasks, task_columns, task_record
from green_predictor.threads import count_of, on_all, on_count
from green_predictor.told_by_runs import neighbours_of

if TYPE_CHECKING:
    import pandas as pd

UNSAID = {"weight_decay": 0.0, "origin": "collected"}
"""What a record means that does not say it, as a recipe does."""


class GreenPredictor(BaseEstimator):
    """Predicts quality, energy and time of a training, epoch by epoch, with 90 % intervals.

    Args:
        energy: `all`, or `measured` to learn from counters only.
        families: names out of `families.FAMILIES` to choose among; None for all.
        random_state: seed of everything random; equal seeds give equal models.

    Attributes:
        domains_: the fitted models by domain.
        runs_: the run records it was fitted on.

    Example:
        >>> from green_predictor import GreenPredictor
        >>> GreenPredictor().fit().predict([{"domain": "cv", ...}])  # doctest: +SKIP
    """

    def __init__(self, energy: str = "all", families: Sequence[str] | None = None, random_state: int = 0) -> None:
        self.energy = energy
        self.families = families
        self.random_state = random_state

    def fit(self, X: Any = None, y: Any = None) -> GreenPredictor:
        """Learn from runs: a table, a frame, runs, a store's path or a Hub data set; None for the shipped snapshot.

        `y` is ignored: the outcome columns are in the runs.
        """
        self.runs_ = source.records(X)
        families = list(self.families) if self.families is not None else None
        self.domains_ = fitting.fit_domains(self.runs_, energy=self.energy, families=families, seed=self.random_state)
        return self

    def update(self, X: Any) -> GreenPredictor:
        """Add runs and learn anew from all of them; a run that is already known counts once."""
        self._check()
        if not self.runs_:
            raise UsageError("a loaded model has no runs to add to", hint="fit() on the runs, then update()")
        known = {r.get("run_id") for r in self.runs_ if r.get("run_id")}
        added = [r for r in source.records(X) if not r.get("run_id") or r["run_id"] not in known]
        return self.fit([*self.runs_, *added])

    def predict(self, X: Any, observed: Any = None) -> pd.DataFrame:
        """One row a run record: quality, energy_kwh, duration_s and the ends of their intervals, after `epochs` epochs.

        A record needs `domain`, `dataset`, `model`, `epochs`, `batch_size`, `learning_rate`; task, model and hardware
        columns describe it further. What it leaves out is that of the data set, of the architecture, and of this
        machine; of a data set that no run is of, at least `n_train` must be said. A column `epoch` asks for an earlier
        epoch; a record that says nothing of `cpu_threads` trains on all of its processor. Of a processor or GPU that no
        run is of, as `recommend` of such hardware: intervals are wider, and energy and time of a processor scaled by
        its `matmul_gflops`, where the record has it.

        Raises:
            UsageError: a needed column is missing, or an architecture is not known.
        """
        import pandas as pd

        self._check()
        records = source.records(X)
        found: list[pd.DataFrame] = []
        for (domain, dataset, named, *_), index in _grouped(records).items():
            model = self._domain(domain)
            here = self._machine(model, [records[i] for i in index], named)
            asked = self._completed(model, [records[i] for i in index], here)
            if here.stand_in is not None:
                asked = [{**record, **dict.fromkeys(hardware_columns()), **here.stand_in} for record in asked]
            elif named and not here.in_data:
                asked = [{**record, "matmul_gflops": _rate(here, record)} for record in asked]
            rows = recipe_rows(asked, [(i, float(r.get("epoch") or r["epochs"])) for i, r in enumerate(asked)])
            if here.threads is not None:  # a record that names its machine may have left this open
                rows = on_all(rows, here.threads)
            task = _task_of(model, asked[0])
            seen = None if observed is None else observed_training(observed, model, model.domain, task, here)
            on_it = 0 if seen is None else sum(bool(record.get(OF_ASKED)) for record in seen.records)
            known = domain_model.evidence(model, dataset, seen, here.typical if on_it else 1.0)
            if on_it:
                here = tried(here, on_it)
            known = replace(known, slowdown=here.slowdown, typical=here.typical, accelerator=here.accelerator)
            y = domain_model.raw_predict(model, rows, known)
            y = with_own(domain_model.within_band(y, known), neighbours_of(model, rows, known, y, seen))
            prediction = domain_model.with_intervals(model, rows, y, known)
            columns = {n: getattr(prediction, n) for n in prediction.__dataclass_fields__}
            found.append(pd.DataFrame(columns, index=index))
        return pd.concat(found).sort_index() if found else pd.DataFrame()

    def predict_curve(self, record: Mapping[str, Any]) -> pd.DataFrame:
        """One row an epoch, for one run record."""
        epochs = int(record["epochs"])
        found = self.predict([{**record, "epoch": t} for t in range(1, epochs + 1)])
        found.insert(0, "epoch", np.arange(1, epochs + 1))
        return found

    def recommend(self, **asked: Any) -> Recommendation:
        """`green_predictor.recommend` with this model."""
        from green_predictor.recommender import recommend

        self._check()
        return recommend(**asked, data=self)

    def save(self, folder: str | Path, **facts: Any) -> Path:
        """Write the fitted model (JSON and plain arrays, no pickle) into a folder."""
        self._check()
        return storage.save(self.domains_, folder, {"energy": self.energy, **facts})

    @classmethod
    def load(cls, folder: str | Path) -> GreenPredictor:
        """Read what `save` wrote; anything else is refused. The runs themselves are not in it: `update` needs `fit`."""
        domains, facts = storage.load(folder)
        found = cls(energy=str(facts.get("energy", "all")))
        found.domains_ = domains
        found.runs_ = []
        return found

    @classmethod
    def from_pretrained(
        cls, repo_or_folder: str | Path, *, revision: str | None = None, token: str | None = None
    ) -> GreenPredictor:
        """A saved model from a folder, or a published one from the Hub (`owner/name`, at a tag or commit).

        Raises:
            RefusedError: it is not exactly what `save` writes. HubError: it cannot be fetched.
        """
        from green_predictor.hub import locate

        return cls.load(locate(repo_or_folder, revision=revision, token=token))

    def push_to_hub(self, repo: str, **options: Any) -> Any:
        """Publish this model; options of `green_predictor.hub.publish`."""
        import tempfile

        from green_predictor.hub import publish

        with tempfile.TemporaryDirectory(prefix="green-model-") as folder:
            return publish(repo, self.save(folder, snapshot=source.fingerprint(self.runs_)), **options)

    def _check(self) -> None:
        if not hasattr(self, "domains_"):
            raise NotFittedError("this GreenPredictor is not fitted yet; call fit() first")

    def _machine(self, model: domain_model.DomainModel, records: Sequence[Mapping[str, Any]], named: str) -> Machine:
        """The machine of records that name the same one, or none: then this one."""
        if not named:
            return paced_by_runs(machine(model.runs), self.domains_, self.energy)
        in_data = (m for m in machines(model.runs) if named in (m.get("gpu_model"), m.get("cpu_model")))
        if (found := next(in_data, None)) is not None:
            return Machine({}, "", True, threads=threads_of(found))
        timed = sorted((r for r in records if r.get("matmul_gflops")), key=lambda r: r["matmul_gflops"])
        told = timed[len(timed) // 2] if timed else records[0]
        said = {name: told[name] for name in hardware_columns() if told.get(name) is not None}
        return machine(model.runs, said) if said.keys() & {"gpu_model", "cpu_model"} else Machine({}, "", True)

    def _domain(self, name: str) -> domain_model.DomainModel:
        if name not in self.domains_:
            raise UsageError(f"no model of domain '{name}'", hint=f"fitted: {', '.join(self.domains_)}")
        return self.domains_[name]

    @staticmethod
    def _completed(
        model: domain_model.DomainModel, records: Sequence[Mapping[str, Any]], here: Machine
    ) -> list[dict[str, Any]]:
        for record in records:
            for name in ("model", "epochs", "batch_size", "learning_rate"):
                if record.get(name) is None:
                    raise UsageError(f"a record has no {name}")
        tasks = {name: task_record(model.runs, model.domain, name) for name in known_tasks(model.runs)}
        completed = completer(model, lambda record: tasks.get(str(record.get("dataset")), {}), here.told, here.threads)
        said = [{name: value for name, value in record.items() if value is not None} for record in records]
        return [completed({**UNSAID, **record}) for record in said]


def _task_of(model: domain_model.DomainModel, record: Mapping[str, Any]) -> dict[str, Any]:
    """The task columns of a record; of a data set with runs, those that are known, which no knob has changed."""
    if record["dataset"] in known_tasks(model.runs):
        return task_record(model.runs, model.domain, str(record["dataset"]))
    return {name: record[name] for name in ("dataset", *task_columns()) if record.get(name) is not None}


def _rate(here: Machine, record: Mapping[str, Any]) -> float | None:
    return on_count(here.told, count_of(record)).get("matmul_gflops")


def _grouped(records: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], list[int]]:
    """Positions of the records by domain, data set, the machine they name ("" where that is left open) and what else
    they say of it."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, record in enumerate(records):
        if record.get("domain") is None:
            raise UsageError("a record has no domain")
        named = next((str(record[name]) for name in reversed(MACHINE) if record.get(name)), "")
        also = tuple(record.get(name) for name in ("gpu_count", "gpu_tdp_w", "cpu_threads"))
        groups.setdefault((str(record["domain"]), str(record.get("dataset")), named, *also), []).append(i)
    return groups
