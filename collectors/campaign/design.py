"""From a design to recipes: read it, check every line of it, expand it. Nothing is trained before all of it is legal.

A design is YAML, or a Python file with a dict named `DESIGN`, of this form:

    name: learning-rates
    defaults: {domain: cv, dataset: digits, epochs: 3}     # fields that every recipe gets unless a block says otherwise
    seeds: 3                                               # 0, 1, 2; or a list of seeds
    designs:                                               # one or more blocks
      - grid: {model: [resnet-tiny], learning_rate: [0.001, 0.01], knobs: {precision: [fp32, bf16]}}
      - list: [{model: resnet-tiny, batch_size: 64}]
      - random: {model: [resnet-tiny], learning_rate: {low: 0.0001, high: 0.1, log: true}}
        n: 20
      - space_filling: {model: [resnet-tiny], knobs: {data_fraction: {low: 0.1, high: 1}}}
        n: 64
        method: sobol                                      # or lhs, the default
        seeds: [7]
"""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from collectors.campaign.expand import EXPANSIONS, count, mapping
from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.recipe import Recipe, content_hash

BUILT_IN = Path(__file__).parent.parent / "campaigns"
TOP_KEYS = ("name", "description", "defaults", "seeds", "designs", "shuffle")
BLOCK_KEYS = ("seeds", "n", "seed", "method", "defaults")
MAX_DESIGN_BYTES = 1_000_000
MAX_RUNS = 100_000
"""More are a slip of the pen: the largest that comes with this project has 2,000."""


@dataclass(frozen=True)
class Campaign:
    """A name and what is to be trained, in order, each recipe with its seed once."""

    name: str
    recipes: tuple[Recipe, ...]
    description: str = ""


def load_campaign(name_or_path: str) -> Campaign:
    """A built-in campaign by name, or the design in a `.yaml`, `.yml` or `.py` file.

    Raises:
        UsageError: no such campaign, or something in it is illegal; the message names the block and the culprit.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix not in (".yaml", ".yml", ".py"):
        built_in = {p.stem.replace("_", "-"): p for p in sorted(BUILT_IN.glob("*.py")) if p.stem != "__init__"}
        if name_or_path not in built_in:
            raise unknown_name("campaign", name_or_path, built_in)
        path = built_in[name_or_path]
    return make_campaign(_read(path), where=path.name)


def make_campaign(design: Any, where: str = "design") -> Campaign:
    """Check and expand a design given as a dict.

    Raises:
        UsageError: as `load_campaign`.
    """
    if not isinstance(design, Mapping):
        raise UsageError(f"{where}: a campaign is a mapping, this is a {type(design).__name__}", hint=_example())
    _only(design, TOP_KEYS, where)
    blocks = design.get("designs")
    if not isinstance(blocks, list) or not blocks:
        raise UsageError(f"{where}: 'designs' must be a list of at least one block", hint=_example())
    checked = [_block(block, design, f"{where}: block {number}") for number, block in enumerate(blocks, start=1)]
    for n_runs, block in zip(accumulate(block.n_runs for block in checked), checked, strict=True):
        if n_runs > MAX_RUNS:
            raise UsageError(
                f"{block.where}: with it the campaign has more than {MAX_RUNS:,} runs",
                hint="draw n of them with random or space_filling",
            )
    recipes: dict[tuple[str, int], Recipe] = {}
    for block in checked:
        for recipe in _expand_block(block):
            recipes.setdefault((recipe.recipe_id, recipe.seed), recipe)
    ordered = list(recipes.values())
    if design.get("shuffle"):
        # By content, so that any part of the campaign is a fair sample of the whole; repeated recipes come first, since
        # a recipe with one of its three seeds says nothing about noise.
        seeds = Counter(recipe.recipe_id for recipe in ordered)
        ordered.sort(key=lambda recipe: (seeds[recipe.recipe_id] == 1, content_hash(recipe.model_dump())))
    name = str(design.get("name") or Path(where).stem)
    return Campaign(name, tuple(ordered), str(design.get("description", "")))


@dataclass(frozen=True)
class _Block:
    """One block of a design, its parts found and named, nothing expanded yet."""

    kind: str
    content: Any
    options: Mapping[str, Any]
    defaults: Mapping[str, Any]
    seeds: Sequence[int]
    where: str

    @property
    def n_runs(self) -> int:
        """At most so many runs; recipes that come twice are trained once."""
        seeded = "seed" in self.defaults or (isinstance(self.content, Mapping) and "seed" in self.content)
        return count(self.kind, self.content, self.options, self.where) * (1 if seeded else len(self.seeds))


def _block(block: Any, design: Mapping[str, Any], where: str) -> _Block:
    if not isinstance(block, Mapping):
        raise UsageError(f"{where}: a block is a mapping such as 'grid: {{…}}'", hint=_example())
    kinds = [key for key in block if key not in BLOCK_KEYS]
    if len(kinds) != 1:
        raise UsageError(f"{where}: needs exactly one of {', '.join(EXPANSIONS)}; found {kinds or 'none'}")
    (kind,) = kinds
    if kind not in EXPANSIONS:
        error = unknown_name("kind of design", kind, EXPANSIONS)
        raise UsageError(f"{where}: {error.message}", hint=error.hint)
    where = f"{where} ({kind})"
    options = {key: block[key] for key in ("n", "seed", "method") if key in block}
    defaults = {**mapping(design.get("defaults"), where), **mapping(block.get("defaults"), where)}
    seeds = _seeds(block.get("seeds", design.get("seeds", 1)), where)
    return _Block(kind, block[kind], options, defaults, seeds, where)


def _expand_block(block: _Block) -> Iterator[Recipe]:
    for fields in EXPANSIONS[block.kind](block.content, block.options, block.where):
        knobs = {**mapping(block.defaults.get("knobs"), block.where), **mapping(fields.get("knobs"), block.where)}
        chosen = {**block.defaults, **fields, "knobs": knobs}
        for seed in [chosen.pop("seed")] if "seed" in chosen else block.seeds:
            yield _recipe({**chosen, "seed": seed}, block.where)


def _recipe(fields: dict[str, Any], where: str) -> Recipe:
    from collectors.plan import check_recipe

    _only(fields, tuple(Recipe.model_fields), where)
    try:
        recipe = Recipe.create(**fields)
        check_recipe(recipe)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from None
    return recipe


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_DESIGN_BYTES:
            raise UsageError(f"{path} is too large for a campaign", hint="a design is a page, not a table of runs")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"campaign {path} cannot be read: {error.strerror}", hint="check the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"campaign {path} is not UTF-8 text") from None
    return _run(path) if path.suffix == ".py" else _parsed(path, text)


def _run(path: Path) -> Any:
    """What a Python campaign assigns to DESIGN: code that the user wrote or chose, as any script they start."""
    found = runpy.run_path(str(path))
    if "DESIGN" not in found:
        raise UsageError(f"{path} defines no DESIGN", hint="a Python campaign assigns a dict to DESIGN")
    return found["DESIGN"]


def _parsed(path: Path, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"campaign {path} is not YAML: {' '.join(str(error).split())}", hint=_example()) from None


def _seeds(value: Any, where: str) -> Sequence[int]:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_RUNS:
        return range(value)
    if isinstance(value, list) and value and all(isinstance(s, int) and not isinstance(s, bool) for s in value):
        return value
    raise UsageError(f"{where}: seeds={value!r} is neither a number of seeds nor a list of them", hint="seeds: 3")


def _only(found: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in found:
        if key not in known:
            error = unknown_name("field", key, known)
            raise UsageError(f"{where}: {error.message}", hint=error.hint)


def _example() -> str:
    return "for example: designs: [{grid: {domain: cv, dataset: digits, model: [resnet-tiny, mlp], epochs: 3}}]"
