"""Every check catches what it is for, and lets real runs pass."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecotaskset.checks import CODES, Known, agree, check_file, check_rows, check_runs, derive_trust, local_secrets
from ecotaskset.checks.finding import shown
from ecotaskset.checks.reading import OWN, read_untrusted
from ecotaskset.checks.rows import without_paths
from ecotaskset.run import SCHEMA_VERSION, Run, to_table


def good(**changes: Any) -> Run:
    """A run that passes everything; changed columns keep the rest."""
    row: dict[str, Any] = {
        "collected_at": datetime(2026, 11, 1, tzinfo=timezone.utc),
        "collector_version": "0.1.0",
        "domain": "cv",
        "dataset": "digits",
        "dataset_revision": "fdb9a26e42733a56",
        "n_train": 1000,
        "model": "mlp",
        "epochs": 2,
        "epochs_run": 2,
        "batch_size": 32,
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "seed": 0,
        "device": "cpu",
        "cpu_model": "a processor",
        "cpu_count": 2,
        "cpu_tdp_w": 30.0,
        "ram_gb": 16.0,
        "matmul_gflops": 50.0,
        "flops_per_sample": 1e6,
        "quality_metric": "accuracy",
        "quality_validation": 0.9,
        "quality_last": 0.9,
        "best_epoch": 2,
        "energy_kwh": 2.2e-5,
        "cpu_energy_kwh": 2e-5,
        "cpu_energy_source": "cpu_time_model",
        "cpu_energy_quality": "modelled",
        "ram_energy_kwh": 2e-6,
        "ram_energy_source": "ram_model",
        "ram_energy_quality": "modelled",
        "duration_s": 6.0,
        "curve_validation_quality": [0.5, 0.9],
        "curve_energy_kwh": [1e-5, 2.2e-5],
        "curve_duration_s": [3.0, 6.0],
    }
    return Run.model_validate({**row, **changes})


def codes(run: Run, **how: Any) -> set[str]:
    return set(check_runs([run], **how).codes)


def test_a_good_run_passes_without_a_word():
    report = check_runs([good()])
    assert (report.verdict, report.findings) == ("accepted", [])


def test_a_run_that_failed_before_it_had_data_is_acceptable():
    failed = {"status": "failed", "dataset_revision": None, "quality_validation": None, "quality_last": None}
    assert codes(good(**failed, best_epoch=None, curve_validation_quality=[], epochs_run=2)) == set()


def test_short_runs_may_spend_something_between_phases():
    assert codes(good(curve_energy_kwh=[1e-5, 2.5e-5], curve_duration_s=[3.0, 6.6])) == set()


def test_every_code_has_a_severity_and_a_meaning():
    assert all(severity in ("error", "hold", "note") and meaning for severity, meaning in CODES.values())


PHYSICS = [
    ({"cpu_energy_kwh": 1.0, "energy_kwh": 1.0 + 2e-6, "curve_energy_kwh": []}, "P101"),
    ({"ram_energy_kwh": 1e-3, "energy_kwh": 1.02e-3, "curve_energy_kwh": []}, "P101"),
    ({"energy_kwh": 9e-5}, "P102"),
    ({"energy_kwh": None}, "P102"),
    ({"training_energy_kwh": 5e-5}, "P102"),
    ({"energy_measured_kwh": 5e-5}, "P102"),
    ({"emissions_kg": 1.0, "carbon_intensity_g_per_kwh": 100.0}, "P102"),
    ({"curve_energy_kwh": [3e-5, 2e-5]}, "P103"),
    ({"curve_duration_s": [3.0, 60.0]}, "P103"),
    ({"epochs_run": 3}, "P103"),
    ({"curve_validation_quality": [0.5, 1.9], "quality_validation": None, "quality_last": None}, "P103"),
    ({"quality_validation": 0.95}, "P104"),
    ({"quality_last": 0.1}, "P104"),
    ({"best_epoch": 7}, "P104"),
    ({"flops_per_sample": 1e12}, "P105"),
    ({"collected_at": datetime(2037, 1, 1, tzinfo=timezone.utc)}, "P106"),
    ({"collected_at": datetime(1999, 1, 1, tzinfo=timezone.utc)}, "P106"),
    ({"energy_kwh": 0.0, "cpu_energy_kwh": 0.0, "ram_energy_kwh": 0.0, "curve_energy_kwh": []}, "P107"),
    ({"cpu_time_s": 1e6}, "P108"),
    ({"energy_low_kwh": 1e-4, "energy_high_kwh": 2e-4}, "P109"),
    ({"dataset_revision": None}, "V401"),
    ({"cpu_energy_source": None}, "V402"),
    ({"cpu_energy_quality": "measured"}, "V402"),
    ({"status_reason": "see /home/ada/run.log"}, "E006"),
    ({"origin": "imported:Evil Set"}, "E003"),
]


@pytest.mark.parametrize(("changes", "code"), PHYSICS)
def test_what_cannot_have_happened_is_found(changes, code):
    assert code in codes(good(**changes))


PATHS = [
    "FileNotFoundError: '/raid/alice42/acme-merger/x.csv'",
    "and /work/acme-merger/y.csv",
    "cannot open /y.csv",
    "no space left on '/raid'",
    "/raid/",
    "in file:///raid/x",
    "csv:/work/x.csv:body",
    "see (/opt/x) and ~/x",
    "~alice/x",
    "C:\\Users\\alice",
    "read d:/x.csv",
    "at '\\\\nas\\share\\x'",
    "/dev/shm/x",
    "path=/nfs/\u00e9tude/x",
]
NO_PATHS = [
    "0.173 W/GB, 394.0 g/kWh, 1/2 of it, n/a, I/O, and/or",
    "m²/s, (a+b)/(c/d), 5 %/epoch, CO₂/kWh, a / b",
    "3 W /GB of memory, //, 1 /3.5",
    "ratio 3:4, 12:30:05, key:value, x: y",
    "hub:lab/bert",
    "no RAPL zones under /sys/class/powercap: a virtual machine; /proc/stat, '/dev/nvidiactl'",
    "csv:train.csv@3fa9c1d2",
    "a\\b, \\n",
    "</b>, <br/>",
]


@pytest.mark.parametrize("text", PATHS)
def test_a_path_anywhere_on_any_system_is_found(text):
    assert "E006" in codes(good(status_reason=text))


@pytest.mark.parametrize("text", NO_PATHS)
def test_fractions_units_and_names_are_no_paths(text):
    assert codes(good(status_reason=text)) == set()


@pytest.mark.parametrize("text", PATHS)
def test_an_error_that_names_a_path_can_be_shared_without_it(text):
    assert "E006" not in codes(good(status_reason=without_paths(text)))


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("No such file: '/raid/alice/merger/x.csv', 3 W/GB", "No such file: …, 3 W/GB"),
        ('"/home/Alice Smith/acme merger/x.csv" and `C:\\Users\\Alice Smith\\x.csv`', "… and …"),
        ("open /home/Alice Smith/acme merger/x.csv: denied", "open …"),
        ("cut off: '/home/alice/acme-mer", "cut off: '…"),
        ("at '\\\\nas\\share\\x', file:///home/alice/x, ~bob2/x", "at …, …"),
        ("'/home/alice' and /data/proj:v2/acme,merger/x", "… and …"),
    ],
)
def test_nothing_is_left_of_a_path_not_even_folders_with_spaces(said, left):
    assert without_paths(said) == left


def test_a_sentence_without_a_path_is_left_as_it_is():
    assert all(without_paths(text) == text for text in NO_PATHS)


def test_an_address_is_called_an_address_not_a_path():
    (finding,) = check_runs([good(status_reason="see https://lab.example/a/b/c.html")]).findings
    assert "address" in finding.message


def test_home_names_and_tokens_are_found_beside_anything_but_letters(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/raid/alice42"))
    monkeypatch.setattr("socket.gethostname", lambda: "ada-desk.lab")
    for text, what in (
        ("'/raid/alice42'", "home"),
        ("in /raid/alice42/x", "home"),
        ("on ada-desk.lab:", "machine"),
        ("with s3cret-token.", "token"),
    ):
        assert [what in f.message for f in local_secrets(good(status_reason=text), ["s3cret-token"])] == [True]
    assert not list(local_secrets(good(status_reason="/raid/alice42b on ada-desk.laboratory"), ["s3cret-token"]))


RAW = [
    ({"energy_kwh": float("nan")}, "E007"),
    ({"duration_s": float("inf")}, "E007"),
    ({"curve_energy_kwh": [float("-inf"), 1e-5]}, "E007"),
    ({"energy_kwh": -1e-5}, "E003"),
    ({"quality_validation": 1.2}, "E003"),
    ({"domain": "audio"}, "E003"),
    ({"curve_energy_kwh": [1e-5]}, "E003"),
    ({"dataset": None}, "E001"),
    ({"surprise": 1}, "E001"),
    ({"seed": "x"}, "E001"),
    ({"run_id": "0123456789abcdef"}, "E004"),
    ({"quality_test": 0.999}, "E004"),
    ({"dataset": "<script>alert(1)</script>"}, "E005"),
    ({"knobs": [{"phase": "training", "name": "no_such_knob", "value": "1"}]}, "E005"),
    ({"status_reason": "x" * 600}, "E003"),
]


@pytest.mark.parametrize(("changes", "code"), RAW)
def test_rows_that_are_no_runs_are_found(changes, code):
    assert code in check_rows([good().model_dump() | changes]).codes


def test_a_row_of_a_newer_version_waits_for_an_upgrade(tmp_path):
    row = good().model_dump() | {"schema_version": SCHEMA_VERSION + 1, "run_id": "f" * 16, "water_kg": 1.0}
    report = check_rows([good().model_dump(), row])
    assert (report.verdict, report.codes, len(report.runs)) == ("held", {"E009": 1}, 1)
    assert "upgrade" in report.findings[0].message
    import pyarrow.parquet as pq

    schema = to_table([]).schema.append(pa.field("water_kg", pa.float64()))
    pq.write_table(pa.Table.from_pylist([row, row], schema=schema), tmp_path / "t.parquet")
    report = check_file(tmp_path / "t.parquet")
    assert (report.verdict, report.codes, report.runs) == ("held", {"E009": 1}, [])
    assert "2 runs" in report.findings[0].message


def test_recipe_id_must_follow_from_the_recipe():
    assert "E005" in codes(good(recipe_id="0123456789abcdef"))


ANYTHING = st.none() | st.integers() | st.floats() | st.text() | st.lists(st.floats())


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(list(Run.model_fields)), ANYTHING, max_size=4))
def test_no_row_can_make_the_checks_raise(changes):
    check_rows([good().model_dump() | changes])


@given(st.text())
def test_a_strangers_value_cannot_format_mention_or_break_lines(text):
    out = shown(text)
    assert len(out) <= 200 and not set(out) & set("`@<>|\n\r")


def test_contributor_and_trust_cannot_be_claimed():
    assert codes(good(contributor="ada"), account="eve") == {"V403"}
    assert codes(good(contributor="eve", trust="reproduced"), account="eve") == {"V403"}
    assert codes(good(contributor="eve"), account="eve") == set()


def test_known_runs():
    other = good(contributor="ada")
    known = Known([other])
    assert codes(other, known=known) == {"D301"}
    assert codes(good(contributor="eve"), known=known) == {"D303"}
    assert codes(good(collected_at=datetime(2026, 11, 2, tzinfo=timezone.utc)), known=known) == {"D303"}
    assert codes(good(duration_s=6.01), known=known) == {"D302"}
    assert codes(good(seed=1, duration_s=6.01), known=known) == set()
    cheap = {"cpu_energy_kwh": 2e-6, "ram_energy_kwh": 0.0, "energy_kwh": 2e-6, "curve_energy_kwh": []}
    assert codes(good(seed=1, **cheap), known=known) == {"R201"}
    assert codes(good(seed=1, cpu_model="another", **cheap), known=known) == set()


def test_one_copy_in_a_file_is_enough():
    report = check_runs([good(), good()])
    assert (report.verdict, report.codes) == ("accepted", {"D301": 1})


def test_agreement_says_why():
    assert agree(good(), good(seed=1, duration_s=7.0))[0]
    fine, words = agree(good(), good(energy_kwh=2.2e-4))
    assert not fine and "10.00 times" in words
    slow = {"ram_energy_kwh": 1e-4, "energy_kwh": 1.2e-4, "duration_s": 300.0, "curve_energy_kwh": []}
    assert not agree(good(), good(**slow))[0]
    assert agree(good(), good(**slow, flags=["contended"]))[0]
    assert codes(good(**slow, flags=["contended"], seed=1), known=Known([good()])) == set()
    assert agree(good(), good(learning_rate=1e-2)) == (False, "different recipes")


CRASHED = {"status": "out_of_memory", "duration_s": 0.2, "quality_validation": None, "curve_validation_quality": []}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({**CRASHED, "cpu_model": "another"}, "out_of_memory here"),
        ({"status": "interrupted"}, "interrupted here"),
        ({"status": "diverged"}, "diverged here"),
        ({"quality_validation": None}, "quality"),
        ({"dataset_revision": "0123456789abcdef"}, "same examples"),
        ({"dataset_revision": None}, "same examples"),
        ({"energy_kwh": 1.1, "cpu_energy_kwh": 1.0, "cpu_model": "another"}, "50000.00 times"),
        ({"energy_kwh": 1e-9, "cpu_energy_kwh": 1e-9, "cpu_model": "another"}, "0.00 times"),
    ],
)
def test_what_confirms_nothing_is_told_and_reproduces_nothing(changes, reason):
    ann, bob = good(contributor="ann"), good(**{"contributor": "bob", "curve_energy_kwh": [], **changes})
    fine, words = agree(ann, bob)
    assert not fine and reason in words
    assert not agree(bob, ann)[0]
    assert set(derive_trust([ann, bob]).values()) == {"self_reported"}


def test_another_kind_of_machine_may_differ_widely_and_early_stopping_is_an_end():
    other = good(status="early_stopped", cpu_model="another", energy_kwh=4.4e-4, cpu_energy_kwh=4e-4)
    assert agree(good(), other)[0], "20 times on another machine"
    assert not agree(good(), other.model_copy(update={"cpu_model": "a processor"}))[0]


def test_trust_needs_a_second_person_who_agrees():
    ada, eve = good(contributor="ada"), good(contributor="eve", duration_s=6.5)
    bad = good(contributor="mal", energy_kwh=1e-2, seed=3)
    alone, again = good(contributor="ada", learning_rate=0.1), good(contributor="ada", learning_rate=0.1, seed=1)
    foreign, nobody = good(origin="imported:zeus", seed=4), good(learning_rate=0.3)
    levels = derive_trust([ada, eve, bad, alone, again, foreign, nobody])
    assert levels == {
        ada.run_id: "reproduced",
        eve.run_id: "reproduced",
        bad.run_id: "self_reported",
        alone.run_id: "self_reported",
        again.run_id: "self_reported",
        foreign.run_id: "imported",
        nobody.run_id: "self_reported",
    }
    assert derive_trust([good(contributor="ada"), bad])[bad.run_id] == "self_reported"


def test_own_files_may_be_larger_than_a_submission(tmp_path):
    import pyarrow.parquet as pq

    large, fine, far_too_large = (tmp_path / name for name in ("large.parquet", "fine.parquet", "huge.parquet"))
    one = to_table([good()])
    pq.write_table(pa.concat_tables([one] * 5_001), large)
    pq.write_table(pa.concat_tables([one] * 50_001), far_too_large)
    pq.write_table(one, fine)
    assert [len(raw.rows) for raw in read_untrusted([fine, large, fine])] == [1, 0, 1]
    assert "5001 rows" in check_file(large).findings[0].message
    assert [len(raw.rows) for raw in read_untrusted([fine, large, fine], OWN)] == [1, 5_001, 1]
    assert "split the file" in read_untrusted([far_too_large], OWN)[0].findings[0].message


def test_files(tmp_path):
    import pyarrow.parquet as pq

    fine, empty, wrong, no, gone = (tmp_path / name for name in ("a.parquet", "b.parquet", "c.parquet", "d", "e"))
    pq.write_table(to_table([good()]), fine)
    pq.write_table(to_table([]), empty)
    pq.write_table(pa.table({"domain": [1]}), wrong)
    no.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert check_file(fine).verdict == "accepted"
    assert check_file(empty).codes == {"F603": 1}
    assert check_file(wrong).codes == {"E001": 1}
    assert [len(raw.rows) for raw in read_untrusted([fine, no, gone, fine])] == [1, 0, 0, 1]
    assert check_file(no).codes == {"E008": 1}
    half = tmp_path / "half.parquet"
    half.write_bytes(fine.read_bytes()[: fine.stat().st_size // 2])
    assert "cut off" in check_file(half).findings[0].message
    (tmp_path / "link.parquet").symlink_to(fine)
    assert check_file(tmp_path / "link.parquet").codes == {"E008": 1}
