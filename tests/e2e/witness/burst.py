"""What a threaded service does under a burst of requests: many blocks of all sizes, of which a few stay.

Prints the resident set at its end, in kB: after the blocks were given back and some seconds of rest.
"""

import random
import threading
import time

THREADS, ROUNDS = 16, 12
BURST = 16 << 20
KEEP = 100  # one block in so many stays
REST, STEADY = 15.0, 3.0


def main():
    kept = [[] for _ in range(THREADS)]
    threads = [threading.Thread(target=serve, args=(number, kept[number])) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("peak", resident("VmHWM"))
    print("live", sum(len(block) for blocks in kept for block in blocks) >> 10)
    print("rest", rested())


def serve(number, kept):
    chance = random.Random(number)
    for _ in range(ROUNDS):
        burst, size = [], 0
        while size < BURST:
            # A few hundred bytes to hundreds of kB, most of them small; all above what Python keeps for itself.
            block = bytearray(int(600 * 2 ** chance.uniform(0, 9)))
            burst.append(block)
            size += len(block)
        # The answer is on its way to the client: other threads go on meanwhile.
        time.sleep(0.02)
        kept.extend(small for small in burst[::KEEP] if len(small) < 32768)


def rested():
    """The resident set once it no longer falls."""
    least, since, end = resident("VmRSS"), time.monotonic(), time.monotonic() + REST
    while time.monotonic() < end and time.monotonic() - since < STEADY:
        time.sleep(0.25)
        now = resident("VmRSS")
        if now < least * 0.98:
            least, since = now, time.monotonic()
    return least


def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))


main()
