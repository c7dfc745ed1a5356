"""A run or a candidate → a feature row. One function for both, so that training and use can never drift apart.

What goes in derives from the declared Run columns (`rows.setting_columns`) and the knob catalogue; nothing is looked
up by the name of a data set or of a machine: both are described. Unknown fields are normal: they become the training
mean (0 after scaling).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ecotaskset.knobs import KNOBS
from green_predictor import threads
from green_predictor.link import logit
from green_predictor.rows import Rows, setting_columns

TASK_SCALES = (0.3, 0.1, 0.03)
"""Task columns are few distinct points (one a data set): shrunk, so that no model hangs its answer on them. How far is
found out on held-out tasks (see `selection.task_scale`)."""

MOST_AWAY = 6.0
"""No description counts as farther away than so many standard deviations: where all training tasks have 943 users, 586
would be thousands away."""

MOST_WORDS, LEAST_SAID = 40, 3

LEARNING = np.float32(0.5)
"""Power by which what is still to be learned falls with epochs and steps, as in power laws of learning curves (Hestness
et al. 2017, arXiv 1712.00409)."""

_RAW = {"class_balance", "pixel_mean", "pixel_std", "density", "majority_quality", "landmark_quality", "pretrained"}
_CENTRES = {"epoch": 5.0, "epochs": 5.0, "batch_size": 32.0, "learning_rate": 1e-3}


@dataclass(frozen=True)
class FeatureSpec:
    """Which features, and how they are scaled; plain lists, so that it can be kept as JSON.

    `names` (p,), `mean`, `scale` (p,): a feature is (value - mean) * scale, 0 where unknown. `reach` (p,): the farthest
    that a scaled training value lies from 0. Nothing counts as farther than that: a line through a few tasks says
    nothing of what lies beyond them (see `Plan.beyond`), and one through short trainings nothing of long ones.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    reach: np.ndarray


def setting_features(rows: Rows, vocabulary: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """Features of the settings, (m,) each: described task, model, hardware."""
    found: dict[str, np.ndarray] = {}
    for name in setting_columns()[0]:
        if name == threads.KNOB:  # what it costs, physics says; nothing else hangs on it
            continue
        values = rows.numbers[name]
        found[name] = values if name in _RAW else np.log1p(values)
    for name, words in vocabulary.items():
        for word in words:
            found[f"{name}={word}"] = (rows.texts[name] == word).astype(np.float64)
    found["landmark_logit"] = logit(rows.numbers["landmark_quality"])
    found["headroom"] = found["landmark_logit"] - logit(rows.numbers["majority_quality"])
    found["log_gflops"] = _log(rows.numbers["matmul_gflops"])
    return found


def knob_features(rows: Rows) -> dict[str, np.ndarray]:
    """Features of the knob sets, (k,) each: numbers as logarithms, words and switches as 0 or 1."""
    found: dict[str, np.ndarray] = {}
    for name, knob in KNOBS.items():
        if name == threads.KNOB:
            continue
        chosen = [knobs.get(name, knob.default) for knobs in rows.knob_sets]
        if knob.kind is bool or knob.kind is str:
            for level in knob.values:
                if level != knob.default:
                    found[f"{name}={level}"] = np.array([v == level for v in chosen], dtype=np.float64)
        elif knob.share_of is None:
            base = 1.0 if knob.default in (None, 0) else float(knob.default)
            found[name] = np.array([0.0 if v in (None, 0) else np.log(float(v) / base) for v in chosen])
            found[f"{name} set"] = np.array([float(v not in (None, knob.default)) for v in chosen])
    return found


def row_features(rows: Rows, families: list[str]) -> dict[str, Callable[[], np.ndarray]]:
    """Features of single rows, (n,) each and made when asked for: the recipe, its physics, and what interacts."""
    basis: dict[str, np.ndarray] = {}

    def of(name: str) -> np.ndarray:
        if name not in basis:
            basis[name] = _basis(rows, name, of)
        return basis[name]

    def family(word: str) -> np.ndarray:
        return (rows.texts["model_family"] == word).astype(np.float32)[rows.setting]

    def annealed() -> np.ndarray:  # a rate that falls to nothing may start where a constant one ruins the training
        falls = [knobs.get("schedule", KNOBS["schedule"].default) != "constant" for knobs in rows.knob_sets]
        return np.array(falls, np.float32)[rows.knob_set]

    def optimized(word: str) -> np.ndarray:
        return np.array([k.get("optimizer") == word for k in rows.knob_sets], np.float32)[rows.knob_set]

    made: dict[str, Callable[[], np.ndarray]] = {
        name: (lambda name=name: of(name))
        for name in ("t", "E", "b", "lr", "wd", "late", "steps", "work", "seconds", "moved")
    }
    for left, right in (
        ("lr", "lr"), ("b", "b"), ("lr", "t"), ("lr", "b"), ("lr", "steps"), ("lr", "size"), ("steps", "size"),
        ("lr", "wd"),
    ):  # fmt: skip
        made[f"{left}*{right}"] = lambda left=left, right=right: of(left) * of(right)
    for name in ("t", "steps"):  # what is still to be learned falls as a power law, and is nothing in the end
        made[f"{name} to go"] = lambda name=name: np.exp(-LEARNING * of(name))
    for word in families:
        for name in ("lr", "steps"):
            made[f"{name}*family={word}"] = lambda name=name, word=word: of(name) * family(word)
    made["lr*annealed"] = lambda: of("lr") * annealed()
    for word in KNOBS["optimizer"].values:  # the rate at which one optimizer trains best ruins a model with another
        if word != KNOBS["optimizer"].default:
            made[f"lr*optimizer={word}"] = lambda word=word: of("lr") * optimized(word)
    for name, knob in KNOBS.items():
        if knob.share_of is not None:  # what a share saves is a valley: too little slows down more than it saves
            made[f"{name} share"] = lambda name=name: of(name)
            made[f"{name} share*share"] = lambda name=name: of(name) ** 2
    return made


def _basis(rows: Rows, name: str, of: Callable[[str], np.ndarray]) -> np.ndarray:
    def per_setting(*columns: str) -> np.ndarray:
        total = sum(_log(rows.numbers[c]) for c in columns)
        return np.asarray(total, dtype=np.float32)[rows.setting]

    if name in ("t", "E", "b", "lr"):
        column = {"t": "epoch", "E": "epochs", "b": "batch_size", "lr": "learning_rate"}[name]
        return np.log(getattr(rows, column) / np.float32(_CENTRES[column]))
    if name == "wd":
        return np.log1p(rows.weight_decay * np.float32(1e3))
    if name == "late":
        return rows.epoch / rows.epochs
    if name == "size":
        return per_setting("n_parameters") - np.float32(11.0)
    if name == "steps":
        return of("t") + per_setting("n_train") - np.float32(np.log(1000.0)) - of("b")
    if name == "work":
        return of("t") + log_work(rows)
    if name == "seconds":
        return of("work") - per_setting("matmul_gflops")
    if name == "moved":
        return of("steps") + per_setting("n_parameters")
    return _log_share(rows, name)


def _log_share(rows: Rows, name: str) -> np.ndarray:
    """Logarithm of a knob's share of the machine's own value, (n,): 0 where it is not set."""
    chosen = np.array([float(knobs.get(name) or np.nan) for knobs in rows.knob_sets])[rows.knob_set]
    own = rows.numbers[str(KNOBS[name].share_of)][rows.setting]
    return np.where(np.isnan(chosen), 0.0, _log(chosen / own)).astype(np.float32)


def log_work(rows: Rows) -> np.ndarray:
    """Natural logarithm of the floating-point operations of one epoch, (n,): forward and backward pass over the
    training examples (three forward passes) and one forward pass over the validation examples."""
    n = rows.numbers
    validation = np.nan_to_num(n["n_validation"], nan=0.0)
    return np.asarray(_log(3 * n["n_train"] + validation) + _log(n["flops_per_sample"]), np.float32)[rows.setting]


def fit_spec(rows: Rows, weight: np.ndarray, task_scale: float = TASK_SCALES[0]) -> FeatureSpec:
    """Choose and scale the features for a training set: those that vary over it, the task's to `task_scale`."""
    used = np.unique(rows.setting)
    vocabulary = {name: _common(rows.texts[name][used]) for name in ("model", "model_family", "device", "origin")}
    names, means, scales, reaches = [], [], [], []
    task = task_features()
    for name, values in _all_features(rows, vocabulary).items():
        known = np.isfinite(values)
        if not known.any():
            continue
        w = weight[known] / weight[known].sum()
        mean = float(w @ values[known])
        deviation = float(np.sqrt(w @ (values[known] - mean) ** 2))
        if deviation < 1e-6 * max(1.0, abs(mean)):
            continue
        names.append(name)
        means.append(mean)
        farthest = float(np.max(np.abs(values[known] - mean)))
        scales.append(min((task_scale if name in task else 1.0) / deviation, _widest(name) / farthest))
        reaches.append(farthest * scales[-1])
    return FeatureSpec(tuple(names), *(np.array(v, np.float32) for v in (means, scales, reaches)))


def _widest(name: str) -> float:
    """No value of the training data is cut off: a rare one is scaled down instead."""
    return np.inf if "=" in name else MOST_AWAY


def _common(words: np.ndarray) -> list[str]:
    """The words that are worth a feature of their own: said by several runs, and of those the commonest."""
    counted = Counter(str(w) for w in words if w is not None)
    return sorted(w for w, count in counted.most_common(MOST_WORDS) if count >= LEAST_SAID)


def task_features() -> set[str]:
    """Names of the features that describe the task."""
    from ecotaskset.run import columns

    return {name for name, info in columns().items() if info["group"] == "task"} | {"landmark_logit", "headroom"}


def free_of_task(spec: FeatureSpec, targets: Sequence[bool]) -> np.ndarray:
    """Which features each target may hang on, (p, q): those that describe the task only where `targets` says so.

    What examples and operations of a task cost, physics says already; a dozen tasks teach a line nothing beyond it.
    """
    task = task_features()
    return np.array([[described or name not in task for described in targets] for name in spec.names], bool)


def _all_features(rows: Rows, vocabulary: dict[str, list[str]]) -> dict[str, np.ndarray]:
    found = {name: values[rows.setting] for name, values in setting_features(rows, vocabulary).items()}
    found.update({name: values[rows.knob_set] for name, values in knob_features(rows).items()})
    families = vocabulary.get("model_family", [])
    found.update({name: make().astype(np.float64) for name, make in row_features(rows, families).items()})
    return found


@dataclass(frozen=True)
class Plan:
    """Features of the settings and knob sets of some rows, scaled once; the rows themselves are made in pieces.

    `beyond` (m,): how far the description of each setting lies outside those of the training data, squared.
    """

    spec: FeatureSpec
    shared: dict[int, tuple[str, np.ndarray]]
    families: list[str]
    beyond: np.ndarray

    def matrix(self, rows: Rows) -> np.ndarray:
        """Scaled features of rows over the planned settings: float32 (n, p), column by column in memory."""
        x = np.empty((len(rows), len(self.spec.names)), dtype=np.float32, order="F")
        made = row_features(rows, self.families)
        for j, name in enumerate(self.spec.names):
            if j in self.shared:
                index, values = self.shared[j]
                np.take(values, getattr(rows, index), out=x[:, j], mode="clip")
            else:
                np.subtract(made[name](), self.spec.mean[j], out=x[:, j])
                x[:, j] *= self.spec.scale[j]
                np.copyto(x[:, j], 0.0, where=np.isnan(x[:, j]))
                np.clip(x[:, j], -self.spec.reach[j], self.spec.reach[j], out=x[:, j])
        return x


def plan(rows: Rows, spec: FeatureSpec) -> Plan:
    """Prepare the feature matrix of rows (or of pieces of them: `Plan.matrix(rows.take(...))`)."""
    vocabulary: dict[str, list[str]] = {}
    for name in spec.names:
        column, separator, word = name.partition("=")
        if separator and column in rows.texts:
            vocabulary.setdefault(column, []).append(word)
    families = [name.partition("=")[2] for name in spec.names if name.startswith("lr*family=")]
    families += [name.partition("=")[2] for name in spec.names if name.startswith("steps*family=")]
    by_setting, by_knobs = setting_features(rows, vocabulary), knob_features(rows)
    shared: dict[int, tuple[str, np.ndarray]] = {}
    beyond = np.zeros(len(rows.numbers["n_train"]), np.float32)
    for j, name in enumerate(spec.names):
        for index, source in (("setting", by_setting), ("knob_set", by_knobs)):
            if name in source:
                scaled = np.nan_to_num((source[name] - spec.mean[j]) * spec.scale[j], nan=0.0)
                if index == "setting" and "=" not in name:
                    inside = np.clip(scaled, -spec.reach[j], spec.reach[j])
                    beyond += np.minimum(np.abs(scaled - inside), MOST_AWAY) ** 2
                    scaled = inside
                shared[j] = (index, scaled.astype(np.float32))
                break
    return Plan(spec, shared, sorted(set(families)), beyond)


def feature_matrix(rows: Rows, spec: FeatureSpec) -> np.ndarray:
    """Scaled features of all rows at once, float32 (n, p)."""
    return plan(rows, spec).matrix(rows)


def _log(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log(values), np.nan)
