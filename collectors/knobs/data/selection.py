"""Which training examples are worth their energy (knob data_selection)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from collectors.tasks.task import Task
from ecotaskset.knobs import SELECTED_SHARE
from ecotaskset.recipe import Recipe

PROXY_STEPS = 40
"""The proxy is trained for one epoch, or for as many as so many steps take: with 20 steps on digits, scores tell wrong
labels from right ones in 83 of 100 pairs, with 40 in 99, with more no better."""
SELECTION_SEED = 20261121
"""The proxy's own: all seeds of a recipe see the same examples, and the run's own random numbers stay as they are."""


def choose(task: Task, recipe: Recipe, device: torch.device) -> Task:
    """The task with the training examples that data_selection keeps; `data_fraction` says how many.

    Works on the whole training split: `load_task` leaves the share to this knob. Energy is spent here by `el2n`, in
    phase data where the caller's meter stands.
    """
    how = recipe.knob("data_selection")
    if how == "none":
        return task
    n, share = len(task.train), recipe.knobs.get("data_fraction")
    if how == "balanced":
        kept = equal_numbers(labels_of(task.train), share or 1.0)
    else:
        scores = el2n_scores(task, recipe, device)
        kept = scores.argsort(descending=True)[: max(1, round((share or SELECTED_SHARE) * n))].sort().values
    return replace(
        task, train=Subset(task.train, kept.tolist()), descriptors={**task.descriptors, "n_train": len(kept)}
    )


def equal_numbers(labels: torch.Tensor, share: float) -> torch.Tensor:
    """Places, ascending, of equally many examples a class: as many as the share allows and the rarest class has."""
    classes, counts = labels.unique(return_counts=True)
    each = max(1, min(int(counts.min()), int(share * len(labels) / len(classes))))
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(SELECTION_SEED))
    kept = [shuffled[labels[shuffled] == label][:each] for label in classes]
    return torch.cat(kept).sort().values


def labels_of(dataset: Dataset) -> torch.Tensor:
    """Labels of all examples, int64 (n,)."""
    loader = DataLoader(dataset, batch_size=1024, collate_fn=lambda items: [item["labels"] for item in items])
    return torch.stack([label for block in loader for label in block])


def el2n_scores(task: Task, recipe: Recipe, device: torch.device) -> torch.Tensor:
    """EL2N of every training example, float32 (n,): ‖softmax(logits) − one-hot label‖₂ early in training.

    Paul et al., "Deep Learning on a Data Diet" (arXiv 2107.07075), definition 2.2. They average ten networks; here
    one network of the recipe's architecture is trained, since every further one would cost more energy than leaving
    out examples saves in a short training.
    """
    with torch.random.fork_rng():
        torch.manual_seed(SELECTION_SEED)
        proxy = task.build_model(recipe.model, recipe.model_copy(update={"pretrained": False})).to(device)
        optimizer = torch.optim.AdamW(proxy.parameters(), lr=recipe.learning_rate)
        proxy.train()
        loader = DataLoader(task.train, batch_size=recipe.batch_size, shuffle=True, collate_fn=task.collate)
        for _ in range(-(-PROXY_STEPS // len(loader))):
            for batch in loader:
                proxy(**{name: value.to(device) for name, value in batch.items()}).loss.backward()
                optimizer.step()
                optimizer.zero_grad()
    return error_norms(proxy, task, device)


@torch.no_grad()
def error_norms(model: torch.nn.Module, task: Task, device: torch.device) -> torch.Tensor:
    """‖softmax(logits) − one-hot label‖₂ of every training example, in their order, float32 (n,)."""
    model.eval()
    norms = []
    for batch in DataLoader(task.train, batch_size=256, collate_fn=task.collate):
        batch = {name: value.to(device) for name, value in batch.items()}
        errors = model(**batch).logits.float().softmax(dim=-1)
        errors[torch.arange(len(errors)), batch["labels"]] -= 1
        norms.append(errors.norm(dim=-1).cpu())
    return torch.cat(norms)
