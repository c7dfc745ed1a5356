"""The shape of the house, from its source: file and function sizes, broad excepts, who imports whom.

Run as a script it prints the figures; `tests/test_house.py` holds them to their limits.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("ecotaskset", "collectors", "green_predictor", "space")
MAY_IMPORT = {
    "ecotaskset": set(),
    "collectors": {"ecotaskset"},
    "green_predictor": {"ecotaskset"},
    "space": {"green_predictor", "ecotaskset"},
}
ALLOWED_EXCEPTIONS = {("collectors/plan.py", "green_predictor")}
"""The one place where a collector asks the predictor what a run will cost."""

PROCESS_BOUNDARIES = {"ecotaskset/console.py", "collectors/failures.py"}
"""Where `except Exception` may stand: where a process, a campaign's run or a page ends, whatever went wrong in it."""


def sources(*rooms: str) -> Iterator[Path]:
    """The Python files of the rooms."""
    for room in rooms or ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    """A file's path as people say it."""
    return path.relative_to(ROOT).as_posix()


def file_sizes() -> dict[str, int]:
    """Lines of every file."""
    return {name_of(path): len(path.read_text().splitlines()) for path in sources()}


def function_sizes() -> dict[str, int]:
    """Lines of every function and method."""
    sizes = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                sizes[f"{name_of(path)}:{node.name}"] = (node.end_lineno or node.lineno) - node.lineno + 1
    return sizes


def broad_excepts() -> list[str]:
    """`except:`, `except Exception` and `except BaseException` that swallow, as `file:line`; re-raising is fine."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                names = {kind.id if isinstance(kind, ast.Name) else None for kind in kinds}
                passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
                if (node.type is None or names & {"Exception", "BaseException"}) and not passed_on:
                    found.append(f"{name_of(path)}:{node.lineno}")
    return found


def forbidden_imports() -> list[str]:
    """Imports of one room by another that the architecture does not allow, as `file -> room`."""
    found = []
    for room in ROOMS:
        for path in sources(room):
            for node in ast.walk(ast.parse(path.read_text())):
                for target in _imported(node):
                    top = target.split(".")[0]
                    wrong = top in ROOMS and top != room and top not in MAY_IMPORT[room]
                    if wrong and (name_of(path), top) not in ALLOWED_EXCEPTIONS:
                        found.append(f"{name_of(path)} -> {target}")
    return found


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        return [node.module]
    return []


def main() -> None:
    """Print the figures."""
    files, functions = file_sizes(), function_sizes()
    print(f"files {len(files)} · lines {sum(files.values())} · median {statistics.median(files.values()):.0f}")
    for title, sizes in (("longest files", files), ("longest functions", functions)):
        top = sorted(sizes.items(), key=lambda item: -item[1])[:5]
        print(f"{title}: " + " · ".join(f"{name} {size}" for name, size in top))
    print(f"broad excepts: {', '.join(broad_excepts()) or 'none'}")
    print(f"forbidden imports: {', '.join(forbidden_imports()) or 'none'}")


if __name__ == "__main__":
    main()
