"""What data and models of somebody's own are called outside: by name and content, never by place."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from collectors.plan import public_recipe
from collectors.tasks.catalogue import get_dataset, own_content
from collectors.tasks.catalogue.own import public_name
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def recipe_id(dataset: str) -> str:
    return public_recipe(Recipe.create(domain="nlp", dataset=dataset, model="text-cnn")).recipe_id


def test_files_with_one_base_name_are_two_experiments_and_copies_are_one(tmp_path: Path) -> None:
    one = put(tmp_path / "a" / "train.csv", b"body,stars\ngood,5\n")
    other = put(tmp_path / "b" / "train.csv", b"title,lang\nhello,en\n")
    copy = put(tmp_path / "c" / "train.csv", one.read_bytes())
    names = [public_name(f"csv:{path}:body:stars") for path in (one, other, copy)]
    assert re.fullmatch(r"csv:train\.csv@[0-9a-f]{8}", names[0])
    assert names[0] != names[1] and names[0] == names[2]
    assert recipe_id(f"csv:{one}:body:stars") != recipe_id(f"csv:{other}:title:lang")
    assert recipe_id(f"csv:{one}:body:stars") == recipe_id(f"csv:{copy}:body:stars") == recipe_id(names[0])


def test_other_columns_of_a_file_are_another_experiment(tmp_path: Path) -> None:
    path = put(tmp_path / "train.csv", b"title,body,stars\n")
    title, body, usual, empty = (public_name(f"csv:{path}{end}") for end in (":title", ":body", "", "::"))
    assert len({title, body, usual}) == 3 and usual == empty


def test_a_file_that_changes_is_other_data_and_one_that_does_not_is_read_once(tmp_path: Path, monkeypatch) -> None:
    path = put(tmp_path / "train.csv", b"text,label\n" + b"x" * (own_content.CHUNK_BYTES + 1))
    reads: list[Path] = []
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: (reads.append(self), opened(self, *a, **k))[1])
    before = public_name(f"csv:{path}")
    assert public_name(f"csv:{path}") == before and reads == [path]
    put(path, path.read_bytes() + b"y")
    assert public_name(f"csv:{path}") != before


def test_a_folder_is_its_pictures_wherever_it_lies(tmp_path: Path) -> None:
    for word in (b"one", b"two"):
        put(tmp_path / "a" / "pets" / word.decode() / "1.png", word)
    shutil.copytree(tmp_path / "a" / "pets", tmp_path / "b" / "pets")
    name = public_name(f"folder:{tmp_path}/a/pets/")
    assert re.fullmatch(r"folder:pets@[0-9a-f]{8}", name) and name == public_name(f"folder:{tmp_path}/b/pets")
    put(tmp_path / "b" / "pets" / "notes.txt", b"no picture")
    assert public_name(f"folder:{tmp_path}/b/pets") == name
    (tmp_path / "b" / "pets" / "one").rename(tmp_path / "b" / "pets" / "cat")
    assert public_name(f"folder:{tmp_path}/b/pets") != name


def test_a_copy_of_a_hub_repository_is_named_by_its_content_and_one_on_the_hub_as_it_is(tmp_path: Path, monkeypatch):
    put(tmp_path / "lab" / "bert" / "model.safetensors", b"weights")
    absolute = public_name(f"hub:{tmp_path}/lab/bert")
    assert re.fullmatch(r"hub:bert@[0-9a-f]{8}", absolute)
    assert public_name("hub:lab/bert:text:label") == "hub:lab/bert:text:label"
    monkeypatch.chdir(tmp_path)
    assert public_name("hub:lab/bert") == absolute, "a folder here goes before the Hub"
    put(tmp_path / "lab" / "bert" / ".cache" / "lock", b"1")
    assert public_name("hub:lab/bert") == absolute
    put(tmp_path / "lab" / "bert" / "model.safetensors", b"others!")
    assert public_name("hub:lab/bert") != absolute


def test_what_cannot_be_read_and_what_is_public_already_keep_their_name(tmp_path: Path) -> None:
    assert public_name(f"csv:{tmp_path}/none.csv:text") == "csv:none.csv"
    assert public_name(f"folder:{tmp_path}/none") == "folder:none"
    assert public_name(f"csv:{tmp_path}") == f"csv:{tmp_path.name}"
    assert public_name("digits") == "digits"
    known = public_name(f"csv:{put(tmp_path / 'train.csv', b'text,label')}")
    assert public_name(known) == known


def test_a_public_name_asks_for_the_reader_s_own_copy(tmp_path: Path) -> None:
    name = public_name(f"csv:{put(tmp_path / 'train.csv', b'text,label')}")
    with pytest.raises(UsageError, match="content") as caught:
        get_dataset(name, "nlp")
    assert "csv:PATH" in caught.value.hint


def test_what_a_run_on_own_data_will_cost_is_said_from_what_is_in_them(tmp_path: Path, monkeypatch) -> None:
    from collectors.plan import estimate, predicted_cost

    rows = "".join(f"a film number {i % 7} that is {('bad', 'good')[i % 2]},{i % 2}\n" for i in range(80))
    dataset = f"csv:{put(tmp_path / 'train.csv', b'text,label' + chr(10).encode() + rows.encode())}"
    recipe = Recipe.create(domain="nlp", dataset=dataset, model="text-cnn")
    kwh, seconds = predicted_cost(recipe, tmp_path)
    assert 0 < kwh < 1e-3 and 0 < seconds < 60 and "from 0 runs on this task" in estimate(recipe, tmp_path)
    broken = f"csv:{put(tmp_path / 'broken.csv', b'text,label')}"
    asked = Recipe.create(domain="nlp", dataset=broken, model="text-cnn")
    assert predicted_cost(asked, tmp_path) is None, "the training will say what is wrong with the file"
    heard: list[str] = []
    monkeypatch.setattr("green_predictor.estimate", lambda recipe, described: heard.append(recipe.dataset))
    predicted_cost(recipe, tmp_path)
    assert heard == [public_name(dataset)]
