"""A run: one training of one recipe on one machine, as one flat row. Every column is declared here and only here.

The pyarrow schema, `datasets.Features`, validation, the card's table and the predictor's inputs all derive from `Run`.
A number's unit is in its name; unknown is null, never 0.
"""

import functools
import math
import types
import typing
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ecotaskset._version import SCHEMA_VERSION
from ecotaskset.knobs import KNOBS
from ecotaskset.recipe import Recipe, content_hash

STATUSES = ("completed", "early_stopped", "diverged", "out_of_memory", "interrupted", "failed")
CURVES = (
    "curve_train_loss",
    "curve_validation_loss",
    "curve_validation_quality",
    "curve_energy_kwh",
    "curve_duration_s",
)
COMPONENTS = ("gpu", "cpu", "ram")
COST_PHASES = ("data", "model", "training", "system", "evaluation")
"""The phases whose energies add up to `energy_kwh`; inference is metered apart."""

_NOT_HASHED = {"run_id", "contributor", "trust", "license"}

Source = Literal["nvml_counter", "nvml_poll", "rapl_package", "rapl_dram", "cpu_time_model", "ram_model", "imported"]
Quality = Literal["measured", "modelled", "missing"]
Curve = list[float | None]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=500)]


def _utc(moment: datetime) -> datetime:
    """The same moment in UTC, so that it has one hash whatever zone it was written in; no zone means UTC."""
    try:
        return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("lies outside the calendar") from None


Moment = Annotated[datetime, AfterValidator(_utc)]


class KnobSetting(BaseModel):
    """One knob of a run that differs from its default."""

    model_config = ConfigDict(extra="forbid")

    phase: Literal["data", "model", "training", "system", "inference"]
    name: Text
    value: Text


def column(group: str, meaning: str, unit: str | None = None, *, default: Any = None, since: int = 1) -> Any:
    """Declare a column: the group it is shown in, what it means, its unit (None: text or a pure number).

    `since`: the schema version that brought it; raise `SCHEMA_VERSION` to it. Rows of earlier versions do not have the
    column, so their ids stay as they are.
    """
    return Field(default, description=meaning, json_schema_extra={"group": group, "unit": unit, "since": since})


class Run(BaseModel):
    """One row of EcoTaskSet. Construct with keyword arguments; `run_id` and `recipe_id` are filled in when absent.

    Raises:
        pydantic.ValidationError: a value of the wrong type, out of its range, or curves of unequal length.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=False)

    # identity
    run_id: Text = column("identity", "content hash of the row (16 hex characters)", default="")
    recipe_id: Text = column("identity", "content hash of the recipe without its seed", default="")
    schema_version: Count = column("identity", "version of this table of columns", default=SCHEMA_VERSION)
    collected_at: Moment | None = column("identity", "when the run ended, UTC")
    collector_version: Text | None = column("identity", "version of the software that made the run")
    contributor: Text | None = column("identity", "Hub account that contributed the run")
    origin: Text = column(
        "identity", "`collected`, or `imported:<name>` for a public measurement set", default="collected"
    )
    license: Text | None = column("identity", "licence of an imported row; null: that of this data set")
    trust: Text | None = column("identity", "`self_reported`, `reproduced` or `imported`; derived at release")
    status: Literal["completed", "early_stopped", "diverged", "out_of_memory", "interrupted", "failed"] = column(
        "identity", "how the run ended; failed runs cost energy too", default="completed"
    )
    status_reason: Text | None = column("identity", "why it ended that way, where that is not plain")
    flags: list[Text] = column("identity", "doubts about the row, such as `contended`, `low_confidence`", default=[])

    # task
    domain: Literal["cv", "nlp", "recsys"] = column("task", "kind of task", default=...)
    dataset: Text = column("task", "data set or task variant", default=...)
    dataset_revision: Text | None = column("task", "content hash of the split examples used")
    n_train: Count | None = column("task", "training examples used, after `data_fraction`", "examples")
    n_validation: Count | None = column("task", "validation examples", "examples")
    n_test: Count | None = column("task", "test examples", "examples")
    n_classes: Count | None = column("task", "classes to tell apart", "classes")
    class_balance: Share | None = column("task", "entropy of the training labels over its maximum; 1 is balanced")
    image_size: Count | None = column("task", "image side", "pixels")
    n_channels: Count | None = column("task", "colour channels", "channels")
    pixel_mean: float | None = column("task", "mean pixel value of the training images, 0 to 1")
    pixel_std: float | None = column("task", "standard deviation of the pixel values")
    sequence_length: Count | None = column("task", "longest sequence the model is given", "tokens")
    mean_length: Amount | None = column("task", "mean length of the sequences before padding", "tokens")
    vocab_size: Count | None = column("task", "distinct tokens", "tokens")
    n_users: Count | None = column("task", "users", "users")
    n_items: Count | None = column("task", "items that are ranked", "items")
    n_interactions: Count | None = column("task", "interactions of users with items", "interactions")
    density: Share | None = column("task", "interactions over users times items")
    majority_quality: Share | None = column("task", "quality of always giving the commonest answer")
    landmark_quality: Share | None = column("task", "quality of a fixed, cheap, classical reference on this task")

    # model
    model: Text = column("model", "architecture", default=...)
    model_family: Text | None = column("model", "family of the architecture")
    pretrained: bool = column("model", "started from published weights", default=False)
    n_parameters: Count | None = column("model", "weights of the model", "parameters")
    n_trainable_parameters: Count | None = column("model", "weights that were trained", "parameters")
    flops_per_sample: Amount | None = column("model", "floating-point operations of one forward pass, counted", "FLOP")
    n_conv_layers: Count | None = column("model", "convolution layers", "layers")
    n_linear_layers: Count | None = column("model", "linear layers", "layers")
    n_attention_layers: Count | None = column("model", "attention layers", "layers")
    n_embedding_layers: Count | None = column("model", "embedding layers", "layers")
    n_norm_layers: Count | None = column("model", "normalisation layers", "layers")
    n_recurrent_layers: Count | None = column("model", "recurrent layers", "layers")

    # training
    epochs: Count | None = column("training", "passes over the training examples asked for", "epochs")
    epochs_run: Count | None = column("training", "passes made", "epochs")
    batch_size: Count | None = column("training", "examples a training step, summed over processes", "examples")
    learning_rate: Amount | None = column("training", "peak learning rate")
    weight_decay: Amount | None = column("training", "weight decay")
    seed: Count | None = column("training", "seed of initialisation and order")
    knobs: list[KnobSetting] = column("training", "knobs that differ from their default", default=[])

    # hardware
    device: Text | None = column("hardware", "kind of device the model ran on: `cpu`, `cuda`, `mps`")
    cpu_model: Text | None = column("hardware", "processor")
    cpu_count: Count | None = column("hardware", "hardware threads of the machine", "threads")
    cpu_threads: Count | None = column("hardware", "threads the numerical kernels used", "threads")
    cpu_tdp_w: Amount | None = column("hardware", "thermal design power of the processor", "W")
    ram_gb: Amount | None = column("hardware", "memory of the machine", "GB")
    gpu_model: Text | None = column("hardware", "accelerator")
    gpu_count: Count | None = column("hardware", "accelerators the run used", "accelerators")
    gpu_memory_gb: Amount | None = column("hardware", "memory of one accelerator", "GB")
    gpu_tdp_w: Amount | None = column("hardware", "default power limit of one accelerator", "W")
    n_processes: Count | None = column("hardware", "training processes", "processes")
    virtualized: bool | None = column("hardware", "whether the machine is a virtual one")
    matmul_gflops: Amount | None = column("hardware", "rate of a fixed float32 matrix product on the device", "GFLOP/s")
    python_version: Text | None = column("hardware", "Python")
    torch_version: Text | None = column("hardware", "PyTorch")
    transformers_version: Text | None = column("hardware", "transformers")

    # outcome: quality
    quality_metric: Text | None = column("outcome", "what quality means: `accuracy`, `ndcg@10`, …")
    quality_validation: Share | None = column("outcome", "best validation quality over the epochs")
    best_epoch: Count | None = column("outcome", "epoch of the best validation quality, from 1", "epoch")
    quality_last: Share | None = column("outcome", "validation quality after the last epoch")
    quality_test: Share | None = column("outcome", "test quality of the final model, computed once")

    # outcome: energy and time
    energy_kwh: Amount | None = column(
        "energy", "energy of the whole training, over the components that are known", "kWh"
    )
    energy_low_kwh: Amount | None = column("energy", "lower end of its interval", "kWh")
    energy_high_kwh: Amount | None = column("energy", "upper end of its interval", "kWh")
    energy_measured_kwh: Amount | None = column("energy", "the part of it that a counter measured", "kWh")
    gpu_energy_kwh: Amount | None = column("energy", "accelerators", "kWh")
    gpu_energy_source: Source | None = column("energy", "what the accelerators' energy was read from")
    gpu_energy_quality: Quality | None = column("energy", "whether that is measured or modelled")
    gpu_energy_method: Text | None = column("energy", "constants, or the reason why it is missing")
    cpu_energy_kwh: Amount | None = column("energy", "processor", "kWh")
    cpu_energy_source: Source | None = column("energy", "what the processor's energy was read from")
    cpu_energy_quality: Quality | None = column("energy", "whether that is measured or modelled")
    cpu_energy_method: Text | None = column("energy", "constants, or the reason why it is missing")
    ram_energy_kwh: Amount | None = column("energy", "memory", "kWh")
    ram_energy_source: Source | None = column("energy", "what the memory's energy was read from")
    ram_energy_quality: Quality | None = column("energy", "whether that is measured or modelled")
    ram_energy_method: Text | None = column("energy", "constants, or the reason why it is missing")
    data_energy_kwh: Amount | None = column("energy", "phase data: loading and preparing examples", "kWh")
    model_energy_kwh: Amount | None = column("energy", "phase model: building the model and counting its FLOPs", "kWh")
    training_energy_kwh: Amount | None = column("energy", "phase training: forward, backward, steps", "kWh")
    system_energy_kwh: Amount | None = column("energy", "phase system: compiling, preparing the device", "kWh")
    evaluation_energy_kwh: Amount | None = column("energy", "validation after each epoch", "kWh")
    data_cached: bool | None = column("energy", "whether prepared examples came from the cache")
    duration_s: Amount | None = column("energy", "wall time of the training, evaluation included", "s")
    cpu_time_s: Amount | None = column("energy", "processor time of the process tree over the training", "s")
    idle_power_w: Amount | None = column("energy", "idle power measured before the run; never subtracted", "W")
    foreign_cpu_share: Share | None = column("energy", "share of the machine's processor time taken by others")
    pue: Amount | None = column("energy", "power usage effectiveness of the site; not in any energy column")
    country: Text | None = column("energy", "ISO code of the grid used for `emissions_kg`, as given")
    carbon_intensity_g_per_kwh: Amount | None = column("energy", "grid intensity used for `emissions_kg`", "g/kWh")
    emissions_kg: Amount | None = column("energy", "CO₂ equivalent of `energy_kwh` at that intensity", "kg")

    # outcome: inference
    inference_kwh_per_1000: Amount | None = column("inference", "energy of 1,000 predictions", "kWh")
    inference_latency_p50_ms: Amount | None = column("inference", "median time of one batch", "ms")
    inference_latency_p95_ms: Amount | None = column("inference", "95th percentile of the time of one batch", "ms")
    inference_batch_size: Count | None = column("inference", "examples a batch at inference", "examples")
    inference_quality: Share | None = column("inference", "test quality after the inference knobs")

    # curves: one entry an epoch
    curve_train_loss: Curve = column("curves", "mean training loss", default=[])
    curve_validation_loss: Curve = column("curves", "validation loss", default=[])
    curve_validation_quality: Curve = column("curves", "validation quality", default=[])
    curve_energy_kwh: Curve = column("curves", "energy since the start", "kWh", default=[])
    curve_duration_s: Curve = column("curves", "wall time since the start", "s", default=[])

    @model_validator(mode="before")
    @classmethod
    def _nan_is_null(cls, data: Any) -> Any:
        """A loss that is not a number is unknown: JSON and most readers have no NaN."""
        if not isinstance(data, dict):
            return data
        cleaned = dict(data)
        for name in CURVES:
            if isinstance(cleaned.get(name), (list, tuple)):
                cleaned[name] = [None if isinstance(v, float) and not math.isfinite(v) else v for v in cleaned[name]]
        return cleaned

    @model_validator(mode="after")
    def _complete(self) -> "Run":
        lengths = {len(curve) for name in CURVES if (curve := getattr(self, name))}
        if len(lengths) > 1:
            raise ValueError(f"curves have unequal lengths {sorted(lengths)}")
        for name in self.later_columns():  # they are not hashed, so nobody could vouch for a value
            field = type(self).model_fields[name]
            if getattr(self, name) != field.get_default():
                since = field.json_schema_extra["since"]
                raise ValueError(f"{name} exists since schema version {since}, the row is of {self.schema_version}")
        if not self.recipe_id and self.origin == "collected":
            self.recipe_id = self.recipe().recipe_id
        if not self.run_id:
            self.run_id = self.content_id()
        return self

    def content_id(self) -> str:
        """What `run_id` must be: the content hash of all that was observed, not of who sent it.

        Hashed are the columns of the row's own schema version, so a column added later changes no id.
        """
        return content_hash(self.model_dump(mode="json", exclude=_NOT_HASHED | self.later_columns()))

    def later_columns(self) -> set[str]:
        """Columns that came after this row's schema version: always empty in it, neither hashed nor stored."""
        return _later_columns(type(self), self.schema_version)

    def recipe(self) -> Recipe:
        """The recipe this run trained.

        Raises:
            UsageError: an imported row that is not a recipe of this project.
        """
        fields = {name: getattr(self, name) for name in Recipe.model_fields if name != "knobs"}
        knobs = {k.name: KNOBS[k.name].parse(k.value) if k.name in KNOBS else k.value for k in self.knobs}
        return Recipe.create(**fields, knobs=knobs)


@functools.lru_cache(maxsize=64)  # asked for every row that is read
def _later_columns(kind: type[Run], version: int) -> set[str]:
    return {name for name, field in kind.model_fields.items() if field.json_schema_extra["since"] > version}


def knob_settings(recipe: Recipe) -> list[KnobSetting]:
    """A recipe's knobs as they stand in a run."""
    return [
        KnobSetting(phase=KNOBS[n].phase, name=n, value=str(v).lower() if isinstance(v, bool) else str(v))
        for n, v in recipe.knobs.items()
    ]


def columns() -> dict[str, dict[str, Any]]:
    """Name → {group, unit, since, meaning, type, nullable} of every column, in order; documentation is made from it."""
    table = {}
    for name, field in Run.model_fields.items():
        extra = typing.cast(dict[str, Any], field.json_schema_extra)
        kind, nullable = _arrow_type(field.annotation)
        table[name] = {**extra, "meaning": field.description, "type": kind, "nullable": nullable}
    return table


def arrow_schema() -> pa.Schema:
    """The table's pyarrow schema; meaning and unit travel as field metadata."""
    fields = []
    for name, info in columns().items():
        metadata = {"meaning": info["meaning"], **({"unit": info["unit"]} if info["unit"] else {})}
        fields.append(pa.field(name, info["type"], nullable=True, metadata=metadata))
    return pa.schema(fields, metadata={"ecotaskset_schema_version": str(SCHEMA_VERSION)})


def features() -> Any:
    """The table's `datasets.Features`."""
    from datasets import Features

    return Features.from_arrow_schema(arrow_schema())


def to_table(runs: Iterable[Run]) -> pa.Table:
    """Runs as one pyarrow table, one row a run, in the order given."""
    return pa.Table.from_pylist([run.model_dump() for run in runs], schema=arrow_schema())


def from_table(table: pa.Table) -> list[Run]:
    """The rows of a table as validated runs; columns this version does not know are an error, missing ones null.

    Raises:
        pydantic.ValidationError: a row that is not a run.
    """
    optional = {name for name, field in Run.model_fields.items() if not field.is_required()}
    rows = table.to_pylist()
    return [Run.model_validate({k: v for k, v in row.items() if not (v is None and k in optional)}) for row in rows]


def _arrow_type(annotation: Any) -> tuple[pa.DataType, bool]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _arrow_type(arguments[0])
    if origin in (types.UnionType, typing.Union):
        (inner,) = [a for a in arguments if a is not type(None)]
        return _arrow_type(inner)[0], True
    if origin is list:
        return pa.list_(_arrow_type(arguments[0])[0]), False
    if origin is Literal:
        return pa.string(), False
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct([(n, _arrow_type(f.annotation)[0]) for n, f in annotation.model_fields.items()]), False
    plain = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    return plain.get(annotation) or pa.timestamp("us", tz="UTC"), False
