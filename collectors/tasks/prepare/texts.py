"""Text tasks: raw texts to token ids of a fixed length, with a tokenizer trained on the task's own text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.tasks.prepare.cache import Arrays, content_hash, prepared, write_whole
from collectors.tasks.prepare.describe import describe_texts
from collectors.tasks.prepare.images import SPLITS, check_labels
from collectors.tasks.prepare.splits import three_splits
from collectors.tasks.sources.raw import Texts
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer
    from torch import Tensor

VOCABULARY = 4_096
LANDMARK_LENGTH = 128
PAD, UNKNOWN, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = (PAD, UNKNOWN, CLS, SEP, MASK)
"""Their places are their token ids: padding is 0."""

Encode = Callable[[list[str]], list[list[int]]]


def prepare_texts(
    load: Any, key: dict[str, Any], length: int, root: Path, reuse: bool, published: tuple[Encode, int, int] | None
) -> tuple[Arrays, dict[str, Any], bool]:
    """`<split>_ids` (n, length) int32, padded at the end; `<split>_lengths` (n,) and `<split>_labels` (n,).

    `published` is (encode, vocabulary size, padding id) of a published tokenizer; None trains one on the training
    texts. Special tokens count towards the length. Empty texts keep their special tokens.
    """

    def make() -> tuple[Arrays, dict[str, Any]]:
        raw: Texts = load(root)
        check_labels(raw.labels, raw.class_names)
        if not any(text.strip() for text in raw.texts):
            raise UsageError("every text is empty", hint="is this the column of the texts?")
        parts = dict(zip(SPLITS, three_splits(raw.labels, raw.split), strict=True))
        texts = {name: [raw.texts[row] for row in rows] for name, rows in parts.items()}
        arrays: Arrays = {f"{name}_labels": raw.labels[rows] for name, rows in parts.items()}
        revision = content_hash(*(_joined(part) for part in texts.values()), *arrays.values())
        encode, vocabulary, padding = published or _own_tokenizer(texts["train"], root, revision)
        rows = {name: encode(part) for name, part in texts.items()}
        for name, part in rows.items():
            arrays[f"{name}_ids"], arrays[f"{name}_lengths"] = _pad(part, length, padding)
        # The landmark describes the task, so it must not depend on the length that a recipe chooses.
        judged = {name: _pad(rows[name], LANDMARK_LENGTH, padding)[0] for name in ("train", "validation")}
        meta = describe_texts(judged, _lengths(rows["train"]), length, arrays, raw.class_names, vocabulary, padding)
        return arrays, {**meta, "dataset_revision": revision, "pad_id": padding}

    return prepared(root, {**key, "length": length}, make, reuse=reuse)


def finish(rows: dict[str, Tensor]) -> dict[str, Tensor]:
    """From stored rows to model inputs: `input_ids` and `attention_mask` int64 (n, length), `labels` int64."""
    import torch

    ids = rows["ids"].long()
    mask = (torch.arange(ids.shape[1]) < rows["lengths"].long()[:, None]).long()
    return {"input_ids": ids, "attention_mask": mask, "labels": rows["labels"]}


def _own_tokenizer(texts: list[str], root: Path, revision: str) -> tuple[Encode, int, int]:
    """A lower-cased WordPiece tokenizer of at most VOCABULARY tokens, kept beside the prepared data.

    WordPiece as in Devlin et al., "BERT", 2018; trained by the `tokenizers` library.
    """
    from tokenizers import Tokenizer

    path = root / "tokenizers" / f"{revision}-{VOCABULARY}.json"
    if path.is_file():
        tokenizer = Tokenizer.from_file(str(path))
    else:
        tokenizer = train_tokenizer(texts)
        write_whole(path, tokenizer.to_str().encode())

    def encode(batch: list[str]) -> list[list[int]]:
        return [item.ids for item in tokenizer.encode_batch(batch)]

    return encode, tokenizer.get_vocab_size(), SPECIAL.index(PAD)


def train_tokenizer(texts: list[str]) -> Tokenizer:
    """A tokenizer that puts [CLS] before and [SEP] after each text."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIAL), limit_alphabet=256, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.BertProcessing((SEP, SPECIAL.index(SEP)), (CLS, SPECIAL.index(CLS)))
    return tokenizer


def _pad(rows: list[list[int]], length: int, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut to `length` keeping the closing special token, pad at the end; (ids, lengths)."""
    import numpy as np

    ids = np.full((len(rows), length), padding, dtype=np.int32)
    lengths = np.minimum(_lengths(rows), length)
    for number, row in enumerate(rows):
        kept = row if len(row) <= length else [*row[: length - 1], row[-1]]
        ids[number, : len(kept)] = kept
    return ids, lengths


def _lengths(rows: list[list[int]]) -> np.ndarray:
    import numpy as np

    return np.array([len(row) for row in rows], dtype=np.int32)


def _joined(texts: list[str]) -> np.ndarray:
    """The texts as one byte array, separated by a byte that UTF-8 never has."""
    import numpy as np

    return np.frombuffer(b"\xff".join(text.encode("utf-8", errors="replace") for text in texts), dtype=np.uint8)
