"""A factorised output layer (knob low_rank_head): Sainath et al., "Low-Rank Matrix Factorization for DNN Training with
High-Dimensional Output Targets", ICASSP 2013; for embeddings, Lan et al., "ALBERT" (arXiv 1909.11942), section 3.1."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecotaskset.errors import UsageError


def factorise(model: nn.Module, head: str, rank: int, name: str) -> None:
    """Put two factors of the given rank in place of the output layer, in place.

    They start as the best approximation of the weights that were there (truncated singular values).

    Raises:
        UsageError: the factors would have as many weights as the layer, or the layer is not a matrix.
    """
    layer = model.get_submodule(head)
    if not isinstance(layer, (nn.Linear, nn.Embedding)):
        raise UsageError(
            f"knob 'low_rank_head={rank}' does not apply to '{name}': its output layer is a {type(layer).__name__}",
            hint="choose a model with a linear output layer",
        )
    rows, columns = layer.weight.shape
    if rank * (rows + columns) >= rows * columns:
        most = (rows * columns - 1) // (rows + columns)
        raise UsageError(
            f"knob 'low_rank_head={rank}' does not apply to '{name}': two factors of rank {rank} have no fewer weights "
            f"than its output layer of {columns} × {rows}",
            hint=f"choose a rank of at most {most}" if most else "the output layer is too small to be factorised",
        )
    left, right = _factors(layer.weight.detach(), rank)
    new: nn.Module
    if isinstance(layer, nn.Linear):
        new = nn.Sequential(nn.Linear(columns, rank, bias=False), nn.Linear(rank, rows, bias=layer.bias is not None))
        with torch.no_grad():
            new[0].weight.copy_(right)
            new[1].weight.copy_(left)
            if layer.bias is not None:
                new[1].bias.copy_(layer.bias)
    else:
        new = FactorisedEmbedding(left, right, layer.padding_idx)
    parent, _, last = head.rpartition(".")
    setattr(model.get_submodule(parent), last, new)


def _factors(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """(rows, rank) and (rank, columns) whose product is the nearest of that rank to the weight (rows, columns)."""
    u, s, v = torch.linalg.svd(weight.float(), full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]


class FactorisedEmbedding(nn.Module):
    """An embedding (n, hidden) kept as (n, rank) times (rank, hidden); `weight` is the product."""

    def __init__(self, left: Tensor, right: Tensor, padding_idx: int | None) -> None:
        super().__init__()
        self.rows = nn.Embedding.from_pretrained(left.clone(), freeze=False, padding_idx=padding_idx)
        self.columns = nn.Parameter(right.clone())
        self.num_embeddings, self.embedding_dim = left.shape[0], right.shape[1]

    @property
    def weight(self) -> Tensor:
        """The whole embedding, (n, hidden); what scores items against states."""
        return self.rows.weight @ self.columns

    def forward(self, ids: Tensor) -> Tensor:
        """Embeddings of the ids, (…, hidden)."""
        return self.rows(ids) @ self.columns
