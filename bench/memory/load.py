"""Asks a server for things and takes the time; a process of its own, so that its memory and CPU are not the server's.

    python load.py KIND TARGET heavy|light FIRST COUNT CLIENTS

KIND is how it is asked (programs.toml). With BENCH_FRESH=1 every request comes over a connection of its own, as from a
reverse proxy with its defaults: those that stay open are spread unevenly over workers, another way each time. Prints JSON: seconds in all, and milliseconds of each answer.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import sys
import threading
import time
from pathlib import Path

PATIENCE = 120.0
FRESH = os.environ.get("BENCH_FRESH") == "1"


def http_load(target: str, what: str, numbers: list[int], clients: int) -> list[float]:
    """Every client has a connection, and asks again as soon as it has its answer."""
    waiting, times, faults = iter(numbers), [], []
    lock = threading.Lock()

    def client() -> None:
        connection = http.client.HTTPConnection(target, timeout=60)
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                return
            try:
                times.append(_ask(connection, f"/{what}/{number}"))
                if FRESH:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                faults.append(repr(error))
                return

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SystemExit(f"the server did not answer: {faults[0]}")
    return times


def _ask(connection: http.client.HTTPConnection, path: str) -> float:
    start = time.perf_counter()
    connection.request("GET", path, headers={"Connection": "close"} if FRESH else {})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise http.client.HTTPException(f"{path}: {answer.status}")
    return (time.perf_counter() - start) * 1000


def celery_load(target: str, what: str, numbers: list[int], clients: int) -> list[float]:
    import celery_app

    task = {"heavy": celery_app.heavy, "light": celery_app.light}[what]
    return _done(target, len(numbers), lambda: [task.delay(number) for number in numbers])


def lines_load(target: str, what: str, numbers: list[int], clients: int) -> list[float]:
    def ask() -> None:
        with open(f"{target}/tasks", "a") as file:
            file.writelines(f"{what} {number}\n" for number in numbers)

    return _done(target, len(numbers), ask)


def _done(folder: str, count: int, ask) -> list[float]:
    """Waits until so many more lines stand in the file of what is done."""
    done = Path(folder) / "done"
    done.touch()
    with done.open() as file:
        file.seek(0, 2)
        ask()
        lines, end = "", time.monotonic() + PATIENCE
        while lines.count("\n") < count:
            if time.monotonic() > end:
                raise SystemExit(f"{lines.count(chr(10))} of {count} tasks are done after {PATIENCE:.0f} s")
            time.sleep(0.02)
            lines += file.read()
    return [float(line) for line in lines.split()]


def main() -> None:
    kind, target, what, first, count, clients = sys.argv[1:]
    numbers = list(itertools.islice(itertools.count(int(first)), int(count)))
    loads = {"http": http_load, "celery": celery_load, "lines": lines_load}
    start = time.perf_counter()
    times = loads[kind](target, what, numbers, int(clients))
    print(json.dumps({"seconds": time.perf_counter() - start, "times": [round(value, 3) for value in times]}))


if __name__ == "__main__":
    main()
