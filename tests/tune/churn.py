"""A small program with threads that allocates much and keeps little; prints a figure of its own."""

import random
import sys
import threading
import time

kept = []


def work(seed, rounds):
    numbers = random.Random(seed)
    for _ in range(rounds):
        blocks = [bytes(numbers.randrange(600, 6000)) for _ in range(1500)]
        kept.extend(blocks[::100])
        del blocks
        time.sleep(0.02)


rounds = int(sys.argv[1])
threads = [threading.Thread(target=work, args=(seed, rounds)) for seed in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
time.sleep(0.2)
print(f"blocks: {len(kept)}")
