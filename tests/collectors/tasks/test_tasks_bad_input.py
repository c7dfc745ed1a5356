"""Bad input either trains or is refused with one clear line that says what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from task_recipes import MODELS, recipe, refusal

from collectors.tasks import Task, load_task


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def trains(domain: str, dataset: object, cache: Path, model: str | None = None, **knobs: object) -> Task:
    """Load it, and take one real step on it."""
    chosen = recipe(domain, dataset, model, knobs=knobs)
    task = load_task(chosen, cache)
    torch.manual_seed(0)
    net = task.build_model(model or MODELS[domain], chosen)
    batch = task.collate([task.train[row] for row in range(min(8, len(task.train)))])
    net.train()(**batch).loss.backward()
    held = task.collate([task.validation[row] for row in range(len(task.validation))])
    with torch.no_grad():
        assert task.score(net.eval()(**held).logits, held).shape == (len(task.validation),)
    return task


def reviews(n: int = 40) -> list[str]:
    return ["text,label", *(f"a {'good' if row % 2 else 'bad'} film number {row},{row % 2}" for row in range(n))]


def clicks(users: int = 12, items: int = 6) -> list[str]:
    return [
        "user,item,time",
        *(f"u{user},i{(user + step) % items},{step}" for user in range(users) for step in range(5)),
    ]


def picture(path: Path, width: int, height: int, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.RandomState(width * 1000 + height)
    shape = (height, width) if mode == "L" else (height, width, 3)
    Image.fromarray(draw.randint(0, 256, shape).astype(np.uint8)).save(path)


def test_unknown_names_get_a_suggestion(cache: Path) -> None:
    assert "did you mean 'digits'?" in refusal("cv", "digit", cache)
    assert "did you mean 'resnet-tiny'?" in refusal("cv", "digits", cache, model="resnet-tinny")
    assert "belongs to domain 'nlp'" in refusal("cv", "tweets", cache)
    assert "belongs to domain 'recsys'" in refusal("cv", "digits", cache, model="sasrec")


def test_images_of_odd_sizes_train(cache: Path, tmp_path: Path) -> None:
    for row in range(10):
        picture(tmp_path / "cats" / f"{row}.png", 17 + row, 31)
        picture(tmp_path / "dogs" / f"{row}.jpg", 23, 5 + 3 * row, mode="L")
    task = trains("cv", f"folder:{tmp_path}", cache)
    assert task.descriptors["n_channels"] == 3 and task.descriptors["n_classes"] == 2
    assert task.dataset == f"folder:{tmp_path.name}", "the folder's place stays private"


def test_folders_may_bring_their_split(cache: Path, tmp_path: Path) -> None:
    for split, n in (("train", 6), ("val", 2), ("test", 3)):
        for row in range(n):
            picture(tmp_path / split / "a" / f"{row}.png", 9, 9, mode="L")
            picture(tmp_path / split / "b" / f"{row}.png", 9, 9, mode="L")
    found = trains("cv", f"folder:{tmp_path}", cache).descriptors
    assert (found["n_train"], found["n_validation"], found["n_test"], found["n_channels"]) == (12, 4, 6, 1)


def test_a_changed_folder_is_read_again(cache: Path, tmp_path: Path) -> None:
    for row in range(10):
        picture(tmp_path / "ab"[row % 2] / f"{row}.png", 9, 9)
    first = trains("cv", f"folder:{tmp_path}", cache)
    picture(tmp_path / "a" / "more.png", 10, 9)
    second = trains("cv", f"folder:{tmp_path}", cache)
    assert first.revision != second.revision and not second.cached


def test_broken_and_missing_pictures_are_named(cache: Path, tmp_path: Path) -> None:
    assert "no folder" in refusal("cv", f"folder:{tmp_path}/none", cache)
    assert "no pictures" in refusal("cv", f"folder:{tmp_path}", cache)
    for row in range(8):
        picture(tmp_path / "ab"[row % 2] / f"{row}.png", 9, 9)
    (tmp_path / "a" / "broken.png").write_bytes(b"not a picture")
    assert "broken.png is no readable picture" in refusal("cv", f"folder:{tmp_path}", cache)


def test_empty_texts_train(cache: Path, tmp_path: Path) -> None:
    rows = [*reviews(), ",0", ",1", '"  ",0']
    task = trains("nlp", f"csv:{write(tmp_path / 'a.csv', *rows)}", cache, model="bert-tiny")
    assert task.descriptors["n_train"] + task.descriptors["n_validation"] + task.descriptors["n_test"] == 43
    blank = [",0", ",1"] * 10
    assert "every text is empty" in refusal("nlp", f"csv:{write(tmp_path / 'b.csv', 'text,label', *blank)}", cache)


def test_a_single_class_is_refused(cache: Path, tmp_path: Path) -> None:
    rows = [f"text {row},good" for row in range(20)]
    told = refusal("nlp", f"csv:{write(tmp_path / 'a.csv', 'text,label', *rows)}", cache)
    assert "single class ('good')" in told


def test_a_class_missing_from_validation_trains(cache: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", *reviews(), "the only one of its kind,2")
    task = trains("nlp", f"csv:{path}", cache)
    assert task.descriptors["n_classes"] == 3
    assert 2 in task.train.columns["labels"] and 2 not in task.validation.columns["labels"]


def test_users_with_one_interaction_train(cache: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", *clicks(), "lonely,i0,1", "shy,i1,2", "pair,i1,1", "pair,i2,2")
    task = trains("recsys", f"csv:{path}", cache)
    assert task.descriptors["n_users"] == 15 and len(task.validation) == len(task.test) == 12
    assert len(task.train) == 13, "one window a user with at least two training items"


def test_only_users_with_one_interaction_are_refused(cache: Path, tmp_path: Path) -> None:
    rows = [f"u{user},i{user % 3},{user}" for user in range(20)]
    told = refusal("recsys", f"csv:{write(tmp_path / 'a.csv', 'user,item,time', *rows)}", cache)
    assert "0 user(s) with three or more interactions" in told


@pytest.mark.parametrize("model", ["bag-of-embeddings", "lstm", "distilbert-tiny"])
def test_ten_rows_train(cache: Path, tmp_path: Path, model: str) -> None:
    task = trains("nlp", f"csv:{write(tmp_path / 'a.csv', *reviews(10))}", cache, model=model, dynamic_padding=True)
    assert len(task.train) + len(task.validation) + len(task.test) == 10


def test_three_rows_are_too_few(cache: Path, tmp_path: Path) -> None:
    assert "3 examples are too few" in refusal("nlp", f"csv:{write(tmp_path / 'a.csv', *reviews(3))}", cache)


def test_labels_may_be_words(cache: Path, tmp_path: Path) -> None:
    rows = [f"text {row},{('bad', 'good', 'fair')[row % 3]}" for row in range(30)]
    task = trains("nlp", f"csv:{write(tmp_path / 'a.csv', 'text,label', *rows)}", cache)
    assert task.descriptors["n_classes"] == 3
    assert task.dataset == "csv:a.csv", "the file's place stays private"


def test_a_missing_label_is_named_by_its_row(cache: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", *reviews(4), "no label here,", *reviews(4)[1:])
    assert "row 5 has no label" in refusal("nlp", f"csv:{path}", cache)


def test_labels_that_are_all_different_are_refused(cache: Path, tmp_path: Path) -> None:
    rows = [f"text {row},{row * 1.5}" for row in range(40)]
    told = refusal("nlp", f"csv:{write(tmp_path / 'a.csv', 'text,label', *rows)}", cache)
    assert "40 different labels for 40 examples" in told


def test_a_wrong_column_is_named_with_those_there_are(cache: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "body,stars", "fine,1", "bad,0")
    assert "its columns are: body, stars" in refusal("nlp", f"csv:{path}", cache)
    told = refusal("nlp", f"csv:{path}:body:star", cache)
    assert "no column 'star'; did you mean 'stars'?" in told
    told = refusal("recsys", f"csv:{write(tmp_path / 'b.csv', 'user,item,when', 'a,b,c')}", cache)
    assert "no column for the time" in told and "when" in told


def test_columns_can_be_named(cache: Path, tmp_path: Path) -> None:
    renamed = ["body,stars", *reviews()[1:]]
    assert trains("nlp", f"csv:{write(tmp_path / 'a.csv', *renamed)}:body:stars", cache).descriptors["n_classes"] == 2
    renamed = ["who,what,when", *clicks()[1:]]
    trains("recsys", f"csv:{write(tmp_path / 'b.csv', *renamed)}:who:what:when", cache)


def test_times_may_be_dates_and_nothing_else(cache: Path, tmp_path: Path) -> None:
    rows = [row.rsplit(",", 1) for row in clicks()[1:]]
    dated = [f"{left},2024-05-0{int(time) + 1} 10:00" for left, time in rows]
    task = trains("recsys", f"csv:{write(tmp_path / 'a.csv', 'user,item,time', *dated)}", cache)
    plain = trains("recsys", f"csv:{write(tmp_path / 'b.csv', *clicks())}", cache)
    assert task.revision == plain.revision, "the order is the same"
    wrong = [*clicks(), "u1,i1,yesterday"]
    told = refusal("recsys", f"csv:{write(tmp_path / 'c.csv', *wrong)}", cache)
    assert "'yesterday', which is no number and no date" in told


def test_what_is_no_table_is_refused(cache: Path, tmp_path: Path) -> None:
    assert "no file" in refusal("nlp", f"csv:{tmp_path}/none.csv", cache)
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "is empty" in refusal("nlp", f"csv:{tmp_path}/empty.csv", cache)
    assert "has no rows" in refusal("nlp", f"csv:{write(tmp_path / 'head.csv', 'text,label')}", cache)
    (tmp_path / "binary.csv").write_bytes(bytes(range(128, 256)) * 10)
    assert "no CSV in UTF-8" in refusal("nlp", f"csv:{tmp_path}/binary.csv", cache)


def test_prefixes_that_do_not_fit_the_domain(cache: Path, tmp_path: Path) -> None:
    assert "does not fit domain 'cv'" in refusal("cv", f"csv:{tmp_path}/a.csv", cache)
    assert "names no place" in refusal("nlp", "csv:", cache)
    assert "at most 2" in refusal("nlp", f"csv:{tmp_path}/a.csv:a:b:c", cache)


def test_public_names_tell_no_places() -> None:
    from collectors.tasks.catalogue.own import public_name

    assert public_name("csv:/home/ada/secret/reviews.csv:body:stars") == "csv:reviews.csv"
    assert public_name("folder:/data/cats") == "folder:cats" and public_name("hub:/tmp/net") == "hub:net"
    assert public_name("hub:org/name:text") == "hub:org/name:text" and public_name("digits") == "digits"
