"""A small memory: what was computed for an object is found again by the object's identity; the oldest is forgotten."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def kept(most: int) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Remember the last `most` answers of a function whose first argument need not be hashable and is never changed.

    The argument itself is kept with the answer: as long as it lives, nothing else can have its identity.
    """

    def decorate(function: Callable[..., Answer]) -> Callable[..., Answer]:
        answers: OrderedDict[Hashable, tuple[Any, Answer]] = OrderedDict()
        lock = Lock()

        @functools.wraps(function)
        def remembered(owner: Any, *rest: Hashable) -> Answer:
            key = (id(owner), *rest)
            with lock:
                if key in answers:
                    answers.move_to_end(key)
                    return answers[key][1]
            made = function(owner, *rest)
            with lock:
                answers[key] = (owner, made)
                while len(answers) > most:
                    answers.popitem(last=False)
            return made

        return remembered

    return decorate
