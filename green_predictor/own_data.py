"""Data of one's own: described by reading them, so that one can ask about them like about any data set of the runs.

The collectors do the reading, in a process of their own: they know the formats, and this package does without them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from ecotaskset.errors import UsageError
from green_predictor.probing import require_collectors

KINDS = ("csv:", "folder:", "hub:")
FORMS = {"cv": "folder:DIR", "nlp": "csv:FILE:TEXT:LABEL", "recsys": "csv:FILE:USER:ITEM:TIME"}
"""How `green-collect` is told of data that nobody ran anything on."""


def is_own(dataset: Any) -> bool:
    """Is this a name for somebody's own data, as `green-collect` takes it?"""
    return isinstance(dataset, str) and dataset.startswith(KINDS)


def describe(domain: str, dataset: str) -> dict[str, Any]:
    """What `recommend` needs to know of a data set, counted on the data themselves.

    Args:
        domain: `cv`, `nlp` or `recsys`.
        dataset: a name that `green-collect` can load, such as `csv:reviews.csv:text:label` or `folder:images/`.

    Returns:
        A description for `recommend(dataset=…)`: `name`, `recorded_as` (what runs of it call it), and its task columns,
        `landmark_quality` among them: what a simple classical model reaches, which says most of what can be reached.

    Raises:
        UsageError: the collectors are not installed, or the data cannot be read or learned from.
    """
    require_collectors()
    words = ["--describe", "--domain", domain, "--dataset", dataset, "--json"]
    made = subprocess.run([sys.executable, "-m", "collectors", *words], capture_output=True, text=True, check=False)
    if made.returncode == 130:
        raise KeyboardInterrupt
    if made.returncode:
        told = dict(line.split(": ", 1) for line in made.stderr.splitlines() if line.startswith(("error: ", "hint: ")))
        raise UsageError(told.get("error", "the data could not be read"), hint=told.get("hint"))
    return json.loads(made.stdout)
