"""The architectures that can be named: `get_architecture`, `all_architectures`, `build`. A file a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures.cv_attention import ARCHITECTURES as IMAGE_ATTENTION
from collectors.tasks.architectures.cv_classic import ARCHITECTURES as IMAGE_CLASSIC
from collectors.tasks.architectures.cv_convolution import ARCHITECTURES as IMAGE_CONVOLUTION
from collectors.tasks.architectures.declaration import Architecture, Inputs
from collectors.tasks.architectures.nlp_attention import ARCHITECTURES as TEXT_ATTENTION
from collectors.tasks.architectures.nlp_simple import ARCHITECTURES as TEXT_SIMPLE
from collectors.tasks.architectures.published import PREFIX, build_published, published_id
from collectors.tasks.architectures.recsys import ARCHITECTURES as RECSYS
from ecotaskset.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Architecture", "Inputs", "all_architectures", "build", "get_architecture"]

_CATALOGUE = (*IMAGE_CLASSIC, *IMAGE_CONVOLUTION, *IMAGE_ATTENTION, *TEXT_SIMPLE, *TEXT_ATTENTION, *RECSYS)
_BY_NAME: dict[str, Architecture] = {entry.name: entry for entry in _CATALOGUE}


def all_architectures() -> tuple[Architecture, ...]:
    """Every declared architecture, in the order of the catalogue."""
    return tuple(_BY_NAME.values())


def get_architecture(name: str, domain: str) -> Architecture:
    """The declaration for a name, or one made for `hub:ORG/MODEL`.

    Raises UsageError if it is unknown (with the nearest known one) or of another domain.
    """
    if name.startswith(PREFIX) and domain != "recsys":
        return Architecture(name, domain, "hub", _not_from_scratch, pretrained_id=name.removeprefix(PREFIX))
    entry = _BY_NAME.get(name)
    if entry is None:
        names = [known.name for known in all_architectures() if known.domain == domain]
        raise unknown_name("architecture", name, names, see="green-collect --list")
    if entry.domain != domain:
        raise UsageError(
            f"architecture '{name}' belongs to domain '{entry.domain}', not '{domain}'",
            hint="`green-collect --list` shows which fit",
        )
    return entry


def build(inputs: Inputs, name: str, recipe: Any) -> nn.Module:
    """A model of the named architecture for these inputs.

    From scratch, the weights are drawn from torch's current random state; published weights get a fresh head.
    """
    domain = "cv" if inputs.side else "recsys" if inputs.n_items else "nlp"
    architecture = get_architecture(name, domain)
    hub_id = published_id(architecture, recipe.pretrained)
    if hub_id is not None:
        return build_published(hub_id, domain, inputs.n_classes or 2, inputs.pad_id)
    return architecture.build(inputs, float(recipe.knobs.get("width", 1.0)))


def _not_from_scratch(inputs: Inputs, width: float) -> nn.Module:
    raise UsageError("a model of the Hub is not built from scratch", hint="choose an architecture of --list")
