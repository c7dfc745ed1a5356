"""Published weights: `hub:ORG/MODEL` as the name of a model, or `pretrained=True` with a name that declares an id.

The model comes with its own tokenizer, or with the side and the normalisation its images need.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures.declaration import Architecture
from collectors.tasks.sources.hub import require_reachable
from collectors.tasks.sources.packages import SourceUnavailable
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

PREFIX = "hub:"
DEFAULT_SIDE = 224
HALF = [0.5, 0.5, 0.5]


def published_id(architecture: Architecture, pretrained: bool) -> str | None:
    """The Hub id to take weights from, or None to start from scratch. UsageError if none are declared."""
    if architecture.name.startswith(PREFIX):
        return architecture.pretrained_id
    if pretrained and architecture.pretrained_id is None:
        raise UsageError(
            f"architecture '{architecture.name}' has no published weights",
            hint="leave --pretrained out, or name a model on the Hub: --model hub:ORG/MODEL",
        )
    return architecture.pretrained_id if pretrained else None


def image_inputs(hub_id: str) -> tuple[int, list[float], list[float]]:
    """(side in pixels, mean, standard deviation a channel) that the published model expects."""
    from transformers import AutoImageProcessor

    processor = _fetched(AutoImageProcessor, hub_id)
    size = dict(getattr(processor, "size", None) or {})
    side = size.get("height") or size.get("shortest_edge") or DEFAULT_SIDE
    return int(side), list(processor.image_mean or HALF), list(processor.image_std or HALF)


def text_encoder(hub_id: str) -> tuple[Callable[[list[str]], list[list[int]]], int, int]:
    """(encode, vocabulary size, padding id) of the published tokenizer; without a padding token, its end token pads."""
    from transformers import AutoTokenizer

    tokenizer = _fetched(AutoTokenizer, hub_id)
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return lambda texts: tokenizer(texts)["input_ids"], len(tokenizer), int(padding or 0)


def build_published(hub_id: str, domain: str, n_classes: int, pad_id: int) -> nn.Module:
    """The published model with a fresh head for `n_classes`."""
    import transformers

    auto = "AutoModelForImageClassification" if domain == "cv" else "AutoModelForSequenceClassification"
    model = _fetched(getattr(transformers, auto), hub_id, num_labels=n_classes, ignore_mismatched_sizes=True)
    model.config.problem_type = "single_label_classification"
    if domain == "nlp" and model.config.pad_token_id is None:
        model.config.pad_token_id = pad_id
    return model


def _fetched(auto: Any, hub_id: str, **settings: Any) -> Any:
    """`auto.from_pretrained(hub_id)`, never with code from the repository; safe weights only."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    local = Path(hub_id).exists()
    try:
        cached = not local and isinstance(try_to_load_from_cache(hub_id, "config.json"), str)
    except HFValidationError as error:
        raise UsageError(f"'{hub_id}' is no model id of the Hub: {error}", hint="write hub:ORG/MODEL") from None
    if not local and not cached:
        require_reachable(f"model {hub_id}")
    if "num_labels" in settings:
        settings["use_safetensors"] = True
    try:
        return auto.from_pretrained(hub_id, local_files_only=local or cached, trust_remote_code=False, **settings)
    except (OSError, ValueError) as error:
        problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise SourceUnavailable(
            f"model {hub_id} could not be loaded: {problem}", hint="check the id, or train from scratch"
        ) from error
