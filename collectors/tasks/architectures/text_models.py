"""Small text classifiers of our own: token ids and mask (n, length) to logits (n, classes)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from collectors.tasks.architectures.outputs import Answer, answer

DROPOUT = 0.2
KERNELS = (3, 4, 5)


class BagOfEmbeddings(nn.Module):
    """The mean of token embeddings and a linear layer (Joulin et al., "Bag of Tricks", EACL 2017, without n-grams)."""

    def __init__(self, vocabulary: int, hidden: int, n_classes: int, pad_id: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=pad_id)
        self.head = nn.Linear(hidden, n_classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Token ids and mask (n, length), labels (n,)."""
        kept = attention_mask.unsqueeze(-1).to(self.embedding.weight.dtype)
        mean = (self.embedding(input_ids) * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
        return answer(self.head(mean), labels)


class TextCNN(nn.Module):
    """Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014."""

    def __init__(self, vocabulary: int, hidden: int, filters: int, n_classes: int, pad_id: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=pad_id)
        self.convolutions = nn.ModuleList(nn.Conv1d(hidden, filters, size, padding=size - 1) for size in KERNELS)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(len(KERNELS) * filters, n_classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Token ids and mask (n, length), labels (n,)."""
        embedded = self.embedding(input_ids).transpose(1, 2)
        pooled = []
        for size, convolution in zip(KERNELS, self.convolutions, strict=True):
            # A window counts if it holds a real token, so that the amount of padding changes nothing.
            counts = pad(attention_mask, (size - 1, 0), value=1).unsqueeze(1)
            pooled.append((convolution(embedded).relu() * counts).amax(dim=2))
        return answer(self.head(self.dropout(torch.cat(pooled, dim=1))), labels)


class LSTMClassifier(nn.Module):
    """An LSTM (Hochreiter and Schmidhuber 1997) and the largest state over the real tokens."""

    def __init__(self, vocabulary: int, hidden: int, states: int, n_classes: int, pad_id: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=pad_id)
        self.lstm = nn.LSTM(hidden, states, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(states, n_classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Answer:
        """Token ids and mask (n, length), labels (n,)."""
        states, _ = self.lstm(self.embedding(input_ids))
        # States of an LSTM lie between -1 and 1, so -1 never wins over a real token.
        largest = states.masked_fill(attention_mask.unsqueeze(-1) == 0, -1.0).amax(dim=1)
        return answer(self.head(self.dropout(largest)), labels)
