"""From a recipe to a Task: find the data, prepare it (or take it from the cache), and say how to build a model."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures import Inputs, build, get_architecture
from collectors.tasks.architectures.published import image_inputs, published_id, text_encoder
from collectors.tasks.catalogue import get_dataset
from collectors.tasks.catalogue.declaration import DatasetEntry
from collectors.tasks.prepare.describe import COLUMNS
from collectors.tasks.sources.packages import SourceUnavailable, cache_root
from collectors.tasks.task import Task
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    from collectors.tasks.sources.raw import Raw

DEFAULT_LENGTH = 32
MIN_LENGTH = 4


def load_task(recipe: Any, cache_dir: str | os.PathLike[str] | None = None) -> Task:
    """The task of a recipe, with its data in memory.

    Reads `recipe.domain`, `dataset`, `model`, `pretrained` and the knobs `input_size`, `data_fraction`,
    `data_sampling`, `dynamic_padding` and `cached_preprocessing`; never the seed: seeds see the same data.

    Raises UsageError for unknown names, data that cannot be had or cannot be learned from.
    """
    entry = get_dataset(recipe.dataset, recipe.domain)
    get_architecture(recipe.model, recipe.domain)
    root = cache_root(cache_dir)
    root.mkdir(parents=True, exist_ok=True)
    return {"cv": _images, "nlp": _texts, "recsys": _sequences}[recipe.domain](recipe, entry, root)


def _images(recipe: Any, entry: DatasetEntry, root: Path) -> Task:
    from collectors.tasks.prepare.images import finisher, prepare_images
    from collectors.tasks.prepare.tensors import stack

    architecture = get_architecture(recipe.model, "cv")
    hub_id = published_id(architecture, recipe.pretrained)
    wanted = recipe.knobs.get("input_size")
    if hub_id is not None:
        published_side, mean, std = image_inputs(hub_id)
        wanted = wanted or published_side
    # Without a declared side, that of the stored images is known only once they are read.
    fit = architecture.fit_side if wanted is None else lambda _: architecture.fit_side(int(wanted))
    key = {**_key(entry), "fit": [wanted, architecture.min_side, architecture.side_multiple]}
    arrays, meta, cached = prepare_images(partial(_load, entry), key, fit, root, _reuse(recipe))
    if hub_id is None:
        finish = finisher([meta["pixel_mean"]], [max(meta["pixel_std"], 1e-3)])
    else:
        finish = finisher(mean, std, channels=3)
    shape = arrays["train_pixels"].shape
    inputs = Inputs(n_classes=meta["n_classes"], side=shape[1], channels=shape[3])
    return _task(recipe, entry, arrays, meta, cached, ("pixels", "labels"), finish, stack, inputs)


def _texts(recipe: Any, entry: DatasetEntry, root: Path) -> Task:
    from collectors.tasks.prepare.tensors import stack, trim_right
    from collectors.tasks.prepare.texts import finish, prepare_texts

    hub_id = published_id(get_architecture(recipe.model, "nlp"), recipe.pretrained)
    published = text_encoder(hub_id) if hub_id is not None else None
    length = _length(recipe, entry)
    key = {**_key(entry), "tokenizer": hub_id}
    arrays, meta, cached = prepare_texts(partial(_load, entry), key, length, root, _reuse(recipe), published)
    inputs = Inputs(n_classes=meta["n_classes"], vocabulary=meta["vocab_size"], length=length, pad_id=meta["pad_id"])
    collate = trim_right if recipe.knobs.get("dynamic_padding") else stack
    return _task(recipe, entry, arrays, meta, cached, ("ids", "lengths", "labels"), finish, collate, inputs)


def _sequences(recipe: Any, entry: DatasetEntry, root: Path) -> Task:
    from collectors.tasks.prepare.sequences import finish, prepare_sequences
    from collectors.tasks.prepare.tensors import stack, trim_left

    published_id(get_architecture(recipe.model, "recsys"), recipe.pretrained)  # none is: refused if asked for
    length = _length(recipe, entry)
    arrays, meta, cached = prepare_sequences(partial(_load, entry), _key(entry), length, root, _reuse(recipe))
    inputs = Inputs(n_items=meta["n_items"], length=length)
    collate = trim_left if recipe.knobs.get("dynamic_padding") else stack
    return _task(recipe, entry, arrays, meta, cached, ("ids", "targets"), finish, collate, inputs)


def _task(
    recipe: Any,
    entry: DatasetEntry,
    arrays: dict[str, Any],
    meta: dict[str, Any],
    cached: bool,
    columns: tuple[str, ...],
    finish: Any,
    collate: Any,
    inputs: Inputs,
) -> Task:
    import torch

    from collectors.tasks import scores
    from collectors.tasks.prepare.splits import sample
    from collectors.tasks.prepare.tensors import TensorColumns

    strata = arrays.get("train_labels", arrays["train_" + columns[0]][:, -1] * 0)
    # data_selection needs to see every example; it takes the share itself.
    share = 1.0 if "data_selection" in recipe.knobs else float(recipe.knobs.get("data_fraction", 1.0))
    rows = sample(strata, share, recipe.knobs.get("data_sampling", "stratified"))
    splits = {}
    for name in ("train", "validation", "test"):
        parts = {column: arrays[f"{name}_{column}"] for column in columns}
        if name == "train":
            parts = {column: part[rows] for column, part in parts.items()}
        splits[name] = TensorColumns({column: torch.from_numpy(part) for column, part in parts.items()}, finish)
    ranking = recipe.domain == "recsys"
    return Task(
        domain=recipe.domain,
        dataset=entry.name,
        metric="ndcg@10" if ranking else "accuracy",
        **splits,
        collate=collate,
        score=scores.ndcg_at_10 if ranking else scores.accuracy,
        build_model=partial(build, inputs),
        descriptors={column: meta[column] for column in COLUMNS} | {"n_train": len(rows)},
        revision=meta["dataset_revision"],
        cached=cached,
        extra_scores={"recall@10": scores.recall_at_10} if ranking else {},
    )


def _load(entry: DatasetEntry, root: Path) -> Raw:
    """The raw data from the first source that has it: no hub first, then the Hub."""
    problem: SourceUnavailable | None = None
    for loader in (entry.load, entry.load_hub):
        if loader is not None:
            try:
                return loader(root)
            except SourceUnavailable as error:
                problem = (
                    error
                    if problem is None
                    else SourceUnavailable(f"{problem.message}; {error.message}", hint=problem.hint)
                )
    if problem is None:
        raise UsageError(f"data set '{entry.name}' declares no source", hint="see `green-collect --list`")
    raise UsageError(f"data set '{entry.name}' cannot be had: {problem.message}", hint=problem.hint)


def _key(entry: DatasetEntry) -> dict[str, Any]:
    return {"dataset": entry.name, "domain": entry.domain, "version": entry.version}


def _reuse(recipe: Any) -> bool:
    return bool(recipe.knobs.get("cached_preprocessing", True))


def _length(recipe: Any, entry: DatasetEntry) -> int:
    return max(MIN_LENGTH, int(recipe.knobs.get("input_size") or entry.sequence_length or DEFAULT_LENGTH))
