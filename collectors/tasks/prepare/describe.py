"""The numbers that describe a task to someone who has not seen it: the task columns of a Run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collectors.tasks.prepare import landmarks

if TYPE_CHECKING:
    import numpy as np

COLUMNS = (
    "dataset_revision", "n_train", "n_validation", "n_test", "n_classes", "class_balance", "image_size", "n_channels",
    "pixel_mean", "pixel_std", "sequence_length", "mean_length", "vocab_size", "n_users", "n_items",
    "n_interactions", "density", "majority_quality", "landmark_quality",
)  # fmt: skip


def describe_images(pixels: dict[str, np.ndarray], labels: dict[str, np.ndarray], names: tuple) -> dict[str, Any]:
    """Descriptors of an image task; `image_size` is the stored side, whatever the model is given later."""
    train, validation = pixels["train"], pixels["validation"]
    mean, std = _moments(train)
    return {
        **_empty(),
        **_labels(labels, len(names)),
        "image_size": int(train.shape[1]),
        "n_channels": int(train.shape[3]),
        "pixel_mean": mean,
        "pixel_std": std,
        "landmark_quality": landmarks.nearest_centroid(
            train, labels["train_labels"], validation, labels["validation_labels"]
        ),
    }


def describe_texts(
    ids: dict[str, np.ndarray],
    lengths: np.ndarray,
    length: int,
    labels: dict[str, np.ndarray],
    names: tuple,
    vocab_size: int,
    pad_id: int,
) -> dict[str, Any]:
    """Descriptors of a text task.

    `lengths` are the token counts of the training texts before cutting, `length` what the model is given; `ids` are
    the tokens that the landmark sees.
    """
    return {
        **_empty(),
        **_labels(labels, len(names)),
        "sequence_length": length,
        "mean_length": float(lengths.mean()),
        "vocab_size": vocab_size,
        "landmark_quality": landmarks.naive_bayes(
            ids["train"], labels["train_labels"], ids["validation"], labels["validation_labels"], vocab_size, pad_id
        ),
    }


def class_balance(labels: np.ndarray, n_classes: int) -> float:
    """Entropy of the labels over its maximum: 1 when all classes are equally frequent (Shannon 1948)."""
    import numpy as np

    shares = np.bincount(labels, minlength=n_classes) / len(labels)
    shares = shares[shares > 0]
    return float(np.clip(-(shares * np.log(shares)).sum() / np.log(n_classes), 0, 1))


def _labels(labels: dict[str, np.ndarray], n_classes: int) -> dict[str, Any]:
    import numpy as np

    train, validation = labels["train_labels"], labels["validation_labels"]
    commonest = int(np.bincount(train).argmax())
    return {
        "n_train": len(train),
        "n_validation": len(validation),
        "n_test": len(labels["test_labels"]),
        "n_classes": n_classes,
        "class_balance": class_balance(train, n_classes),
        "majority_quality": float((validation == commonest).mean()),
    }


def _moments(pixels: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of all values, 0 to 1, from the counts of the 256 levels."""
    import numpy as np

    counts = np.bincount(pixels.reshape(-1), minlength=256)
    levels = np.arange(256) / 255
    mean = float((counts * levels).sum() / counts.sum())
    return mean, float(np.sqrt((counts * (levels - mean) ** 2).sum() / counts.sum()))


def _empty() -> dict[str, Any]:
    return dict.fromkeys(COLUMNS)
