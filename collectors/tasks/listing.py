"""The rows of `green-collect --list`: what can be trained here, how big it is, and where the data comes from."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from collectors.tasks.architectures import Architecture, Inputs, all_architectures
from collectors.tasks.catalogue import all_datasets
from collectors.tasks.prepare.cache import write_whole
from collectors.tasks.sources.packages import cache_root

REFERENCE = {
    "cv": {"n_classes": 10, "side": 28, "channels": 1},
    "nlp": {"n_classes": 2, "vocabulary": 4_096, "length": 32},
    "recsys": {"n_items": 1_682, "length": 32},
}
"""The inputs that sizes are counted for: Fashion-MNIST, movie reviews and MovieLens-100k."""


def listing(*, sizes: bool = True) -> dict[str, list[dict[str, Any]]]:
    """`architectures` (name, domain, family, params, …) and `datasets` (name, domain, source, needs_hub, …).

    `params` (parameters) and `flops_per_sample` (forward, a multiply-add is two) are for the REFERENCE inputs of the
    domain, counted without allocating them; that needs torch and some ten seconds, so the counts are kept in the
    cache. With `sizes=False` both are None and the answer is immediate.
    """
    counts = _sizes() if sizes else {}
    return {
        "architectures": [
            {
                "name": entry.name,
                "domain": entry.domain,
                "family": entry.family,
                **counts.get(entry.name, {"params": None, "flops_per_sample": None}),
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


def _sizes() -> dict[str, dict[str, float]]:
    """`measure` of every architecture, from the cache while neither our code nor the libraries have changed."""
    digest = hashlib.sha256()
    for source in sorted((Path(__file__).parent / "architectures").glob("*.py")):
        digest.update(source.read_bytes())
    for library in ("torch", "transformers"):
        digest.update(version(library).encode())
    kept = cache_root() / f"sizes-{digest.hexdigest()[:16]}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    counts = {entry.name: measure(entry) for entry in all_architectures()}
    write_whole(kept, json.dumps(counts).encode())
    return counts


def measure(architecture: Architecture) -> dict[str, float]:
    """`params` and `flops_per_sample` at width 1 for the reference inputs, on torch's meta device (no memory)."""
    import torch

    from collectors.profile import count_flops

    inputs = reference_inputs(architecture)
    with torch.device("meta"):
        model = architecture.build(inputs, 1.0)
        if architecture.domain == "cv":
            batch = {"pixel_values": torch.empty(2, inputs.channels, inputs.side, inputs.side)}
        else:
            ids = torch.ones(2, inputs.length, dtype=torch.long)
            batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if architecture.family == "decoder":
            # Shapes have no values: eager attention is the path that does not look whether the mask is all ones.
            model.set_attn_implementation("eager")
        elif hasattr(model, "set_attn_implementation"):
            batch.pop("attention_mask", None)
        return {"params": sum(p.numel() for p in model.parameters()), "flops_per_sample": count_flops(model, batch)}
