"""What all services have in common: how large their answers are, what stays of each in a cache, and memory that is given back by hand."""

import collections
import ctypes
import os
import random
import threading
import time

KEPT = 400
SMALL = os.environ.get("BENCH_SIZE") == "small"
cache = collections.OrderedDict()
lock = threading.Lock()


def chance_of(number):
    """The request's number decides: all candidates do the same work."""
    return random.Random(number)


def rows(chance):
    """Most answers are of some hundred rows, some are of ten thousand; those of a small service of 10 to 80."""
    return int(10 * 2 ** chance.uniform(0, 3)) if SMALL else int(200 * 2 ** chance.uniform(0, 6))


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
