"""Examples of similar length, batch by batch (knob dynamic_padding)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

BATCHES_SORTED_TOGETHER = 50
"""Lengths are sorted within this many batches only, so that the order still changes from epoch to epoch."""


class SimilarLengths(Sampler[int]):
    """A random order whose batches hold examples of similar length.

    Shuffle, sort by length within windows of many batches, cut into batches, shuffle the batches. The batch that is
    not full comes last, so that a loader that counts off `batch_size` examples meets exactly these batches.
    """

    def __init__(self, lengths: torch.Tensor, batch_size: int, generator: torch.Generator) -> None:
        self.lengths, self.batch_size, self.generator = lengths, batch_size, generator

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        shuffled = torch.randperm(len(self.lengths), generator=self.generator)
        windows = shuffled.split(self.batch_size * BATCHES_SORTED_TOGETHER)
        batches = [
            batch for window in windows for batch in window[self.lengths[window].argsort()].split(self.batch_size)
        ]
        full = [batch for batch in batches if len(batch) == self.batch_size]
        rest = [batch for batch in batches if len(batch) < self.batch_size]
        for place in torch.randperm(len(full), generator=self.generator).tolist():
            yield from full[place].tolist()
        for batch in rest:
            yield from batch.tolist()


def lengths_of(dataset: Dataset) -> torch.Tensor:
    """Length of every example without its padding, int64 (n,)."""
    loader = DataLoader(dataset, batch_size=1024, collate_fn=lambda items: [i["attention_mask"].sum() for i in items])
    return torch.stack([length for block in loader for length in block])
