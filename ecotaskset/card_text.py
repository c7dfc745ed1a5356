"""The sentences of the data set card. `card.py` and `card_facts.py` fill in the numbers; none may be written here."""

FRONT_MATTER = """\
---
pretty_name: EcoTaskSet
license: cc-by-4.0
language:
- en
task_categories:
- tabular-regression
size_categories:
- {size}
tags:
- energy
- green-ai
- automl
- training-dynamics
- benchmark
- tabular
{configs}---
"""

INTRODUCTION = """
# EcoTaskSet

What trainings cost in energy and how good the models became, epoch by epoch: {runs} real training runs on {tasks}
tasks with {models} architectures in computer vision, natural language processing and recommendation.
{machines}
{measured}
Every energy figure says where it comes from. GREEN learns from this table and answers, before anyone trains: which
recipe should I take, given how much I care about quality and about energy?
"""

LOADING = """
## Loading

```python
from datasets import load_dataset

runs = load_dataset("{repo}", "{first}", split="train", revision="v{version}")
```

With `pip install ecotaskset`, from any directory, also without network once it was fetched:

```python
from ecotaskset import load_dataset

runs = load_dataset("{first}", split="train", repo="{repo}", revision="v{version}")
```

```python
import pandas

runs = pandas.read_parquet("ecotaskset://{repo}@v{version}/{first}/train.parquet")
```

Name the version: results that do not say which rows they used cannot be repeated.
"""

ROWS_AND_SPLITS = """
## Configs and splits

One config a domain; public measurement sets that were mapped into the same columns have a config of their own,
because their meters counted other things. All runs of one recipe, whatever their seed, are in the same split, in every
version. Protocols that hold out a whole data set, model family or kind of hardware are computed from the columns.
"""

QUALITY = """
## Quality

Images and texts: accuracy on examples held out by class, or on the split that the publisher of the data made.
Recommendation: NDCG over the first ten of all items, for the latest tenth of what each user took, told from all
that the user took before; the tenth before that is for validation, at least one item and at most five of a user each.
`quality_validation` and `quality_last` are of the validation examples, after every epoch; `quality_test` was computed
once, after the training, on examples that decided nothing.
"""

METERING = """
## How energy was counted

Energy is kept by component (accelerator, processor, memory) and by phase of the training. Counters (NVML, RAPL) are
read as differences around the phase, after the device was synchronised; their figures are marked `measured`. Where a
machine has no counter, a model stands in (processor time times rated power a thread; memory size times power a
gigabyte) and the figure is marked `modelled`; its constants are in the `*_energy_method` column. What is not known is
null, never zero. `energy_kwh` adds up the known components, `energy_measured_kwh` the measured ones alone. Idle power
is not subtracted, and cooling and other overhead of the building are not included.

A modelled figure is close to a scaled clock: it ranks recipes on one machine, but says little about absolute energy.
"""

REPEATABILITY = """
Repeatability: over {recipes} recipes with energy from `{source}` that were run more than once on one kind of machine,
energy varies by {median} (median coefficient of variation; nine in ten below {p90}). Seeds differ between repetitions.
"""

BIASES = """
## Known gaps and biases

- {machines}
- Energy by component: {components}. Network, disks and power supplies are never included.
- Small models and small data are over-represented, because they are what can be repeated often: half of the runs
  trained models of {parameters}; half saw {examples}.
- Hyperparameters follow designs that fill the recipe space, not the habits of practitioners: {useless} runs did no
  better than the commonest answer.
- {contended} runs shared their machine with other work; they are kept, and marked `contended` in `flags`.
"""

USES = """
## What it is good for, and what not

Good for: predicting the energy and the learning curve of a training before it runs; studying what techniques save,
alone and together; benchmarks of multi-objective optimisation; teaching.

Not for: ranking vendors of hardware (settings and counters differ); absolute emissions of data centres; claims about
models far larger than those in it; carbon accounting that has to be audited.

Personal data: none. Rows hold no host names, local accounts, paths or coordinates; `contributor` is the Hub account
that offered the run.
"""

CONTRIBUTE = """
## Contributing

```bash
green-collect --domain cv --dataset digits --model resnet-tiny --epochs 5
green-collect --push --repo {repo} --dry-run    # shows what would leave your machine
green-collect --push --repo {repo}
```

The push opens one pull request that adds your runs under `submissions/`. It is reviewed with the checks that ran on
your machine (types, units, physics, duplicates, provenance) and merged; the next release folds it in. Trust is derived
from facts: `self_reported` came from one contributor, `reproduced` means that a second contributor ran the same recipe
on the same data to its end, with like quality and energy (`green-collect --reproduce RUN_ID`), `imported` came with a
public measurement set.
"""

LICENCE = """
## Licence

CC BY 4.0; credit "EcoTaskSet contributors". The data sets that the models were trained on are not part of it and keep
their own licences:

{trained_on}
"""

CITATION = """
## Citation

```bibtex
@misc{{ecotaskset,
  title  = {{EcoTaskSet: energy and quality of model trainings, epoch by epoch}},
  author = {{{{EcoTaskSet contributors}}}},
  year   = {{{year}}},
  note   = {{Version {version}, https://huggingface.co/datasets/{repo}}}
}}
```

It grew out of two papers; please cite the one whose idea you use.

- Energy-aware recommendation of trainings, and the first EcoTaskSet: arXiv 2505.01468.
- Combining energy-saving techniques over the phases of a training pipeline: arXiv 2506.18289.
"""
