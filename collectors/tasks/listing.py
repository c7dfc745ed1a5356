"""The rows of `green-collect --list`: what can be trained here, how big it is, and where the data comes from."""

from __future__ import annotations

from typing import Any

from collectors.tasks.architectures import Architecture, Inputs, all_architectures
from collectors.tasks.catalogue import all_datasets

REFERENCE = {
    "cv": {"n_classes": 10, "side": 28, "channels": 1},
    "nlp": {"n_classes": 2, "vocabulary": 4_096, "length": 32},
    "recsys": {"n_items": 1_682, "length": 32},
}
"""The inputs that sizes are counted for: Fashion-MNIST, movie reviews and MovieLens-100k."""


def listing(*, sizes: bool = True) -> dict[str, list[dict[str, Any]]]:
    """`architectures` (name, domain, family, params) and `datasets` (name, domain, source, needs_hub, and what it is).

    `params` are the parameters for the REFERENCE inputs of the domain, counted without allocating them; they need
    torch and a few seconds. With `sizes=False` they are None and the answer is immediate.
    """
    return {
        "architectures": [
            {
                "name": entry.name,
                "domain": entry.domain,
                "family": entry.family,
                "params": count_parameters(entry) if sizes else None,
                "pretrained_id": entry.pretrained_id,
            }
            for entry in all_architectures()
        ],
        "datasets": [
            {
                "name": entry.name,
                "domain": entry.domain,
                "source": entry.source,
                "needs_hub": entry.needs_hub,
                "hub_id": entry.hub_id,
                "n_classes": entry.n_classes,
                "licence": entry.licence,
                "citation": entry.citation,
                "note": entry.note,
            }
            for entry in all_datasets()
        ],
    }


def reference_inputs(architecture: Architecture) -> Inputs:
    """The inputs that `params` in the listing are counted for."""
    shape = dict(REFERENCE[architecture.domain])
    if "side" in shape:
        shape["side"] = architecture.fit_side(shape["side"])
    return Inputs(**shape)


def count_parameters(architecture: Architecture) -> int:
    """Parameters at width 1 for the reference inputs, built on torch's meta device: shapes without memory."""
    import torch

    with torch.device("meta"):
        model = architecture.build(reference_inputs(architecture), 1.0)
    return sum(parameter.numel() for parameter in model.parameters())
