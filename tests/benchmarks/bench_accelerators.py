"""What is said of accelerators from runs on processors and data sheets alone, beside what was measured on them.

python tests/benchmarks/bench_accelerators.py --external FOLDER [--json]

FOLDER has the public sets `zeus`, `imagenet_efficiency` and `seaa2023`. The shipped model, which has seen no
accelerator, is told of each training there what its paper says of the task and the architecture, and what the data
sheet says of the card; then also what one other training of the task needed on that card. Beside it the rule that is
used for such estimates: three times the forward operations, at a third of the data-sheet rate, at the power limit. Left
out, for nobody published what would have to be told: EC-NAS (operations), the texts of Sentiment140 in Zeus (their
length), cards without a data sheet here.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from ecotaskset.importers import import_folder
from green_predictor import GreenPredictor
from green_predictor.accelerators import data_sheet, listed_in
from green_predictor.source import SHIPPED_MODEL
from green_predictor.targets import final_quality

SETS = ("zeus", "imagenet_efficiency", "seaa2023")
RULE_EFFICIENCY = 1 / 3
LAYERS = {
    "densenet121": 242, "densenet169": 338, "densenet201": 402, "efficientnetb0": 131, "efficientnetb1": 185,
    "efficientnetb2": 185, "efficientnetb3": 210, "efficientnetb4": 257, "inceptionresnetv2": 490, "mobilenetv2": 105,
    "nasnetmobile": 700, "ncf": 10, "quicknet": 50, "quicknetsmall": 50, "resnet101": 210, "resnet152": 311,
    "resnet50": 107, "shufflenetv2": 113, "vgg16": 16, "vgg19": 19, "xception": 110, "bert_base_uncased": 108,
}  # fmt: skip
"""Convolutions, linear layers and normalisations with weights, as the papers' architectures have them."""
TOLD = {
    ("cifar100", "shufflenetv2"): {"n_train": 50_000, "flops_per_sample": 0.095e9, "n_parameters": 1.3e6},
    ("imagenet", "resnet50"): {"n_train": 1_281_167, "flops_per_sample": 8.2e9, "n_parameters": 25.6e6},
    ("movielens-1m", "ncf"): {"n_train": 4_970_845, "flops_per_sample": 0.1e6, "n_parameters": 1.4e6},
    ("squad", "bert_base_uncased"): {"n_train": 88_000, "flops_per_sample": 71e9, "n_parameters": 109e6},
}
"""What Zeus trained, which its traces do not say: examples an epoch, forward operations of one (CIFAR images at their
own size, four negatives to a rating, texts of 384 tokens), weights."""
DRAWS = 5


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--external", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    model, found = GreenPredictor.from_pretrained(SHIPPED_MODEL), {}
    for name in SETS:
        runs = [run.model_dump() for run in import_folder(name, words.external / name).runs]
        found[name] = compared(model, [one for run in runs if (one := described(run)) is not None])
    if words.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(name, *(f"  {key}: {value}" for key, value in figures.items()), sep="\n")


def described(run: dict[str, Any]) -> dict[str, Any] | None:
    """A run as somebody would describe it before it is made; None where too little is known of it."""
    knobs = {k["name"]: k["value"] for k in run["knobs"]} if isinstance(run["knobs"], list) else run["knobs"] or {}
    card, layers = listed_in(run["gpu_model"]), LAYERS.get(run["model"].split("/")[0].lower().replace("_v2", "v2"))
    layers = layers or LAYERS.get(run["model"].split("/")[0].lower().replace("_", ""))
    told = TOLD.get((run["dataset"], run["model"]), {})
    known = {**{k: run[k] for k in ("n_train", "flops_per_sample", "n_parameters") if run.get(k)}, **told}
    limit = float(knobs.get("gpu_power_limit") or 0)
    if card is None or layers is None or not {"n_train", "flops_per_sample"} <= known.keys() or not run["duration_s"]:
        return None
    if limit and limit < run["gpu_tdp_w"]:
        return None
    sheet, count = data_sheet(card), run.get("gpu_count") or 1
    parameters = known.get("n_parameters") or known["flops_per_sample"] / 200
    return {
        **known, "domain": run["domain"], "dataset": run["dataset"], "model": run["model"],
        "epochs": run.get("epochs_run") or run["epochs"], "learning_rate": 1e-3, "n_parameters": parameters,
        "n_trainable_parameters": parameters, "n_conv_layers": layers, "quality": final_quality(run),
        # the batch of the sets is that of one card
        "batch_size": run["batch_size"] * count, **sheet, "gpu_tdp_w": run.get("gpu_tdp_w") or sheet["gpu_tdp_w"],
        "gpu_count": count, "energy_kwh": run["gpu_energy_kwh"], "duration_s": run["duration_s"],
    }  # fmt: skip


def compared(model: GreenPredictor, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Measured over said, runs alike (architecture, card, batch) as one."""
    said = model.predict(runs)
    energy, time = (np.array([run[name] for run in runs]) for name in ("energy_kwh", "duration_s"))
    rule = np.array([by_rule(run) for run in runs])
    alike = [(run["model"], run["gpu_model"], run["batch_size"]) for run in runs]
    inside = (energy >= said.energy_low_kwh) & (energy <= said.energy_high_kwh)
    return {
        "trainings": len(set(alike)),
        "cards": sorted({run["gpu_model"] for run in runs}),
        "energy": factor(energy / said.energy_kwh.to_numpy(), alike),
        "energy by the rule": factor(energy / rule[:, 0], alike),
        "time": factor(time / said.duration_s.to_numpy(), alike),
        "time by the rule": factor(time / rule[:, 1], alike),
        "energy, one run there told": after_one_run(model, runs, alike),
        "energies inside 90 % intervals": round(float(np.mean(list(by(inside.to_numpy(), alike).values()))), 2),
        "energy by architecture, median": {
            name: round(float(np.median(values)), 2) for name, values in sorted(_split(energy / said.energy_kwh, runs))
        },
    }


def after_one_run(model: GreenPredictor, runs: list[dict[str, Any]], alike: list[tuple]) -> dict[str, float]:
    """As `factor`, of trainings of a task on a card of which one, drawn by chance, was made before."""
    one_each = dict(zip(alike, runs, strict=True))
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for run in one_each.values():
        groups[run["dataset"], run["gpu_model"]].append(run)
    chance, ratio, keys = np.random.default_rng(0), [], []
    for group in groups.values():
        for made in chance.permutation(len(group))[:DRAWS] if len(group) > 1 else ():
            others = [run for i, run in enumerate(group) if i != made]
            said = model.predict(others, observed=[group[made]]).energy_kwh
            ratio += [run["energy_kwh"] / kwh for run, kwh in zip(others, said, strict=True)]
            keys += [(run["model"], run["gpu_model"], run["batch_size"]) for run in others]
    return factor(np.array(ratio), keys)


def by_rule(run: dict[str, Any]) -> tuple[float, float]:
    """kWh and s."""
    operations = 3 * run["flops_per_sample"] * run["n_train"] * run["epochs"]
    seconds = operations / (RULE_EFFICIENCY * 1e9 * run["matmul_gflops"] / 0.8 * run["gpu_count"])
    return seconds * run["gpu_tdp_w"] * run["gpu_count"] / 3.6e6, seconds


def factor(ratio: np.ndarray, alike: list[tuple]) -> dict[str, float]:
    """Median of measured over said, and the factor by which a half and nine tenths are off at most."""
    logs = np.log(np.array(list(by(ratio, alike).values())))
    half, most = np.quantile(np.abs(logs), (0.5, 0.9))
    return {name: round(float(np.exp(v)), 2) for name, v in
            (("median", np.median(logs)), ("typically off by", half), ("at most, of 9 in 10", most))}  # fmt: skip


def by(values: np.ndarray, alike: list[tuple]) -> dict[tuple, float]:
    """The median of each group."""
    groups: dict[tuple, list[float]] = defaultdict(list)
    for key, value in zip(alike, values, strict=True):
        groups[key].append(float(value))
    return {key: float(np.median(group)) for key, group in groups.items()}


def _split(values: Any, runs: list[dict[str, Any]]) -> list[tuple[str, list[float]]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for run, value in zip(runs, values, strict=True):
        groups[run["model"]].append(float(value))
    return list(groups.items())


if __name__ == "__main__":
    main()
