"""What can be seen of somebody else's training from its objects: model, loaders, optimizer, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecotaskset.knobs import KNOBS

if TYPE_CHECKING:
    from torch import nn, optim


def full_model(model: nn.Module) -> nn.Module:
    """The module inside the wrappers of data parallelism and compilation."""
    while True:
        inner = getattr(model, "_orig_mod", None) or (
            model.module if type(model).__name__ in ("DistributedDataParallel", "DataParallel") else None
        )
        if inner is None:
            return model
        model = inner


def describe_module(model: nn.Module, example_batch: dict[str, Any] | None) -> dict[str, Any]:
    """Run columns of the model; FLOPs only where there is a batch to count them on."""
    import torch

    from collectors.profile import count_layers, describe_model

    inner = full_model(model)
    if example_batch is not None:
        with torch.random.fork_rng():  # being recorded must not change what is trained
            return describe_model(inner, example_batch)
    parameters = list(inner.parameters())
    return {
        "n_parameters": sum(p.numel() for p in parameters),
        "n_trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        **count_layers(inner),
    }


def describe_loaders(train: Any, validation: Any) -> dict[str, Any]:
    """`n_train`, `n_validation`, `batch_size` and `dataset_revision`, where the loaders know them."""
    found = {"n_train": _size(train), "n_validation": _size(validation), "dataset_revision": _fingerprint(train)}
    size = getattr(train, "total_batch_size", None) or getattr(train, "batch_size", None)
    return {name: value for name, value in {**found, "batch_size": size}.items() if value is not None}


def _size(loader: Any) -> int | None:
    dataset = getattr(loader, "dataset", None)
    return len(dataset) if hasattr(dataset, "__len__") else None


def _fingerprint(loader: Any) -> str | None:
    """What `datasets` derives from the rows, or their files, and all that was done to them: the same in every process,
    but for steps it cannot follow, such as a shuffle without a seed. It has no public name for it.
    """
    found = getattr(getattr(loader, "dataset", None), "_fingerprint", None)
    return found if isinstance(found, str) else None


def describe_optimizer(optimizer: optim.Optimizer | None) -> dict[str, Any]:
    """`learning_rate` (the highest group's), `weight_decay`, and the knob `optimizer`."""
    if optimizer is None:
        return {}
    inner = getattr(optimizer, "optimizer", optimizer)  # Accelerate's wrapper
    first = max(inner.param_groups, key=lambda group: float(group.get("initial_lr", group["lr"])))
    found = {
        "learning_rate": float(first.get("initial_lr", first["lr"])),
        "weight_decay": float(first.get("weight_decay", 0.0)),
    }
    return {**found, **knob_or_flag("optimizer", type(inner).__name__)}


def knob_or_flag(knob: str, word: str) -> dict[str, Any]:
    """A knob's value if the catalogue has it; else a flag, so that the row does not pretend to the default."""
    value = word.lower()
    if value in KNOBS[knob].values:
        return {"knobs": {knob: value}}
    return {"flags": [f"{knob}={value}"[:100]]}


def how_it_ended(error: BaseException | None, n_run: int, n_planned: int) -> tuple[str, str | None]:
    """Status and reason of a loop that was left with `error`, or with None."""
    from collectors.train import is_out_of_memory

    if error is None:
        return ("completed", None) if n_run >= n_planned else ("early_stopped", f"{n_run} of {n_planned} epochs")
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "stopped by the user"
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:400]
    return ("out_of_memory" if isinstance(error, Exception) and is_out_of_memory(error) else "failed"), reason


def all_ranks(of_this_one: Any) -> list[Any]:
    """What all processes of this training have to say; of this one only where it is alone."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return [of_this_one]
    gathered: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(gathered, of_this_one)
    return gathered


def sum_known(values: list[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
