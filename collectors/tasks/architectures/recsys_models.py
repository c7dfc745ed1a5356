"""Sequential recommenders: item sequences (n, length), padded with 0 at the start, to scores of every next item.

Each model gives a state for every position, is trained on the next item of every position (cross entropy over all
items), and answers with the scores at the last position, `logits` (n, items + 1). Scores are products with the item
embeddings, which input and output share.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers.utils import ModelOutput

IGNORED = -100


class NextItem(nn.Module):
    """The part that all share: item embeddings, and scores and loss from states."""

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, hidden, padding_idx=0)
        nn.init.normal_(self.items.weight, std=hidden**-0.5)
        with torch.no_grad():
            self.items.weight[0].zero_()

    def answer(self, states: Tensor, labels: Tensor | None) -> ModelOutput:
        """States (n, length, hidden); labels (n, length), IGNORED where a position has no target.

        Only positions with a target are scored: the scores of all items are the expensive part.
        """
        logits = states[:, -1] @ self.items.weight.T
        if labels is None:
            return ModelOutput(logits=logits)
        kept = labels != IGNORED
        # In validation the last position is the only target, and its scores are there already.
        scores = states[kept] @ self.items.weight.T if self.training else logits
        return ModelOutput(loss=cross_entropy(scores, labels[kept]), logits=logits)


class GRU4Rec(NextItem):
    """Hidasi et al., "Session-based Recommendations with Recurrent Neural Networks", ICLR 2016, with full softmax."""

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__(n_items, hidden)
        self.dropout = nn.Dropout(0.2)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> ModelOutput:
        """Item ids, mask and labels (n, length); the padding at the start leaves the state near zero."""
        states, _ = self.gru(self.dropout(self.items(input_ids)))
        return self.answer(self.out(states), labels)


class SASRec(NextItem):
    """Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, trained with full softmax."""

    def __init__(self, n_items: int, length: int, hidden: int, heads: int, layers: int) -> None:
        super().__init__(n_items, hidden)
        self.encoder = Encoder(length, hidden, heads, layers, causal=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> ModelOutput:
        """Item ids, mask and labels (n, length)."""
        return self.answer(self.encoder(self.items(input_ids), attention_mask), labels)


class Encoder(nn.Module):
    """Transformer blocks over a sequence padded at the start; positions are counted from the first real item."""

    def __init__(self, length: int, hidden: int, heads: int, layers: int, causal: bool) -> None:
        super().__init__()
        self.causal, self.heads = causal, heads
        self.positions = nn.Embedding(length, hidden)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(0.2)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(hidden, heads, 4 * hidden, 0.2, "gelu", batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.last_norm = nn.LayerNorm(hidden)

    def forward(self, embedded: Tensor, attention_mask: Tensor) -> Tensor:
        """Embeddings (n, length, hidden), mask (n, length) to states (n, length, hidden)."""
        places = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)
        states = self.dropout(self.norm(embedded + self.positions(places)))
        blocked = self._blocked(attention_mask)
        for layer in self.layers:
            states = layer(states, src_mask=blocked)
        return self.last_norm(states)

    def _blocked(self, attention_mask: Tensor) -> Tensor:
        """True where a position must not look, (n · heads, length, length); each may look at itself, so no row is empty."""
        n, length = attention_mask.shape
        blocked = (attention_mask == 0)[:, None, :].expand(n, length, length)
        if self.causal:
            later = torch.ones(length, length, dtype=torch.bool, device=blocked.device).triu(1)
            blocked = blocked | later
        itself = torch.eye(length, dtype=torch.bool, device=blocked.device)
        return (blocked & ~itself).repeat_interleave(self.heads, dim=0)
