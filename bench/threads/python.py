"""What a setting costs Python code under the GIL: two threads build and drop lists of texts, most larger than what pymalloc serves.

Prints nanoseconds per text, of all threads together.
"""

import sys
import threading
import time

TEXTS = 200


def work(rounds: int) -> None:
    for number in range(rounds):
        size = 100 + number % 900
        texts = [bytes(size + at) for at in range(TEXTS)]
        del texts


def main() -> None:
    threads, rounds = int(sys.argv[1]), int(sys.argv[2])
    start = time.monotonic()
    workers = [threading.Thread(target=work, args=(rounds,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print((time.monotonic() - start) * 1e9 / (threads * rounds * TEXTS))


main()
