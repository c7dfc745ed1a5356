"""Imported once by the process that all runs are forked from, so that a run does not pay for loading torch again.

Only imports: nothing here may compute, because a thread pool that is alive before a fork is dead after it.
"""

import importlib
import sys

import collectors.campaign.worker
import collectors.cli
import collectors.failures  # noqa: F401

_USED_BY_RUNS = (
    "scipy.sparse",
    "sklearn.linear_model",
    "sklearn.feature_extraction.text",
    "torch._dynamo",
    "transformers.modeling_utils",
    "transformers.models.bert.modeling_bert",
    "transformers.models.resnet.modeling_resnet",
)

for _name in _USED_BY_RUNS:
    if _name.partition(".")[0] in sys.modules or importlib.util.find_spec(_name.partition(".")[0]):
        importlib.import_module(_name)
