"""What a setting costs Python's small objects, which malloc makes where PYTHONMALLOC says so: threads build and drop lists of rows.

Prints nanoseconds of CPU time per row of a tuple, a number and a dictionary: under the GIL one thread runs at a time.
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
    start = time.process_time()
    workers = [threading.Thread(target=work, args=(rounds,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print((time.process_time() - start) * 1e9 / (threads * rounds * ROWS))


main()
