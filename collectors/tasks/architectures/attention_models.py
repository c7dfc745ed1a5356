"""Sequential recommenders with self-attention: SASRec, BERT4Rec, CORE. Shapes as in `next_item_models`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, pad

from collectors.tasks.architectures.next_item_models import DROPOUT, NextItem
from collectors.tasks.architectures.outputs import Answer

MASKED_SHARE = 0.2
TEMPERATURE = 0.07


class SASRec(NextItem):
    """Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, with full softmax."""

    def __init__(self, n_items: int, length: int, hidden: int, heads: int, layers: int) -> None:
        super().__init__(n_items, hidden)
        self.encoder = Encoder(length, hidden, heads, layers, causal=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Item ids, mask and labels (n, length)."""
        return self.answer(self.encoder(self.items(input_ids), attention_mask), labels)


class BERT4Rec(NextItem):
    """Sun et al., "BERT4Rec", CIKM 2019: hidden items of a sequence are guessed from both sides.

    In training a fifth of the items is hidden, and always the last one, which is what will be asked.
    """

    def __init__(self, n_items: int, length: int, hidden: int, heads: int, layers: int) -> None:
        super().__init__(n_items, hidden)
        self.encoder = Encoder(length + 1, hidden, heads, layers, causal=False)
        self.mask = nn.Parameter(torch.randn(hidden) * hidden**-0.5)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Item ids, mask and labels (n, length); one more place at the end is for the item that is asked."""
        attention_mask = pad(attention_mask, (0, 1), value=1)
        embedded = pad(self.items(input_ids), (0, 0, 0, 1))
        hidden = torch.zeros_like(attention_mask, dtype=torch.bool)
        if self.training and labels is not None:
            hidden = (torch.rand(hidden.shape, device=hidden.device) < MASKED_SHARE) & (attention_mask == 1)
        hidden[:, -1] = True
        states = self.encoder(torch.where(hidden.unsqueeze(-1), self.mask, embedded), attention_mask)
        logits = self.scores(states[:, -1])
        if labels is None:
            return Answer(logits=logits)
        if not self.training:
            return Answer(loss=cross_entropy(logits, labels[:, -1]), logits=logits)
        whole = torch.cat([input_ids, labels[:, -1:]], dim=1)
        return Answer(loss=cross_entropy(self.scores(states[hidden]), whole[hidden]), logits=logits)


class CORE(NextItem):
    """Hou et al., "CORE: Simple and Effective Session-based Recommendation within Consistent Representation Space",
    SIGIR 2022: a state is a weighted mean of item embeddings, scores are cosines over a temperature.

    The paper predicts the last item of every prefix; here the weights look only back, so that one pass gives all.
    """

    def __init__(self, n_items: int, length: int, hidden: int, heads: int, layers: int) -> None:
        super().__init__(n_items, hidden)
        self.encoder = Encoder(length, hidden, heads, layers, causal=True)
        self.weigh = nn.Linear(hidden, 1)
        self.dropout = nn.Dropout(DROPOUT)

    def scores(self, states: Tensor) -> Tensor:
        """Cosines with every item, over the temperature."""
        return normalize(states, dim=-1) @ normalize(self.dropout(self.items.weight), dim=-1).T / TEMPERATURE

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Item ids, mask and labels (n, length)."""
        embedded = self.dropout(self.items(input_ids))
        weights = self.weigh(self.encoder(embedded, attention_mask)).squeeze(-1)
        blocked = hidden_places(attention_mask, causal=True)
        share = weights[:, None, :].masked_fill(blocked, float("-inf")).softmax(dim=-1)
        return self.answer(share @ embedded, labels)


class Encoder(nn.Module):
    """Transformer blocks over a sequence padded at the start; positions are counted from the first real item."""

    def __init__(self, length: int, hidden: int, heads: int, layers: int, causal: bool) -> None:
        super().__init__()
        self.causal, self.heads = causal, heads
        self.positions = nn.Embedding(length, hidden)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(DROPOUT)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(hidden, heads, 4 * hidden, DROPOUT, "gelu", batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.last_norm = nn.LayerNorm(hidden)

    def forward(self, embedded: Tensor, attention_mask: Tensor) -> Tensor:
        """Embeddings (n, length, hidden) and mask (n, length) to states (n, length, hidden)."""
        places = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)
        states = self.dropout(self.norm(embedded + self.positions(places)))
        blocked = hidden_places(attention_mask, self.causal).repeat_interleave(self.heads, dim=0)
        for layer in self.layers:
            states = layer(states, src_mask=blocked)
        return self.last_norm(states)


def hidden_places(attention_mask: Tensor, causal: bool) -> Tensor:
    """True where a position must not look, (n, length, length): padding, and the future if `causal`.

    Each position may look at itself, so that no row is empty (which would give NaN).
    """
    n, length = attention_mask.shape
    blocked = (attention_mask == 0)[:, None, :].expand(n, length, length)
    if causal:
        blocked = blocked | torch.ones(length, length, dtype=torch.bool, device=blocked.device).triu(1)
    place = torch.arange(length, device=blocked.device)  # not torch.eye: ONNX Runtime has none for truth values
    return blocked & (place[:, None] != place)
