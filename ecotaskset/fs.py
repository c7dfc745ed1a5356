"""`ecotaskset://`: the data files from anywhere, for every library that opens files through fsspec.

    pandas.read_parquet("ecotaskset://cv/train.parquet")                          the shipped snapshot
    pandas.read_parquet("ecotaskset://my-lab/runs@v1.1.0/cv/train.parquet")       a release on the Hub, by tag or commit
    load_dataset("parquet", data_files={"train": "ecotaskset://cv/train-*.parquet"})

`<split>.parquet` is short for the split's file. Read only. A release is downloaded once and then found in the Hub
cache, also without network; its files are checked against its manifest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fsspec.spec import AbstractFileSystem

from ecotaskset.errors import UsageError
from ecotaskset.snapshot import CONFIGS, read_manifest


class EcoTaskSetFileSystem(AbstractFileSystem):
    """Read-only view of the shipped snapshot and of releases on the Hub.

    Raises (from any method):
        FileNotFoundError: no such file.
        HubError: a release that is neither reachable nor in the cache.
    """

    protocol = "ecotaskset"
    cachable = False

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """Entries of a folder; a file gives itself."""
        local, prefix, rest = self._locate(path)
        if local.is_dir():
            found = [
                self._info(child, f"{prefix}{rest}/{child.name}" if rest else f"{prefix}{child.name}", prefix)
                for child in sorted(local.iterdir())
                if child.is_dir() or child.suffix in (".parquet", ".json")
            ]
        elif local.is_file():
            found = [self._info(local, f"{prefix}{rest}", prefix)]
        else:
            raise FileNotFoundError(f"ecotaskset://{path}")
        return found if detail else [entry["name"] for entry in found]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Name, size, type and, of a data file, its content's hash as `etag` (caches rely on it)."""
        local, prefix, rest = self._locate(path)
        if not local.exists():
            raise FileNotFoundError(f"ecotaskset://{path}")
        return self._info(local, f"{prefix}{rest}", prefix)

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if mode != "rb":
            raise UsageError(f"ecotaskset://{path} cannot be written", hint="contribute with `green-collect --push`")
        local, _, _ = self._locate(path)
        if not local.is_file():
            raise FileNotFoundError(f"ecotaskset://{path}")
        return local.open("rb")

    def _locate(self, path: str) -> tuple[Path, str, str]:
        """The local file, the part of the address that names the source, and the part inside it."""
        words = [word for word in str(self._strip_protocol(path)).strip("/").split("/") if word]
        if any(word in (".", "..") for word in words):
            raise FileNotFoundError(f"ecotaskset://{path}")
        if words and words[0] not in CONFIGS and not words[0].endswith(".json"):
            if len(words) < 2:
                known = ", ".join(CONFIGS)
                raise FileNotFoundError(f"ecotaskset://{path}: begin with one of {known}, or with owner/name@version")
            from ecotaskset.hub import fetch

            repo, _, revision = f"{words[0]}/{words[1]}".partition("@")
            root, prefix, inside = fetch(repo, revision=revision or None) / "data", f"{words[0]}/{words[1]}/", words[2:]
        else:
            from ecotaskset.load import SNAPSHOT

            root, prefix, inside = SNAPSHOT, "", words
        return _file(root, inside), prefix, "/".join(inside)

    def _info(self, local: Path, name: str, prefix: str) -> dict[str, Any]:
        if local.is_dir():
            return {"name": name, "size": 0, "type": "directory"}
        entry = {"name": name, "size": local.stat().st_size, "type": "file"}
        root = local.parent.parent
        if (root / "manifest.json").is_file():
            digests = {file["path"]: file["sha256"] for file in read_manifest(root)["files"]}
            entry["etag"] = digests.get(f"{local.parent.name}/{local.name}", prefix)
        return entry


def _file(root: Path, inside: list[str]) -> Path:
    """`cv/train.parquet` stands for the one file of that split."""
    path = root.joinpath(*inside)
    if not path.exists() and len(inside) == 2 and inside[1].endswith(".parquet"):
        found = sorted(path.parent.glob(f"{path.stem}-*.parquet"))
        if len(found) == 1:
            return found[0]
    return path
