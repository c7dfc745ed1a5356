"""Text classifiers from `transformers`, small and from scratch. To add one: an entry below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn

HIDDEN = 64
HEADS = 4
LAYERS = 2


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


def _bert(inputs: Inputs, width: float) -> nn.Module:
    """Devlin et al., "BERT", NAACL 2019."""
    hidden = scaled(HIDDEN, width, HEADS)
    return classifier(
        "Bert",
        inputs,
        hidden_size=hidden,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * hidden,
        max_position_embeddings=inputs.length,
    )


ARCHITECTURES = (Architecture("bert-tiny", "nlp", "bert", _bert, pretrained_id="google/bert_uncased_L-2_H-128_A-2"),)
