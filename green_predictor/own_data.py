"""Data of one's own: described by reading them, so that one can ask about them like about any data set of the runs.

The collectors do the reading, in a process of their own: they know the formats, and this package does without them.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from ecotaskset.console import INTERRUPTED
from ecotaskset.errors import RunsFailedError, UsageError, unknown_name
from ecotaskset.knobs import DOMAINS
from green_predictor.probing import green_collect, require_collectors

FORMS = {"cv": "folder:DIR", "nlp": "csv:FILE:TEXT:LABEL", "recsys": "csv:FILE:USER:ITEM:TIME"}
"""How `green-collect` is told of data that nobody ran anything on."""


def describe(domain: str, dataset: str) -> dict[str, Any]:
    """What `recommend` needs to know of a data set, counted on the data themselves.

    Args:
        domain: `cv`, `nlp` or `recsys`.
        dataset: a name that `green-collect` can load, such as `csv:reviews.csv:text:label` or `folder:images/`.

    Returns:
        A description for `recommend(dataset=…)`: `name`, `recorded_as` (what runs of it call it), and its task columns,
        `landmark_quality` among them: what a simple classical model reaches, which says most of what can be reached.

    Raises:
        UsageError: the collectors are not installed, or the data cannot be read or learned from. RunsFailedError:
            reading them broke off.
    """
    if domain not in DOMAINS:
        raise unknown_name("domain", domain, DOMAINS)
    require_collectors()
    command = green_collect("--describe", "--domain", domain, "--dataset", dataset, "--json")
    plain = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"} | {"NO_COLOR": "1"}
    made = subprocess.run(command, capture_output=True, text=True, check=False, env=plain)
    if made.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    if made.returncode:
        told = dict(line.split(": ", 1) for line in made.stderr.splitlines() if line.startswith(("error: ", "hint: ")))
        kind = UsageError if made.returncode == UsageError.exit_code else RunsFailedError
        raise kind(told.get("error", "the data could not be read"), hint=told.get("hint"))
    return json.loads(made.stdout)
