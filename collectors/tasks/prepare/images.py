"""Image tasks: raw images to normalised tensors of the side the model is given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.tasks.prepare.cache import Arrays, content_hash, prepared
from collectors.tasks.prepare.describe import describe_images
from collectors.tasks.prepare.splits import three_splits
from collectors.tasks.sources.raw import Images
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

SPLITS = ("train", "validation", "test")


def prepare_images(
    load: Any, key: dict[str, Any], fit: Callable[[int], int], root: Path, reuse: bool
) -> tuple[Arrays, dict[str, Any], bool]:
    """`<split>_pixels` (n, side, side, channels) uint8 and `<split>_labels` (n,), and the task's descriptors.

    `fit` gives the side that the model needs for images stored at a side; `key` must tell everything it depends on.
    """

    def make() -> tuple[Arrays, dict[str, Any]]:
        raw: Images = load(root)
        check_labels(raw.labels, raw.class_names)
        parts = dict(zip(SPLITS, three_splits(raw.labels, raw.split), strict=True))
        arrays = {f"{name}_labels": raw.labels[rows] for name, rows in parts.items()}
        native = {name: raw.pixels[rows] for name, rows in parts.items()}
        meta = describe_images(native, arrays, raw.class_names)
        meta["dataset_revision"] = content_hash(*native.values(), *arrays.values())
        for name, pixels in native.items():
            arrays[f"{name}_pixels"] = _resize(pixels, fit(pixels.shape[1]))
        return arrays, meta

    return prepared(root, key, make, reuse=reuse)


def finisher(mean: float | list[float], std: float | list[float], channels: int | None = None) -> Any:
    """From stored rows to model inputs: `pixel_values` float32 (n, channels, side, side), normalised; `labels`.

    `channels=3` repeats a grey image, which published weights expect.
    """
    import torch

    return partial(_finish, torch.as_tensor(mean).view(-1, 1, 1), torch.as_tensor(std).view(-1, 1, 1), channels)


def _finish(mean: Tensor, std: Tensor, channels: int | None, rows: dict[str, Tensor]) -> dict[str, Tensor]:
    pixels = rows["pixels"].permute(0, 3, 1, 2).float().div_(255)
    if channels is not None and pixels.shape[1] == 1 != channels:
        pixels = pixels.expand(-1, channels, -1, -1)
    return {"pixel_values": (pixels - mean) / std, "labels": rows["labels"]}


def check_labels(labels: np.ndarray, class_names: tuple[str, ...]) -> None:
    """Refuse labels that cannot be learned: one class, or as many classes as examples."""
    import numpy as np

    present = np.unique(labels)
    if len(present) < 2:
        only = f" ('{class_names[int(present[0])]}')" if len(present) else ""
        raise UsageError(f"the data has a single class{only}", hint="a classifier needs at least two")
    if len(labels) > 20 and len(present) > len(labels) / 2:
        raise UsageError(
            f"{len(present)} different labels for {len(labels)} examples", hint="is this the column of the labels?"
        )


def _resize(pixels: np.ndarray, side: int) -> np.ndarray:
    """Bilinear with antialiasing, in blocks, so that a large data set does not need its size again as floats."""
    import numpy as np
    import torch
    from torch.nn.functional import interpolate

    if pixels.shape[1] == side:
        return pixels
    out = np.empty((len(pixels), side, side, pixels.shape[3]), dtype=np.uint8)
    for start in range(0, len(pixels), 1024):
        block = torch.from_numpy(pixels[start : start + 1024]).permute(0, 3, 1, 2).float()
        small = interpolate(block, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
        out[start : start + 1024] = small.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return out
