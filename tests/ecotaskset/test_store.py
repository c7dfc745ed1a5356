"""The local store on real disks with real processes: kills, crowds, damage, foreign files, no permission."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecotaskset.errors import RefusedError, UsageError
from ecotaskset.run import SCHEMA_VERSION, arrow_schema, to_table
from ecotaskset.store import STORE_VARIABLE, Store, default_store_path, read_parquet, write_atomically

ROOT = Path(__file__).parents[2]
WRITER = """
    import sys
    from ecotaskset.run import Run
    from ecotaskset.store import Store
    store, who, count = Store(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for i in range(count):
        seed = i if who == "same" else i + 1000 * int(who)
        run = Run(domain="cv", dataset="digits", model="cnn", epochs=1, batch_size=8, learning_rate=0.1,
                  weight_decay=0.0, seed=seed, curve_train_loss=[0.5] * 2000)
        store.append(run)
        print(run.run_id, flush=True)
"""


def writer(store: Path, who: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(store), who, str(count)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=store.parent
    )


def test_kill_9_at_random_moments_loses_nothing_acknowledged(tmp_path):
    store, acknowledged = Store(tmp_path / "store"), set()
    rng = random.Random(0)
    for attempt in range(6):
        process = writer(store.path, str(attempt), 100_000)
        acknowledged.add(process.stdout.readline().strip())  # it is past its imports and writing
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().splitlines(keepends=True)
        acknowledged |= {line.strip() for line in lines if line.endswith("\n")}
        process.wait()
        found = {run.run_id for run in store.runs()}
        assert acknowledged <= found
    assert len(acknowledged) > 6
    assert store.damaged() == []
    assert len(store) - len(acknowledged) <= 6  # at most one unacknowledged run a kill


def test_two_processes_at_once_lose_nothing_and_double_nothing(tmp_path):
    store = Store(tmp_path / "store")
    crowd = [writer(store.path, who, 40) for who in ("same", "same", "3")]
    printed = [process.communicate()[0].split() for process in crowd]
    assert [process.returncode for process in crowd] == [0, 0, 0]
    assert printed[0] == printed[1] and len(printed[0]) == 40
    runs = store.runs()
    assert sorted(run.run_id for run in runs) == sorted({*printed[0], *printed[2]}) and len(runs) == 80
    assert not list(store.path.rglob("*.tmp"))


def test_appending_again_changes_nothing(tmp_path, make_run):
    store = Store(tmp_path)
    path = store.append(make_run())
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert store.append(make_run(contributor="ann")) == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before and len(store) == 1


def test_what_comes_back_is_what_went_in_oldest_first(tmp_path, make_runs, make_run):
    store = Store(tmp_path)
    runs = [
        make_run(seed=1, collected_at="2026-03-01T00:00:00Z"),
        make_run(seed=2, collected_at="2026-01-01T00:00:00Z"),
        make_run(seed=3),
    ]
    for run in runs:
        store.append(run)
    assert store.runs() == [runs[1], runs[0], runs[2]]


def test_an_empty_store_is_empty_and_makes_no_directory(tmp_path):
    store = Store(tmp_path / "none")
    assert store.runs() == [] and len(store) == 0 and store.to_table().num_rows == 0
    assert not store.path.exists()


DAMAGE = {
    "truncated": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "not_json": lambda text: "hello",
    "a_list": lambda text: "[1, 2]",
    "energy_changed": lambda text: text.replace('"energy_kwh":0.00002', '"energy_kwh":0.00001', 1),
    "number_too_long": lambda text: text.replace('"seed":0', '"seed":' + "9" * 5000, 1),
    "number_beyond_64_bits": lambda text: text.replace('"n_users":null', '"n_users":' + str(2**70), 1),
    "words_in_a_curve": lambda text: text.replace(
        '"curve_validation_quality":[0.5', '"curve_validation_quality":["x"', 1
    ),
    "huge_integer_in_a_curve": lambda text: text.replace(
        '"curve_validation_quality":[0.5', '"curve_validation_quality":[1' + "0" * 400, 1
    ),
    "deep": lambda text: "[" * 200_000,
    "lone_surrogate": lambda text: text.replace('"cnn"', '"\\ud800"', 1),
    "year_1": lambda text: text.replace('"collected_at":null', '"collected_at":"0001-01-01T00:00:00+14:00"', 1),
    "unknown_column": lambda text: text.replace('"dataset":', '"datset":', 1),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_run_is_set_aside_and_the_others_kept(tmp_path, make_run, kind):
    store = Store(tmp_path)
    whole, broken = store.append(make_run(seed=7)), store.append(make_run(seed=0))
    text = broken.read_text()
    broken.write_text(DAMAGE[kind](text))
    assert broken.read_text() != text, "the damage of this test did nothing"
    assert [run.run_id for run in store.runs()] == [whole.stem]
    assert [path.name for path in store.damaged()] == [broken.name]
    assert store.to_table().num_rows == 1
    store.append(make_run(seed=0))
    assert len(store) == 2


def test_bytes_that_are_no_text_and_renamed_files_are_set_aside(tmp_path, make_run):
    store = Store(tmp_path)
    store.append(make_run()).rename(tmp_path / "runs" / ("0" * 16 + ".json"))
    (tmp_path / "runs" / "1.json").write_bytes(b"\xff\xfe\x00")
    assert store.runs() == [] and len(store.damaged()) == 2


def test_a_directory_named_like_a_run_does_not_stop_the_store(tmp_path, make_run):
    store = Store(tmp_path)
    store.append(make_run())
    (tmp_path / "runs" / "folder.json").mkdir()
    assert len(store) == 1


def test_parquet_tables_in_the_store_are_read_and_not_doubled(tmp_path, make_runs):
    runs = make_runs(3)
    store = Store(tmp_path)
    store.append(runs[0])
    pq.write_table(to_table(runs), tmp_path / "export.parquet")
    assert {run.run_id for run in store.runs()} == {run.run_id for run in runs}
    assert len(store) == len(runs)


def of_tomorrow(run, **more) -> dict:
    """A row as a newer version would have written it."""
    row = json.loads(run.model_dump_json())
    return row | {"schema_version": SCHEMA_VERSION + 1, "run_id": "f" * 16, "water_kg": 1.0, **more}


def test_runs_of_a_newer_version_stay_where_they_are_and_are_told_of_once(tmp_path, make_run, caplog):
    store = Store(tmp_path)
    mine = store.append(make_run())
    theirs = [tmp_path / "runs" / f"{n:016x}.json" for n in range(2)]
    for path in theirs:
        path.write_text(json.dumps(of_tomorrow(make_run(seed=1))))
    for _ in range(2):
        assert [run.run_id for run in store.runs()] == [mine.stem]
    assert store.damaged() == [] and all(path.is_file() for path in theirs)
    (told,) = caplog.messages
    assert "2 runs" in told and str(tmp_path) in told and "upgrade" in told


def tomorrows_table(path: Path, *rows: dict) -> Path:
    names = {"water_kg": pa.float64(), **dict(zip(arrow_schema().names, arrow_schema().types, strict=True))}
    rows = [{**row, "collected_at": None} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(names.items()))), path)
    return path


def test_a_newer_version_s_table_in_a_store_gives_the_rows_that_are_known(tmp_path, make_run, caplog):
    old, new = make_run().model_dump(), of_tomorrow(make_run(seed=1))
    tomorrows_table(tmp_path / "export.parquet", old, new)
    tomorrows_table(tmp_path / "imported.parquet", new, new | {"run_id": "e" * 16})
    assert [run.run_id for run in Store(tmp_path).runs()] == [old["run_id"]]
    assert len(caplog.messages) == 1 and "3 runs" in caplog.text


def test_a_table_that_is_named_is_read_whole_or_refused(tmp_path, make_run):
    old, new = make_run().model_dump(), of_tomorrow(make_run(seed=1))
    assert [run.run_id for run in read_parquet(tomorrows_table(tmp_path / "a.parquet", old))] == [old["run_id"]]
    with pytest.raises(RefusedError, match=r"b\.parquet.*1 run ") as caught:
        read_parquet(tomorrows_table(tmp_path / "b.parquet", old, new))
    assert "upgrade" in caught.value.hint


FOREIGN = {
    "text": b"hello",
    "empty": b"",
    "other_table": None,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_parquet_is_refused_by_name(tmp_path, kind):
    path = tmp_path / "foreign.parquet"
    if FOREIGN[kind] is None:
        pq.write_table(pa.table({"a": [1]}), path)
    else:
        path.write_bytes(FOREIGN[kind])
    with pytest.raises(RefusedError, match=r"foreign\.parquet") as caught:
        Store(tmp_path).runs()
    assert caught.value.hint and "\n" not in caught.value.message


def test_a_row_that_cannot_be_a_run_is_refused_by_name(tmp_path, make_run):
    for column, value in (("n_train", pa.array([-1])), ("domain", pa.array(["speech"]))):
        table = to_table([make_run()])
        pq.write_table(table.set_column(table.schema.get_field_index(column), column, value), tmp_path / "t.parquet")
        with pytest.raises(RefusedError, match=rf"t\.parquet.*{column}"):
            read_parquet(tmp_path / "t.parquet")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 1, exclude_max=True), flip=st.booleans())
def test_parquet_cut_or_flipped_anywhere_never_crashes(tmp_path, make_run, cut, flip):
    path = tmp_path / "cut.parquet"
    pq.write_table(to_table([make_run()]), path)
    content = bytearray(path.read_bytes())
    place = int(cut * len(content))
    if flip:
        content[place] ^= 0xFF
    path.write_bytes(content if flip else content[:place])
    try:
        (run,) = read_parquet(path)
    except RefusedError as error:
        assert "cut.parquet" in error.message
    else:
        assert flip and run.domain == "cv"  # a flip may hit what a reader does not look at


AS_NOBODY = """
    import os, sys
    sys.path.insert(0, sys.argv[1])
    from ecotaskset.run import Run
    from ecotaskset.store import Store
    from ecotaskset.errors import UsageError
    if os.getuid() == 0:
        os.setgid(65534); os.setuid(65534)
    store = Store(sys.argv[2])
    print(len(store.runs()))
    try:
        store.append(Run(domain="cv", dataset="d", model="m", epochs=1, batch_size=1, learning_rate=1, weight_decay=0,
                         seed=5))
    except UsageError as error:
        print(error.exit_code, error.message, error.hint)
"""


def test_a_read_only_store_is_read_and_says_what_to_do(tmp_path, make_run):
    store = Store(tmp_path / "store")
    store.append(make_run())
    store.append(make_run(seed=1)).write_text("damaged")
    for path in [store.path / "runs", store.path]:
        path.chmod(0o555)
    parents = [p for p in store.path.parents if p.stat().st_uid == os.getuid() and str(p).startswith("/tmp/")]
    modes = {p: p.stat().st_mode for p in parents}
    try:
        for p in parents:
            p.chmod(0o755)
        command = [sys.executable, "-c", textwrap.dedent(AS_NOBODY), str(ROOT), str(store.path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    finally:
        for p, mode in modes.items():
            p.chmod(mode)
        (store.path / "runs").chmod(0o755)
        store.path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    count, message = done.stdout.splitlines()
    assert count == "1"
    assert message.startswith(f"2 cannot write {store.path}/runs: Permission denied") and STORE_VARIABLE in message
    assert sorted(p.suffix for p in (store.path / "runs").iterdir()) == [".json", ".json"]  # nothing half-written


def test_a_store_below_a_file_cannot_be_written(tmp_path, make_run):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        Store(tmp_path / "file" / "store").append(make_run())


def test_a_disk_that_is_full_leaves_the_old_content(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    target = tmp_path / "t"
    write_atomically(target, b"old")
    code = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[1]); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from pathlib import Path\n"
        "from ecotaskset.errors import UsageError; from ecotaskset.store import write_atomically\n"
        "try: write_atomically(Path(sys.argv[2]), b'x' * 5000)\n"
        "except UsageError as error: print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOT), str(target)], capture_output=True, text=True)
    assert "File too large" in done.stdout, done.stderr
    assert target.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["t"]


def test_the_store_is_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "mine"))
    assert default_store_path() == tmp_path / "mine" == Store().path
    monkeypatch.delenv(STORE_VARIABLE)
    assert default_store_path().name == "store"


def test_a_run_file_is_plain_json(tmp_path, make_run):
    path = Store(tmp_path).append(make_run(curve_train_loss=[float("nan"), 1.0]))
    data = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert data["curve_train_loss"] == [None, 1.0]


def test_control_c_while_writing_leaves_nothing_behind(tmp_path, monkeypatch):
    def stopped(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "t", b"x")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_on_disk_too_when_a_write_is_done(tmp_path, monkeypatch):
    synced: list[bool] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    write_atomically(tmp_path / "t", b"x")
    assert synced == [False, True]


def test_others_may_read_what_was_written_as_the_umask_says(tmp_path):
    write_atomically(tmp_path / "t", b"x")
    (tmp_path / "plain").write_bytes(b"x")
    assert (tmp_path / "t").stat().st_mode == (tmp_path / "plain").stat().st_mode
