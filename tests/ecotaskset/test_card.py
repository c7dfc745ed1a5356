"""The card's numbers are the data's numbers, its columns the file's columns, its snippets run."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
import pytest
import yaml

from ecotaskset import card_text
from ecotaskset.card import render_card
from ecotaskset.report_repeats import repeatability
from ecotaskset.run import Run
from ecotaskset.snapshot import build_snapshot

REPO = "green/ecotaskset"


@pytest.fixture
def card(tmp_path, make_run) -> str:
    runs = [make_run(learning_rate=1e-3 * (1 + n % 10), seed=n, cpu_energy_kwh=2e-5 * (1 + n / 100)) for n in range(40)]
    runs += [make_run(domain="nlp", dataset="reviews", model="bert-tiny", learning_rate=1e-2, status="failed")]
    build_snapshot(runs, tmp_path / "data", "1.2.3")
    return render_card(tmp_path / "data", repo=REPO)


def test_counts_come_from_the_data(card, tmp_path):
    assert "41 real training runs on 2\ntasks with 2 architectures" in card
    assert "| cv | digits | 40 | 1 | 0 |" in card and "| nlp | reviews | 1 | 1 | 1 |" in card
    for path in (tmp_path / "data").glob("*/*.parquet"):
        rows = pq.read_metadata(path).num_rows
        line = next(
            line for line in card.splitlines() if line.startswith(f"| {path.parent.name} | ") and line.count("|") == 5
        )
        assert str(rows) in line.split()


def test_every_column_of_the_files_is_described_with_unit_and_meaning(card, tmp_path):
    described = re.findall(r"^\| `(\w+)` \| (\S.*?) \| (.*?) \| (\S.*) \|$", card, re.MULTILINE)
    files = [pq.read_schema(path).names for path in (tmp_path / "data").glob("*/*.parquet")]
    assert all([name for name, *_ in described] == names for names in files)
    assert {name for name, _, unit, _ in described if unit == "kWh"} >= {"energy_kwh", "cpu_energy_kwh"}
    assert len(described) == len(Run.model_fields)


def test_front_matter_is_valid_and_finds_the_files(card, tmp_path):
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "cc-by-4.0" and front["size_categories"] == ["n<1K"]
    assert {config["config_name"] for config in front["configs"]} == {"cv", "nlp"}
    for config in front["configs"]:
        assert config["version"] == "1.2.3"
        assert all(list(tmp_path.glob(part["path"])) for part in config["data_files"])


def test_fixed_sentences_hold_no_counts():
    texts = [value for name, value in vars(card_text).items() if name.isupper()]
    prose = " ".join(texts).replace("CC BY 4.0", "").replace("cc-by-4.0", "")
    assert not re.findall(r"(?<![\d.])\d{2,}(?![\d.]*\d{2,})(?!\.\d)", re.sub(r"arXiv \S+|\{\w+\}|\b2026\b", "", prose))


def test_a_card_of_imported_rows_names_their_source(tmp_path, make_run):
    imported = make_run(origin="imported:zeus", cpu_energy_source="imported", cpu_energy_quality="measured")
    build_snapshot([make_run(), imported], tmp_path / "data", "1.0.0")
    assert "`imported:zeus` (1 runs)" in render_card(tmp_path / "data", repo=REPO)


def test_a_card_credits_every_data_set_the_runs_were_trained_on(tmp_path, make_run):
    runs = [make_run(dataset=name) for name in ("digits", "digits-parity", "csv:mine.csv:text:label")]
    build_snapshot(runs, tmp_path / "data", "1.0.0")
    rows = render_card(tmp_path / "data", repo=REPO).splitlines()
    assert "| digits | 2 | CC BY 4.0 | Alpaydin and Kaynak" in " ".join(rows)
    assert any(row.startswith("| csv:mine.csv:text:label | 1 | its owner's") for row in rows)


def test_repeatability_is_the_reports(tmp_path, make_run):
    runs = [
        make_run(
            learning_rate=1e-3 * (1 + recipe),
            seed=seed,
            status=status,
            cpu_threads=1 + recipe % 2,
            **dict.fromkeys(("energy_kwh", "cpu_energy_kwh"), 2e-5 * (1 + 0.01 * seed * recipe)),
            curve_energy_kwh=[],
        )
        for recipe in range(12)
        for seed, status in enumerate(("completed", "early_stopped", "diverged"))
    ]
    build_snapshot(runs, tmp_path / "data", "1.0.0")
    ((source, seeds),) = repeatability(runs)["seeds"].items()
    said = " ".join(render_card(tmp_path / "data", repo=REPO).split())
    assert seeds["groups"] == 12 and f"over 12 recipes with energy from `{source}`" in said
    assert f"varies by {seeds['energy_cv']['median']:.1%}" in said
    assert f"nine in ten below {seeds['energy_cv']['p90']:.1%}" in said


def test_without_repeats_nothing_is_said_of_repeatability(tmp_path, make_run):
    build_snapshot([make_run()], tmp_path / "data", "1.0.0")
    assert "repeatability is not known" in render_card(tmp_path / "data", repo=REPO)


MEASURED = {"cpu_energy_source": "rapl_package", "cpu_energy_quality": "measured", "energy_measured_kwh": 2e-5}
SMALL = {"cpu_model": "Small One", "cpu_count": 2, "gpu_count": 0}
LARGE = {"cpu_model": "Large One", "cpu_count": 64, "gpu_model": "Fast Card", "gpu_count": 2}


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            [SMALL, SMALL],
            ["one kind of machine: Small One, 2 hardware threads, no accelerator.", "None of the energy was measured"],
        ),
        ([SMALL, SMALL | MEASURED], ["50% of the energy was measured"]),
        ([SMALL] * 400 + [SMALL | MEASURED], ["Less than 1% of the energy was measured"]),
        ([SMALL | MEASURED] * 400 + [SMALL], ["More than 99% of the energy was measured"]),
        ([LARGE | MEASURED], ["Large One, 64 hardware threads, 2 × Fast Card.", "All of the energy was measured"]),
        ([SMALL, LARGE, LARGE], ["2 kinds of machine; the most frequent, with 2 of the runs: Large One, 64 hardware"]),
        (
            [{"energy_kwh": None, "cpu_energy_kwh": None, "curve_energy_kwh": []}],
            ["processor not known", "No run says"],
        ),
    ],
)
def test_the_first_paragraph_says_on_which_machines_and_how_much_was_measured(tmp_path, make_run, changes, sentences):
    build_snapshot([make_run(seed=n, **change) for n, change in enumerate(changes)], tmp_path / "data", "1.0.0")
    first = " ".join(render_card(tmp_path / "data", repo=REPO).split("# EcoTaskSet\n")[1].split("\n## ")[0].split())
    assert all(sentence in first for sentence in sentences), first


def test_known_gaps_are_counted(tmp_path, make_run):
    runs = [make_run(seed=n, n_parameters=10 ** (3 + n), majority_quality=0.3, **SMALL) for n in range(4)]
    runs += [make_run(seed=8, majority_quality=0.95, flags=["contended"], **SMALL | MEASURED)]
    build_snapshot(runs, tmp_path / "data", "1.0.0")
    card = render_card(tmp_path / "data", repo=REPO)
    gaps = " ".join(card.split("## Known gaps and biases")[1].split("\n## ")[0].split())
    for said in (
        "All runs are of one kind of machine",
        "processor modelled in 80% of the runs; memory not known in any run; accelerators not used in any run",
        "up to 10,000 parameters, the largest 1,000,000",
        "up to 1,000 examples, the largest 1,000",
        "1 of 5 runs did no better than the commonest answer",
        "1 of 5 runs shared",
    ):
        assert said in gaps, gaps
