"""Text classifiers from `transformers`: small ones from scratch, and the published base sizes. To add one: an entry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures.declaration import Architecture, Inputs, initial_spread, scaled

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Size:
    """Hidden size, layers and heads."""

    hidden: int
    layers: int
    heads: int

    def wide(self, width: float) -> int:
        """The hidden size times `width`, such that every head has an even size."""
        return scaled(self.hidden, width, 4 * self.heads)


TINY = Size(64, 2, 4)
BASE = Size(768, 12, 12)


def classifier(model: str, inputs: Inputs, **settings: Any) -> nn.Module:
    """`<model>ForSequenceClassification` of `transformers` with a configuration of its own and random weights."""
    import transformers

    config = getattr(transformers, f"{model}Config")(
        vocab_size=inputs.vocabulary,
        pad_token_id=inputs.pad_id,
        num_labels=inputs.n_classes,
        problem_type="single_label_classification",
        **settings,
    )
    return getattr(transformers, f"{model}ForSequenceClassification")(config)


def _encoder(model: str, size: Size, inputs: Inputs, width: float, **settings: Any) -> nn.Module:
    """The BERT line: Devlin et al. 2018 (BERT), Liu et al. 2019 (RoBERTa), Clark et al. 2020 (ELECTRA)."""
    hidden = size.wide(width)
    # RoBERTa counts positions from the padding id on.
    positions = inputs.length + (inputs.pad_id + 1 if model == "Roberta" else 0)
    return classifier(
        model,
        inputs,
        hidden_size=hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * hidden,
        initializer_range=initial_spread(hidden),
        max_position_embeddings=positions,
        **settings,
    )


def _albert(size: Size, inputs: Inputs, width: float) -> nn.Module:
    """Lan et al., "ALBERT", ICLR 2020: one layer's weights for all layers, and small embeddings."""
    return _encoder("Albert", size, inputs, width, embedding_size=scaled(32, width))


def _electra(size: Size, inputs: Inputs, width: float) -> nn.Module:
    return _encoder("Electra", size, inputs, width, embedding_size=scaled(32, width))


def _distilbert(size: Size, inputs: Inputs, width: float) -> nn.Module:
    """Sanh et al., "DistilBERT", 2019."""
    hidden = size.wide(width)
    return classifier(
        "DistilBert",
        inputs,
        dim=hidden,
        n_layers=size.layers,
        n_heads=size.heads,
        hidden_dim=4 * hidden,
        initializer_range=initial_spread(hidden),
        max_position_embeddings=inputs.length,
    )


def _modernbert(size: Size, inputs: Inputs, width: float) -> nn.Module:
    """Warner et al., "ModernBERT", 2024: rotary positions, gated linear units, local and global attention."""
    hidden = size.wide(width)
    return classifier(
        "ModernBert",
        inputs,
        hidden_size=hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=2 * hidden,
        initializer_range=initial_spread(hidden),
        max_position_embeddings=inputs.length,
        classifier_pooling="mean",
        **_special_ids(inputs),
        cls_token_id=inputs.pad_id,
        sep_token_id=inputs.pad_id,
    )


def _gpt2(size: Size, inputs: Inputs, width: float) -> nn.Module:
    """Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; reads the last real token."""
    return classifier(
        "GPT2",
        inputs,
        n_embd=size.wide(width),
        initializer_range=initial_spread(size.wide(width)),
        n_layer=size.layers,
        n_head=size.heads,
        n_positions=inputs.length,
        use_cache=False,
        **_special_ids(inputs),
    )


def _bloom(size: Size, inputs: Inputs, width: float) -> nn.Module:
    """Le Scao et al., "BLOOM", 2022: a decoder with ALiBi positions; reads the last real token."""
    return classifier(
        "Bloom",
        inputs,
        hidden_size=size.wide(width),
        initializer_range=initial_spread(size.wide(width)),
        n_layer=size.layers,
        n_head=size.heads,
        use_cache=False,
        **_special_ids(inputs),
    )


def _special_ids(inputs: Inputs) -> dict[str, int]:
    """Ids that must lie inside a small vocabulary; the classifiers do not read them."""
    return {"bos_token_id": inputs.pad_id, "eos_token_id": inputs.pad_id}


ARCHITECTURES = (
    Architecture("bert-tiny", "nlp", "bert", partial(_encoder, "Bert", TINY)),
    Architecture("roberta-tiny", "nlp", "bert", partial(_encoder, "Roberta", TINY)),
    Architecture("electra-tiny", "nlp", "bert", partial(_electra, TINY)),
    Architecture("albert-tiny", "nlp", "albert", partial(_albert, TINY)),
    Architecture("distilbert-tiny", "nlp", "bert", partial(_distilbert, TINY)),
    Architecture("modernbert-tiny", "nlp", "modernbert", partial(_modernbert, TINY)),
    Architecture("gpt2-tiny", "nlp", "decoder", partial(_gpt2, TINY)),
    Architecture("bloom-tiny", "nlp", "decoder", partial(_bloom, TINY)),
    Architecture(
        "bert-base", "nlp", "bert", partial(_encoder, "Bert", BASE), pretrained_id="google-bert/bert-base-uncased"
    ),
    Architecture(
        "roberta-base", "nlp", "bert", partial(_encoder, "Roberta", BASE), pretrained_id="FacebookAI/roberta-base"
    ),
    Architecture(
        "distilbert-base",
        "nlp",
        "bert",
        partial(_distilbert, Size(768, 6, 12)),
        pretrained_id="distilbert/distilbert-base-uncased",
    ),
    Architecture("gpt2", "nlp", "decoder", partial(_gpt2, BASE), pretrained_id="openai-community/gpt2"),
)
