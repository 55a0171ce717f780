"""A service as the article has it whose memory "leaks": threads answer requests with documents, and of each a few bytes are kept.

A line on its standard input is a day of work; it answers with a line."""

import random
import sys
import threading

THREADS = 8
REQUESTS = 120
SESSIONS = {}


def answer(numbers):
    """Documents are built, sent and forgotten; what remains is a note in the session, which lies between them."""
    document = []
    for number in range(400):
        document.append(bytes(numbers.choice((600, 1200, 3000, 9000, 20000))))
        if number % 80 == 0:
            SESSIONS[numbers.random()] = bytes(700)


def worker(seed):
    numbers = random.Random(seed)
    for _ in range(REQUESTS // THREADS):
        answer(numbers)
    WORKED.release()
    DONE.wait()


DONE, WORKED = threading.Event(), threading.Semaphore(0)
for day, _ in enumerate(sys.stdin):
    threads = [threading.Thread(target=worker, args=(1000 * day + number,), daemon=True) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for _ in threads:
        WORKED.acquire()
    # Old sessions end.
    for key in list(SESSIONS)[:-600]:
        del SESSIONS[key]
    print("done", flush=True)
