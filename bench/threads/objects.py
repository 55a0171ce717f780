"""What a setting costs Python's small objects, which malloc makes where PYTHONMALLOC says so: threads build and drop lists of rows.

Prints nanoseconds per row of a tuple, a number and a dictionary, of all threads together.
"""

import sys
import threading
import time

ROWS = 200


def work(rounds: int) -> None:
    for number in range(rounds):
        rows = [(number, float(at), {"at": at}) for at in range(ROWS)]
        del rows


def main() -> None:
    threads, rounds = int(sys.argv[1]), int(sys.argv[2])
    start = time.monotonic()
    workers = [threading.Thread(target=work, args=(rounds,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print((time.monotonic() - start) * 1e9 / (threads * rounds * ROWS))


main()
