"""Small text classifiers of our own."""

from __future__ import annotations

from torch import Tensor, nn
from transformers.utils import ModelOutput

from collectors.tasks.architectures.outputs import answer


class BagOfEmbeddings(nn.Module):
    """The mean of token embeddings and a linear layer (Joulin et al., "Bag of Tricks", EACL 2017, without n-grams)."""

    def __init__(self, vocabulary: int, hidden: int, n_classes: int, pad_id: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=pad_id)
        self.head = nn.Linear(hidden, n_classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> ModelOutput:
        """Token ids and mask (n, length), labels (n,)."""
        kept = attention_mask.unsqueeze(-1).to(self.embedding.weight.dtype)
        mean = (self.embedding(input_ids) * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
        return answer(self.head(mean), labels)
