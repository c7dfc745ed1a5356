"""The energy meter beside codecarbon, carbontracker, eco2ai and zeus, each in its own environment.

    python tests/benchmarks/bench_meter.py --out bench_meter.json

Installs the other tools on first use (they disturb each other, so each gets an environment of its own), runs every
measurement in a fresh process in shuffled order, and prints a Markdown table. About ten minutes; use an idle machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from meters.adapters import ENVIRONMENT, NEEDS
from meters.table import markdown

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROBE = HERE / "meters" / "probe.py"
MEASUREMENTS = ["import", "start", "windows", "asleep", "busy1", "busy2", "online"]
BLACK_HOLE = (
    "ip link set lo up && ip link add hole type veth peer name end && ip addr add 192.0.2.2/24 dev hole && "
    "ip link set hole up && ip link set end up && ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev hole && "
    'ip route add default via 192.0.2.1 && exec "$@"'
)
"""A network that swallows everything: a route exists, no answer ever comes."""


def python_of(tool: str, folder: Path) -> Path:
    """The interpreter of the tool's environment, made and filled when it is not there yet."""
    needs = NEEDS[tool]
    if needs is None:
        return Path(sys.executable)
    home = folder / ENVIRONMENT.get(tool, tool)
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    done = home / ".installed"
    if not done.exists():
        print(f"installing {' '.join(needs)}", file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "-q", *needs], check=True)
        done.touch()
    return python


def probe(tool: str, what: str, number: float, folder: Path, before: list[str] | None = None) -> dict[str, Any]:
    """One measurement in a fresh process, in an empty folder, with little chance to touch anything else."""
    with tempfile.TemporaryDirectory() as scratch:
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{HERE / 'meters'}", "HOME": scratch}
        command = [*(before or []), str(python_of(tool, folder)), str(PROBE), tool, what, str(number)]
        done = subprocess.run(command, cwd=scratch, env=environ, capture_output=True, text=True, timeout=300)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    return json.loads(lines[-1])


def blocks_for(seconds: float) -> int:
    """Pieces of work that take one thread about so many CPU seconds here, whoever else is at work."""
    block, end, count = bytes(1 << 20), time.thread_time() + 1, 0
    while time.thread_time() < end:
        hashlib.sha256(block)
        count += 1
    return max(1, round(count * seconds))


def can_cut_network() -> bool:
    try:
        done = subprocess.run(["unshare", "-rn", "sh", "-c", BLACK_HOLE, "sh", "true"], capture_output=True)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def measure(tools: list[str], arguments: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Raw results by `tool/what`, in shuffled order so that a slow minute hits no one tool alone."""
    folder = arguments.environments
    for tool in tools:
        python_of(tool, folder)
    blocks = blocks_for(arguments.job_s)
    amounts = {
        "import": 0.0,
        "start": 0.0,
        "busy1": blocks,
        "busy2": blocks,
        "windows": 0.0,
        "asleep": arguments.idle_s,
    }
    repeats = {"windows": 1, "asleep": 1}
    jobs = [
        (tool, what, amounts[what])
        for tool in tools
        for what in amounts
        if what in arguments.measurements
        for _ in range(repeats.get(what, arguments.repeats))
    ]
    random.Random(0).shuffle(jobs)
    results: dict[str, list[dict[str, Any]]] = {}
    for number, (tool, what, amount) in enumerate(jobs, 1):
        print(f"\r{number}/{len(jobs)} {tool} {what}".ljust(60), end="", file=sys.stderr, flush=True)
        results.setdefault(f"{tool}/{what}", []).append(probe(tool, what, amount, folder))
    if "online" in arguments.measurements and can_cut_network():
        for tool in tools:
            print(f"\rwithout network: {tool}".ljust(60), end="", file=sys.stderr, flush=True)
            cut = ["unshare", "-rn", "sh", "-c", BLACK_HOLE, "sh"]
            results[f"{tool}/online"] = [probe(tool, "online", 0.0, folder, before=cut)]
    print(file=sys.stderr)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", nargs="+", default=list(NEEDS), choices=list(NEEDS))
    parser.add_argument("--measurements", nargs="+", default=MEASUREMENTS, choices=MEASUREMENTS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--job-s", type=float, default=8.0, help="work a thread, in CPU seconds of this machine")
    parser.add_argument("--idle-s", type=float, default=20.0)
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "meter-benchmark")
    parser.add_argument("--out", type=Path, help="write raw results as JSON")
    arguments = parser.parse_args()
    results = measure(arguments.tools, arguments)
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1))
    print(markdown(arguments.tools, results))
    failed = {key: r["error"] for key, rs in results.items() for r in rs if "error" in r and "/online" not in key}
    for key, error in failed.items():
        print(f"{key}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
