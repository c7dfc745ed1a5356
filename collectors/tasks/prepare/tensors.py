"""A map-style data set over tensors that lie in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset


class TensorColumns(Dataset):
    """Items are dicts of tensors: row i of every column. `finish` turns a dict of stacked rows into model inputs.

    A batch is gathered in one indexing operation a column (`__getitems__`, which DataLoader uses where it is there).
    """

    def __init__(self, columns: dict[str, Tensor], finish: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
        self.columns, self._finish = columns, finish

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Tensor]]:
        rows = torch.as_tensor(indices, dtype=torch.long)
        batch = self._finish({name: column[rows] for name, column in self.columns.items()})
        names = list(batch)
        return [dict(zip(names, row, strict=True)) for row in zip(*batch.values(), strict=True)]


def stack(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The plain batch: every column stacked."""
    return {name: torch.stack([item[name] for item in items]) for name in items[0]}


def trim_right(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """A batch cut to its longest sequence, for columns padded at the end."""
    return _trim(stack(items), at_end=True)


def trim_left(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """A batch cut to its longest sequence, for columns padded at the start."""
    return _trim(stack(items), at_end=False)


def _trim(batch: dict[str, Tensor], at_end: bool) -> dict[str, Tensor]:
    mask = batch["attention_mask"]
    longest = max(1, int(mask.sum(dim=1).max()))
    cut = slice(0, longest) if at_end else slice(mask.shape[1] - longest, None)
    return {name: column[:, cut] if column.shape[1:] == mask.shape[1:] else column for name, column in batch.items()}
