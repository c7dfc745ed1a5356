"""The card's numbers are the data's numbers, its columns the file's columns, its snippets run."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
import pytest
import yaml

from ecotaskset import card_text
from ecotaskset.card import render_card
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
