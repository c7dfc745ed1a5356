"""What a recipe asks for and this machine cannot do, found before anything is loaded or trained."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
from pathlib import Path

from ecotaskset.errors import UsageError
from ecotaskset.knobs import KNOBS
from ecotaskset.recipe import Recipe

PACKAGES = {"lora": ("peft",), "onnx_runtime": ("onnx", "onnxruntime")}
"""Optional packages, by the knob that needs them."""
COMPILED = ("torch_compile", "inference_compile")
IN_HALVES = ("progressive_resizing", "progressive_freezing")
CPU_ONLY = ("int8_dynamic", "onnx_runtime")


def refuse_impossible(recipe: Recipe, device: str) -> None:
    """Refuse what cannot work on this machine, whatever the data and the model are.

    Args:
        recipe: what is to be trained.
        device: kind of the device it would be trained on, `cpu` or `cuda`.

    Raises:
        UsageError: names the knob, the reason and what would help.
    """
    for name, value in recipe.knobs.items():
        for need in KNOBS[name].needs:
            if need in ("cuda", "nvml") and device != "cuda":
                raise _refusal(name, value, f"needs a GPU, this run is on {device}", "leave it out on this machine")
        for package in PACKAGES.get(name, ()):
            if importlib.util.find_spec(package) is None:
                raise _refusal(name, value, f"needs the package '{package}'", "pip install 'ecotaskset[collect]'")
        if name in COMPILED and (missing := missing_compiler(device)) is not None:
            raise _refusal(name, value, f"needs {missing}", "install it, or leave the knob out")
        if name in IN_HALVES and recipe.epochs < 2:
            raise _refusal(name, value, "changes something after half of the epochs", "train at least 2 epochs")
        if name in CPU_ONLY and device != "cpu":
            raise _refusal(name, value, f"is made for the CPU, this run is on {device}", "use inference_half=true")
    if recipe.knob("precision") == "fp16" and device != "cuda":
        raise _refusal(
            "precision", "fp16", f"needs a GPU, this run is on {device}", "use precision=bf16 or precision=fp32"
        )
    threads, available = recipe.knob("cpu_threads"), available_cpus()
    if threads is not None and threads > available:
        raise _refusal("cpu_threads", threads, f"is more than the {available} this process may use", "choose fewer")


def missing_compiler(device: str) -> str | None:
    """What the graph compiler lacks here, in words; None when nothing.

    On CPUs it writes C++ against Python's headers; on GPUs it goes through Triton, which calls a C compiler.
    """
    wanted = ("g++", "clang++", "c++") if device == "cpu" else ("gcc", "clang", "cc")
    chosen = os.environ.get("CXX" if device == "cpu" else "CC")
    if not any(shutil.which(name) for name in ((chosen,) if chosen else wanted)):
        return f"a C++ compiler ({' or '.join((chosen,) if chosen else wanted)}), and none is on the path"
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        return "the headers of Python (package python3-dev)"
    if device != "cpu" and importlib.util.find_spec("triton") is None:
        return "the package 'triton'"
    return None


def available_cpus() -> int:
    """Processors this process may use; fewer than the machine has where it is confined."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _refusal(name: str, value: object, reason: str, hint: str) -> UsageError:
    shown = str(value).lower() if isinstance(value, bool) else value
    return UsageError(f"knob '{name}={shown}' {reason}", hint=hint)
