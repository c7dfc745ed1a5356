"""Sequential recommenders: item sequences (n, length), padded with 0 at the start, to scores of every next item.

Each model gives a state for every position, is trained on the next item of every position (cross entropy over all
items), and answers with the scores at the last position, `logits` (n, items + 1). Scores are products with the item
embeddings, which input and output share.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from collectors.tasks.architectures.outputs import Answer

IGNORED = -100
DROPOUT = 0.2
DILATIONS = (1, 2, 1, 4)


class NextItem(nn.Module):
    """What all share: item embeddings, and scores and loss from states."""

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, hidden, padding_idx=0)
        nn.init.normal_(self.items.weight, std=hidden**-0.5)
        with torch.no_grad():
            self.items.weight[0].zero_()

    def scores(self, states: Tensor) -> Tensor:
        """States (…, hidden) to scores of all items (…, items + 1)."""
        return states @ self.items.weight.T

    def answer(self, states: Tensor, labels: Tensor | None) -> Answer:
        """States (n, length, hidden); labels (n, length), IGNORED where a position has no target.

        In training every target counts, and only positions with a target are scored: the scores of all items are the
        expensive part. In evaluation only the last target counts, whose scores are the answer.
        """
        logits = self.scores(states[:, -1])
        if labels is None:
            return Answer(logits=logits)
        if not self.training:
            return Answer(loss=cross_entropy(logits, labels[:, -1]), logits=logits)
        kept = labels != IGNORED
        return Answer(loss=cross_entropy(self.scores(states[kept]), labels[kept]), logits=logits)


class FMC(NextItem):
    """A factorised first-order Markov chain: the item-to-item part of FPMC (Rendle et al., WWW 2010)."""

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__(n_items, hidden)
        self.previous = nn.Embedding(n_items + 1, hidden, padding_idx=0)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Item ids, mask and labels (n, length)."""
        return self.answer(self.previous(input_ids), labels)


class MeanMLP(NextItem):
    """Two layers on the mean of the items so far (the candidate model of Covington et al., RecSys 2016)."""

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__(n_items, hidden)
        self.dropout = nn.Dropout(DROPOUT)
        self.layers = nn.Sequential(nn.Linear(2 * hidden, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, hidden))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Item ids, mask and labels (n, length); padding embeds to zero and is not counted."""
        embedded = self.dropout(self.items(input_ids))
        seen = attention_mask.cumsum(dim=1).clamp(min=1).unsqueeze(-1)
        return self.answer(self.layers(torch.cat([embedded.cumsum(dim=1) / seen, embedded], dim=-1)), labels)


class GRU4Rec(NextItem):
    """Hidasi et al., "Session-based Recommendations with Recurrent Neural Networks", ICLR 2016, with full softmax."""

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__(n_items, hidden)
        self.dropout = nn.Dropout(DROPOUT)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Item ids, mask and labels (n, length).

        Sequences are turned so that they start at once, and their states turned back: a recurrence through the
        padding would leave a trace of how much of it there was.
        """
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        padding = (attention_mask == 0).sum(dim=1, keepdim=True)
        states, _ = self.gru(self.dropout(self.items(input_ids.gather(1, (places + padding) % len(places)))))
        back = ((places - padding) % len(places)).unsqueeze(-1).expand_as(states)
        return self.answer(self.out(states.gather(1, back)), labels)


class NextItNet(NextItem):
    """Yuan et al., "A Simple Convolutional Generative Network for Next Item Recommendation", WSDM 2019."""

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__(n_items, hidden)
        self.layers = nn.ModuleList(CausalBlock(hidden, dilation) for dilation in DILATIONS)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Item ids, mask and labels (n, length)."""
        states, real = self.items(input_ids), attention_mask.unsqueeze(-1)
        for layer in self.layers:
            states = layer(states) * real
        return self.answer(states, labels)


class CausalBlock(nn.Module):
    """A residual block with a dilated convolution that sees only the past."""

    def __init__(self, hidden: int, dilation: int, kernel: int = 3) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.convolution = nn.Conv1d(hidden, hidden, kernel, dilation=dilation)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, states: Tensor) -> Tensor:
        """States (n, length, hidden), same out."""
        past = pad(states.transpose(1, 2), (self.reach, 0))
        return states + self.norm(self.convolution(past).transpose(1, 2)).relu()
