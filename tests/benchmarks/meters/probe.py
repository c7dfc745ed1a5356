"""One measurement of one meter in a fresh process: `probe.py TOOL WHAT [NUMBER]`; the last line printed is JSON."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import resource
import sys
import threading
import time
import warnings
from typing import Any

BLOCK = bytes(1 << 20)
WINDOWS = 200


def own_cpu_s() -> float:
    """CPU seconds of this process and of every child it has reaped."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def work(blocks: int) -> None:
    """Fixed work that holds no interpreter lock."""
    for _ in range(blocks):
        hashlib.sha256(BLOCK)


def imported(meter: Any, number: float) -> dict[str, Any]:
    begin, cpu_s = time.perf_counter(), time.process_time()
    meter.load()
    return {"import_s": time.perf_counter() - begin, "import_cpu_s": time.process_time() - cpu_s}


def started(meter: Any, number: float) -> dict[str, Any]:
    meter.load()
    begin = time.perf_counter()
    opened = meter.open()
    took = time.perf_counter() - begin
    threads = threading.active_count() - 1
    meter.close(opened)
    return {"start_s": took, "threads": threads}


def windows(meter: Any, number: float) -> dict[str, Any]:
    if meter.window is None:
        return {"window_s": None}
    opened = meter.open()
    took = []
    for i in range(WINDOWS):
        begin = time.perf_counter()
        meter.window(opened, i)
        took.append((time.perf_counter() - begin) / 2)  # begin and end
    meter.close(opened)
    return {"window_s": sorted(took)[WINDOWS // 2]}


def asleep(meter: Any, number: float) -> dict[str, Any]:
    """Idle for `number` seconds: CPU seconds the meter itself used, and what it booked meanwhile."""
    opened = meter.open()
    begin, cpu_s = time.perf_counter(), own_cpu_s()
    time.sleep(number)
    own = own_cpu_s() - cpu_s
    took = time.perf_counter() - begin
    return {"own_cpu_share": own / took, "seconds": took, **meter.close(opened)}


def busy(meter: Any, number: float, n_threads: int) -> dict[str, Any]:
    """`number` blocks of work on each of so many threads."""
    opened = (meter.open_for_short_jobs or meter.open)()
    begin, cpu_s = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=work, args=(int(number),)) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    return {"seconds": took, "cpu_s": time.process_time() - cpu_s, **meter.close(opened)}


def online(meter: Any, number: float) -> dict[str, Any]:
    """A short job as a newcomer would meter it, network allowed; the caller has cut the network."""
    meter.load()
    begin = time.perf_counter()
    try:
        opened = (meter.open_online or meter.open)()
        opened_s = time.perf_counter() - begin
        time.sleep(1)
        closing = time.perf_counter()
        result = meter.close(opened)
    except Exception as error:  # noqa: BLE001 (whatever a meter raises without a network is the answer)
        return {"error": type(error).__name__, "seconds": time.perf_counter() - begin}
    return {"open_s": opened_s, "close_s": time.perf_counter() - closing, **result}


MEASUREMENTS = {
    "import": imported,
    "start": started,
    "windows": windows,
    "asleep": asleep,
    "busy1": lambda meter, number: busy(meter, number, 1),
    "busy2": lambda meter, number: busy(meter, number, 2),
    "online": online,
}


def main() -> None:
    from adapters import adapter

    tool, what = sys.argv[1:3]
    number = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        result = MEASUREMENTS[what](adapter(tool), number)
    print(json.dumps(result), flush=True)
    os._exit(0)  # some meters leave threads that keep the process


if __name__ == "__main__":
    main()
