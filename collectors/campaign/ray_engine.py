"""The Ray engine: the same campaign over the machines of a Ray cluster, each run on cores, or on a GPU, of its own.

    ray start --head            # once a machine; then
    green-collect --campaign starter --engine ray

Results come back to the driver's store. A worker that dies has its run started again elsewhere: no run is lost and none
is stored twice.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from collectors.campaign.local import Tell
from collectors.campaign.lost import lost_run
from collectors.campaign.worker import RunOptions, train_here
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store

ADDRESS_VARIABLE = "RAY_ADDRESS"
CORES_VARIABLE = "ECOTASKSET_RAY_CORES"
"""Cores a run gets where there is no GPU; 1 by default."""
ATTEMPTS = 3
POLL_S = 1.0


def cores_of_a_run() -> int:
    """How many cores a run gets where there is no GPU.

    Raises:
        UsageError: the environment says something else than a number of cores.
    """
    said = os.environ.get(CORES_VARIABLE, "1")
    if not said.isdecimal() or int(said) < 1:
        raise UsageError(f"{CORES_VARIABLE}={said} is not a number of cores", hint="1 or more")
    return int(said)


def execute_on_ray(recipes: Sequence[Recipe], options: RunOptions, jobs: int, tell: Tell) -> None:
    """Train the recipes on the cluster at $RAY_ADDRESS, or on a fresh one on this machine with `jobs` places.

    Raises:
        UsageError: Ray is not installed, or the cluster cannot be reached.
        KeyboardInterrupt: after Ctrl-C; runs under way are cancelled and started again next time.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray needs the package 'ray'", hint="pip install 'ecotaskset[ray]'")
    import ray

    cores = cores_of_a_run()
    owned = not ray.is_initialized()
    if owned:
        _connect(ray, jobs * cores)
    try:
        _drain(ray, recipes, options, cores, Store(options.store), tell)
    finally:
        if owned:
            ray.shutdown()


def _connect(ray: Any, cpus: int) -> None:
    address = os.environ.get(ADDRESS_VARIABLE)
    try:
        ray.init(address=address, num_cpus=None if address else cpus, log_to_driver=False, include_dashboard=False)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"no Ray cluster: {' '.join(str(error).split())[:200]}", hint="`ray start --head`") from None


def _drain(ray: Any, recipes: Sequence[Recipe], options: RunOptions, cores: int, store: Store, tell: Tell) -> None:
    """Submit everything, take what is ready; a dead worker's recipe goes back into the queue."""
    gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
    # Retries are ours, so that they are counted. A worker with a GPU ends with its run and gives all memory back; one
    # on cores is used again, which saves loading torch.
    task = ray.remote(num_cpus=cores, num_gpus=gpus, max_calls=1 if gpus else 0, max_retries=0)(_train_remotely)
    width = max(1, int(ray.cluster_resources().get("GPU" if gpus else "CPU", 1) // (gpus or cores)))
    waiting = deque((recipe, 1) for recipe in recipes)
    running: dict[Any, tuple[Recipe, int]] = {}
    while waiting or running:
        while waiting and len(running) < 2 * width:
            recipe, attempt = waiting.popleft()
            running[task.remote(recipe.model_dump(mode="json"), options, cores, gpus)] = (recipe, attempt)
        ready, _ = ray.wait(list(running), timeout=POLL_S)
        for reference in ready:
            recipe, attempt = running.pop(reference)
            try:
                events = ray.get(reference)
            except ray.exceptions.RayError as error:
                if attempt < ATTEMPTS:
                    waiting.append((recipe, attempt + 1))
                    continue
                events = [{"event": "run", "run": _given_up(recipe, cores, error)}]
            for event in events:
                if event["event"] == "run":
                    run = event["run"] if isinstance(event["run"], Run) else Run.model_validate(event["run"])
                    store.append(run)
                    event = {"event": "run", "run": run}
                tell(recipe, event)


def _train_remotely(fields: dict[str, Any], options: RunOptions, cores: int, gpus: int) -> list[dict[str, Any]]:
    """In a worker: train, and return the events with the run last."""
    events: list[dict[str, Any]] = []
    recipe = Recipe.create(**fields)
    # only here is it known which node it is; what is left of the node may be busy with others
    share = gpus / _node_gpus() if gpus else min(1.0, cores / len(_node_cores()))
    options = replace(options, meter={**options.meter, "node_share": share})
    run = train_here(recipe, options, _free_cores(cores), events.append)
    return [*events, {"event": "run", "run": run.model_dump(mode="json")}]


def _node_gpus() -> float:
    """How many GPUs this worker's node has for runs."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    return next(node["Resources"]["GPU"] for node in ray.nodes() if node["NodeID"] == here)


@functools.cache  # asked before the worker is pinned; later it would see its own cores only
def _node_cores() -> tuple[int, ...]:
    """The cores that runs may have on this node."""
    return tuple(sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


@functools.cache
def _free_cores(n: int) -> tuple[int, ...]:
    """The cores of this worker: the first free block of `n` of the node's, locked as long as this process lives.

    Two workers on one machine do not know of each other; a locked file a block, released by the kernel when the
    process ends however it ends, keeps them apart.
    """
    import fcntl
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.gettempdir()) / f"ecotaskset-cores-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    available = _node_cores()
    blocks = [available[i : i + n] for i in range(0, len(available) - n + 1, n)] or [available]
    for number, block in enumerate(blocks):
        descriptor = os.open(folder / f"{n}-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        return block  # the descriptor stays open on purpose
    return blocks[os.getpid() % len(blocks)]


def _given_up(recipe: Recipe, cores: int, error: Exception) -> Run:
    run = lost_run(recipe, [], exit_code=None, out_of_memory=False, threads=cores)
    reason = f"its worker died {ATTEMPTS} times: {type(error).__name__}"
    return Run.model_validate({**run.model_dump(), "run_id": "", "status_reason": reason})
