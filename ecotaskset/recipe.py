"""A recipe: everything a person chooses before a training, and nothing a machine decides."""

import hashlib
import json
import shlex
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.knobs import DOMAINS, KNOBS, KnobValue, check_knobs

ID_LENGTH = 16
OWN_KINDS = ("csv", "folder", "hub")
"""Data of somebody's own are named by their kind and place, `csv:reviews.csv`."""
NAME_PATTERN = rf"^(?:[A-Za-z0-9][A-Za-z0-9_.:/@\-]*|(?:{'|'.join(OWN_KINDS)}):[^\[\]<>]+)$"
NAMES = "letters, digits and _ . : / @ -; after csv:, folder: or hub: all that can be printed but brackets"


def is_own(dataset: Any) -> bool:
    """Is this a name for somebody's own data, by kind and place?"""
    return isinstance(dataset, str) and dataset.startswith(tuple(f"{kind}:" for kind in OWN_KINDS))


def _printable(name: str) -> str:
    if not name.isprintable():
        raise UsageError(f"{name!r} is not a name", hint=NAMES)
    return name


Name = Annotated[str, AfterValidator(_printable), Field(pattern=NAME_PATTERN, max_length=200)]


class Recipe(BaseModel):
    """One experiment, up to seed and hardware. Equal `recipe_id` anywhere means the same experiment.

    Raises:
        UsageError: from `Recipe.create`, when a value is illegal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: Literal["cv", "nlp", "recsys"] = Field(description="kind of task")
    dataset: Name = Field(description="data set or task variant")
    model: Name = Field(description="architecture")
    epochs: int = Field(5, description="passes over the training examples", ge=1, le=100_000)
    batch_size: int = Field(32, description="examples a training step", ge=1, le=1_000_000)
    learning_rate: float = Field(1e-3, description="peak learning rate", gt=0, le=100, allow_inf_nan=False)
    # abs: -0.0 is 0.0, and must have its id
    weight_decay: Annotated[float, AfterValidator(abs)] = Field(
        0.0, description="weight decay", ge=0, le=10, allow_inf_nan=False
    )
    pretrained: bool = Field(False, description="start from published weights instead of from scratch")
    seed: int = Field(0, description="seed of initialisation and order; not part of recipe_id", ge=0, lt=2**31)
    knobs: dict[str, KnobValue] = Field(default_factory=dict, description="knobs that differ from their default")

    @model_validator(mode="before")
    @classmethod
    def _canonical_knobs(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("knobs"), dict) and isinstance(data.get("domain"), str):
            return {**data, "knobs": check_knobs(data["knobs"], domain=data["domain"])}
        return data

    @classmethod
    def create(cls, **fields: Any) -> "Recipe":
        """Build a recipe from what a person typed; the first illegal field becomes a one-line `UsageError`."""
        if fields.get("domain") not in DOMAINS:
            raise unknown_name("domain", fields.get("domain"), DOMAINS)
        try:
            return cls(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            cause = first.get("ctx", {}).get("error")
            if isinstance(cause, UsageError):
                raise cause from None
            name = ".".join(str(part) for part in first["loc"]) or "recipe"
            if first["type"] == "string_pattern_mismatch":
                raise UsageError(f"{name}={first.get('input')!r} is not a name", hint=NAMES) from None
            raise UsageError(f"{name}={first.get('input')!r}: {first['msg'].lower()}") from None

    @property
    def recipe_id(self) -> str:
        """16 hexadecimal characters; the content hash of the recipe without its seed."""
        return content_hash(self.model_dump(exclude={"seed"}))

    def knob(self, name: str) -> Any:
        """The value of a knob in this recipe, its default where the recipe leaves it alone."""
        return self.knobs.get(name, KNOBS[name].default)

    def command(self) -> str:
        """The command that trains this recipe."""
        words = ["green-collect", "--domain", self.domain, "--dataset", self.dataset, "--model", self.model]
        for name in ("epochs", "batch_size", "learning_rate", "weight_decay", "seed"):
            value = getattr(self, name)
            if name in ("epochs", "batch_size", "learning_rate") or value:
                words += [f"--{name.replace('_', '-')}", str(value)]
        words += ["--pretrained"] if self.pretrained else []
        for name, value in self.knobs.items():
            words += ["--knob", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
        return shlex.join(words)


def content_hash(content: dict[str, Any]) -> str:
    """The first 16 hexadecimal characters of SHA-256 over canonical JSON (sorted keys, shortest float form)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]
