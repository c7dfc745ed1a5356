"""A dropped file is counted, bounded and deleted; what is unsafe or no task is refused with a sentence."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecotaskset.errors import RefusedError
from space import describe_upload as uploads
from space.describe_upload import describe_and_delete, describe_upload
from space.describe_zip import image_size


def png(width: int, height: int, colour: int = 2) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    rows = zlib.compress((b"\0" + random.Random(0).randbytes(width * (3 if colour == 2 else 1))) * height)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def a_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_texts_with_labels_are_described(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    rows = [f'"a fine film, number {i}",{"good" if i % 4 else "bad"}' for i in range(40)]
    path.write_text("text,label\n" + "\n".join(rows))
    found = describe_upload(path)
    assert found.domain == "nlp"
    assert found.task["n_train"] == 40 and found.task["n_classes"] == 2
    assert found.task["majority_quality"] == 0.75
    assert found.task["mean_length"] == 6  # a fine film , number i
    assert "“text”" in found.how and "“label”" in found.how


def test_columns_are_found_without_their_names_and_with_another_separator(tmp_path: Path) -> None:
    path = tmp_path / "tickets.tsv"
    path.write_text("kind\tsaid\n" + "\n".join(f"k{i % 3}\tsomething long was said here {i}" for i in range(30)))
    found = describe_upload(path)
    assert (found.domain, found.task["n_classes"]) == ("nlp", 3)


def test_interactions_are_described(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(
        "user_id,movie_id,rating\n" + "\n".join(f"{u},{(u * 7 + i) % 20},4" for u in range(10) for i in range(5))
    )
    found = describe_upload(path)
    assert found.domain == "recsys"
    assert found.task == {"n_users": 10, "n_items": 20, "n_interactions": 50, "sequence_length": 5}


def test_images_in_folders_are_described_from_their_headers(tmp_path: Path) -> None:
    files = {f"set/{kind}/{i}.png": png(24, 16) for kind in ("cat", "dog", "owl") for i in range(3)}
    files |= {"set/cat/extra.png": png(24, 16), "__MACOSX/set/cat/._0.png": b"x", "notes.txt": b"hello"}
    found = describe_upload(a_zip(tmp_path / "images.zip", files))
    assert found.domain == "cv"
    assert found.task == {"n_train": 10, "n_classes": 3, "majority_quality": 0.4, "image_size": 24, "n_channels": 3}


@pytest.mark.parametrize(
    ("start", "size"),
    [
        (png(7, 5, colour=0), (7, 5, 1)),
        (b"GIF89a" + struct.pack("<HH", 9, 8), (9, 8, 3)),
        (b"BM" + b"\0" * 16 + struct.pack("<ii", 6, -4), (6, 4, 3)),
        (b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08" + struct.pack(">HHB", 30, 40, 3) + b"\0" * 9, (40, 30, 3)),
        (b"II*\0", None),
    ],
    ids=["png", "gif", "bmp", "jpeg", "tiff"],
)
def test_sizes_stand_in_the_first_bytes(start: bytes, size: tuple[int, int, int] | None) -> None:
    assert image_size(start) == size


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"]))
def test_no_bytes_break_the_header_reader(rest: bytes, magic: bytes) -> None:
    found = image_size(magic + rest)
    assert found is None or len(found) == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("one.csv", b"text\nhello\n", "1 column"),
        ("numbers.csv", b"a,b\n1,2\n3,4\n5,6\n", "numbers only"),
        ("nolabel.csv", b"a,b\nx one,y one\nx two,y two\nx three,y three\n", "looks like a label"),
        ("binary.csv", b"\x00\x01\x02" * 10, "neither a zip nor text"),
        ("users.csv", b"user_id,item_id\n1,1\n1,1\n", "1 user(s)"),
        ("broken.zip", b"PK\x03\x04 and then nothing", "not a readable zip"),
    ],
)
def test_what_is_no_task_is_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RefusedError, match="“") as caught:
        describe_upload(path)
    assert said in str(caught.value) and caught.value.hint


def test_a_path_that_leaves_its_folder_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for evil in ("../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"):
        path = a_zip(inside / "images.zip", {evil: png(4, 4), "b/1.png": png(4, 4)})
        with pytest.raises(RefusedError, match="leaves its folder"):
            describe_upload(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["inside", "images.zip"]


def test_a_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "bomb.zip", {"a/1.png": b"\0" * 30_000_000, "b/2.png": png(4, 4)})
    assert path.stat().st_size < 100_000
    with pytest.raises(RefusedError, match="times its size"):
        describe_upload(path)


def test_a_claimed_giant_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_zip(tmp_path / "big.zip", {f"{k}/1.png": png(4, 4) for k in "ab"})
    monkeypatch.setattr("space.describe_zip.MOST_UNPACKED_BYTES", 50)
    with pytest.raises(RefusedError, match="would unpack"):
        describe_upload(path)


@pytest.mark.parametrize("name", [".", "", "\0.png"], ids=repr)
def test_an_entry_without_a_name_is_passed_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for kind in "ab":
            archive.writestr(f"{kind}/1.png", png(4, 4))
        entry = zipfile.ZipInfo("x")
        archive.writestr(entry, b"nothing")
        entry.filename = name
    assert describe_upload(path).task["n_train"] == 2


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_damage_to_a_zip_breaks_the_reader(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    path = a_zip(tmp_path / "images.zip", {f"{kind}/1.png": png(4, 4) for kind in "ab"})
    content = bytearray(path.read_bytes())
    for place, byte in changes:
        content[place % len(content)] = byte
    path.write_bytes(b"PK" + content[2:])
    try:
        assert describe_upload(path).task
    except RefusedError as refused:
        assert refused.hint


def test_rows_that_do_not_fit_the_header_are_counted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    rows = [f"a film number {i},{'good' if i % 4 else 'bad'}" for i in range(98)]
    path.write_text("text,label\n" + "\n".join([*rows, "", "well, so so,meh", "short", ""]))
    found = describe_upload(path)
    assert found.task["n_train"] == 98
    assert found.notes == ["2 of 100 rows were left out: they have more or fewer fields than the header."]


def test_a_file_that_loses_many_rows_is_refused_not_described_without_them(tmp_path: Path) -> None:
    texts, ratings = tmp_path / "reviews.csv", tmp_path / "ratings.csv"
    rows = [f"a film number {i},{'good' if i % 4 else 'bad'}" for i in range(90)]
    texts.write_text("text,label\n" + "\n".join([*rows, *(f"well, so so {i},meh" for i in range(10))]))
    ratings.write_text("user_id,item_id\n" + "\n".join(f"{i % 7},{i % 5}" + ",4" * (i % 3 == 0) for i in range(60)))
    for path, said in ((texts, "10 of 100 rows"), (ratings, "20 of 60 rows")):
        with pytest.raises(RefusedError, match=said) as caught:
            describe_upload(path)
        assert "quotes" in caught.value.hint


@pytest.mark.parametrize(("most", "cut"), [(41, False), (40, False), (39, True)])
def test_rows_beyond_the_most_are_told_and_only_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, cut: bool
) -> None:
    path = tmp_path / "reviews.csv"
    rows = [f"a film number {i},{'good' if i % 4 else 'bad'}" for i in range(39)]
    path.write_text("text,label\n" + "\n".join([*rows[:20], "no label", *rows[20:]]))
    monkeypatch.setattr("space.describe_csv.MOST_ROWS", most)
    found = describe_upload(path)
    assert any("first" in note for note in found.notes) == cut
    assert found.task["n_train"] == min(39, most - 1)


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(uploads.MOST_UPLOAD_BYTES + 1)
    with pytest.raises(RefusedError, match="20 MB is the most"):
        describe_upload(path)


@pytest.mark.parametrize("content", [b"text,label\nhello there,a\nbye then,b\nhello again,a\n", b"nothing"])
def test_the_file_is_gone_whatever_happens(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "upload"
    folder.mkdir()
    path = folder / "mine.csv"
    path.write_bytes(content)
    try:
        describe_and_delete(path)
    except RefusedError:
        assert content == b"nothing"
    assert not folder.exists()


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"green-upload-{os.getpid()}.csv"
    path.write_text(text, encoding="utf-8", errors="surrogatepass" if "\ud800" in text else "replace")
    try:
        assert describe_and_delete(path).task
    except RefusedError as refused:
        assert refused.hint
    assert not path.exists()


def test_an_archive_of_archives_is_not_opened_further(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a/1.png", png(4, 4))
    path = a_zip(tmp_path / "outer.zip", {"a/inner.zip": inner.getvalue(), "b/inner.zip": inner.getvalue()})
    with pytest.raises(RefusedError, match="0 image"):
        describe_upload(path)
