"""What all services have in common: how large their answers are, what stays of each in a cache, and memory that is given back by hand."""

import collections
import ctypes
import os
import random
import threading
import time

KEPT = 400
SIZES = {"small": "10x3", "heavy": "200x6"}
SIZE = os.environ.get("BENCH_SIZE", "heavy")
SMALL = SIZE == "small"
LEAST, DOUBLINGS = map(int, SIZES.get(SIZE, SIZE).split("x"))
cache = collections.OrderedDict()
lock = threading.Lock()


def chance_of(number):
    """The request's number decides: all candidates do the same work."""
    return random.Random(number)


def rows(chance):
    """As many rows in most answers as in the least, and in some so many times twice as many."""
    return int(LEAST * 2 ** chance.uniform(0, DOUBLINGS))


def keep(number, parts):
    """A few small parts stay, as in most applications."""
    with lock:
        cache[number] = parts
        while len(cache) > KEPT:
            cache.popitem(last=False)


def trim_from_time_to_time():
    """For the candidate that gives memory back by hand."""
    seconds = float(os.environ.get("BENCH_TRIM", "0"))
    if seconds:
        threading.Thread(target=_trim, args=(seconds,), daemon=True).start()


def _trim(seconds):
    trim = ctypes.CDLL(None).malloc_trim
    while True:
        time.sleep(seconds)
        trim(0)


os.register_at_fork(after_in_child=trim_from_time_to_time)
trim_from_time_to_time()
