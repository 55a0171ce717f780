"""A batch of pandas and NumPy: takes numbers of tasks from a folder, as Celery does, and answers in the same file."""

import concurrent.futures
import ctypes
import os
import threading
import time
from pathlib import Path

import numpy
import pandas

FOLDER = Path(os.environ["BENCH_FOLDER"])
ROWS = 60_000
kept = []


def heavy(number):
    """Two tables of text and numbers are joined, grouped and sorted; the few lines of the result stay."""
    chance = numpy.random.default_rng(number)
    rows = int(chance.integers(ROWS // 4, ROWS))
    words = numpy.array([f"customer {value} of region {value % 17}" for value in range(3000)], dtype=object)
    sales = pandas.DataFrame({"customer": words[chance.integers(0, 3000, rows)], "cents": chance.integers(0, 100_000, rows), "weight": chance.random(rows)})
    customers = pandas.DataFrame({"customer": words, "region": [word.rpartition(" ")[2] for word in words]})
    joined = sales.merge(customers, on="customer")
    joined["label"] = joined["customer"].str.upper() + " " + joined["cents"].astype(str)
    matrix = numpy.outer(joined["weight"].to_numpy()[:600], joined["weight"].to_numpy()[:600])
    result = joined.sort_values(["region", "label"]).groupby("region")["cents"].agg(["sum", "mean", "count"])
    kept.append((result, float(matrix.trace())))


def light(number):
    pandas.DataFrame({"value": numpy.arange(number % 100 + 10)}).describe()


def task(line):
    kind, number = line.split()
    start = time.perf_counter()
    {"heavy": heavy, "light": light}[kind](int(number))
    with open(FOLDER / "done", "a") as file:
        file.write(f"{(time.perf_counter() - start) * 1000:.3f}\n")


def trim(seconds):
    give_back = ctypes.CDLL(None).malloc_trim
    while True:
        time.sleep(seconds)
        give_back(0)


def main():
    seconds = float(os.environ.get("BENCH_TRIM", "0"))
    if seconds:
        threading.Thread(target=trim, args=(seconds,), daemon=True).start()
    tasks = FOLDER / "tasks"
    tasks.touch()
    with concurrent.futures.ThreadPoolExecutor(4) as pool, tasks.open() as file:
        while True:
            line = file.readline()
            if line.endswith("\n"):
                pool.submit(task, line)
            else:
                time.sleep(0.02)


if __name__ == "__main__":
    main()
