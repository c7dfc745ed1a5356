"""Before anything is trained: does the recipe exist, was it done here already, what will it cost?"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecotaskset.errors import EcoTaskSetError, UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store

if TYPE_CHECKING:
    from green_predictor.estimates import Estimate


def check_recipe(recipe: Recipe) -> None:
    """Are the recipe's data set and architecture in the catalogue, and its weights published where it wants them?

    Raises:
        UsageError: names the culprit and the nearest legal name.
    """
    from collectors.tasks.architectures import get_architecture
    from collectors.tasks.architectures.published import published_id
    from collectors.tasks.catalogue import get_dataset

    get_dataset(recipe.dataset, recipe.domain)
    published_id(get_architecture(recipe.model, recipe.domain), recipe.pretrained)


def refuse_unfit(recipe: Recipe) -> None:
    """Refuse knobs that do not fit this machine or the architecture as training does: by its own steps up to the first
    epoch, on made-up examples. What only the data or published weights can tell is left to the training, since a plan
    fetches nothing.

    Raises:
        UsageError: the same that training would raise.
    """
    if not recipe.knobs:
        return
    import torch

    from collectors.accelerator import make_accelerator
    from collectors.knobs import inference as inference_knobs
    from collectors.knobs import model as model_knobs
    from collectors.knobs.refuse import refuse_impossible
    from collectors.tasks.architectures import get_architecture
    from collectors.tasks.architectures.published import published_id
    from collectors.tasks.made_up import N_EXAMPLES, made_up_task
    from collectors.train import first_batch, prepare

    refuse_impossible(recipe, "cuda" if torch.cuda.is_available() else "cpu")
    if published_id(get_architecture(recipe.model, recipe.domain), recipe.pretrained) is not None:
        return
    task = made_up_task(recipe)
    model = model_knobs.shape(task.build_model(recipe.model, recipe), task, recipe)
    inference_knobs.rehearse(model, recipe, first_batch(task, N_EXAMPLES))
    prepare(make_accelerator(recipe), task, model, recipe)


def public_recipe(recipe: Recipe) -> Recipe:
    """The recipe as a run names it: own files by name and content, without the folders they lie in."""
    from collectors.tasks.catalogue.own import public_name

    names = {"dataset": public_name(recipe.dataset), "model": public_name(recipe.model)}
    return recipe.model_copy(update=names)


def experiment_key(recipe_id: str, seed: int | None, cpu: str | None, gpu: str | None) -> tuple[object, ...]:
    """What makes two runs the same experiment on the same hardware."""
    return recipe_id, seed, cpu, gpu


def finished_keys(store: Store) -> set[tuple[object, ...]]:
    """The keys of all experiments that need not be run again: all but those that were interrupted."""
    return {
        experiment_key(run.recipe_id, run.seed, run.cpu_model, run.gpu_model)
        for run in store.runs()
        if run.status != "interrupted"
    }


def same_experiment(store: Store, recipe: Recipe) -> Run | None:
    """The finished run of this recipe and seed on this hardware, if the store has it."""
    from collectors.metering import hardware

    here = hardware()
    wanted = experiment_key(public_recipe(recipe).recipe_id, recipe.seed, here["cpu_model"], here["gpu_model"])
    for run in store.runs():
        key = experiment_key(run.recipe_id, run.seed, run.cpu_model, run.gpu_model)
        if key == wanted and run.status != "interrupted":
            return run
    return None


def estimate(recipe: Recipe, cache_dir: Path | None = None) -> str:
    """One line of what the run will probably cost, from runs like it.

    Raises:
        UsageError: data of one's own that cannot be read or learned from, as training would.
    """
    predicted = _predicted(recipe, cache_dir)
    return "cost not known" if predicted is None else predicted.sentence


def predicted_cost(recipe: Recipe, cache_dir: Path | None = None) -> tuple[float, float] | None:
    """Predicted (kWh, seconds) of a run; None where the predictor does not know."""
    try:
        predicted = _predicted(recipe, cache_dir)
    except UsageError:  # the training will say what is wrong with the data
        return None
    if predicted is None or predicted.energy_kwh is None or predicted.duration_s is None:
        return None
    return predicted.energy_kwh, predicted.duration_s


def _predicted(recipe: Recipe, cache_dir: Path | None) -> Estimate | None:
    """The one place that asks the predictor. What it cannot answer must not keep anybody from training."""
    from green_predictor import estimate as predict

    public = public_recipe(recipe)
    own = public.dataset != recipe.dataset
    described = _described(recipe.domain, recipe.dataset, public.dataset, cache_dir) if own else None
    try:
        return predict(public, described=described)
    except EcoTaskSetError:
        return None


@lru_cache(maxsize=4)
def _described(domain: str, dataset: str, content: str, cache_dir: Path | None) -> dict[str, Any]:
    """`content`: the public name of the data set, another one once its files have changed."""
    from collectors.describe_dataset import describe

    return describe(domain, dataset, cache_dir)
