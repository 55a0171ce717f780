"""What the services without dataframes do: reports of many rows, built, written as JSON and read again, as gateways and exporters do.

Three ways to serve them: `burst` keeps a few rows of each report in a cache of limited size, `leak` appends what was parsed to a list that nobody empties,
`both` does the one beside the other.
"""

import collections
import json
import random
import threading

# Rows of a report: most are small, a few have ten times as many.
FEWEST, MOST = 400, 4000
# One row of so many is looked at again soon, and stays in the cache.
SAMPLE = 100
CACHED = 600
LEAKED = []
cache = collections.OrderedDict()
lock = threading.Lock()


def report(number, scale=1):
    """Rows with notes of 100 bytes to 12 kB, most of them short. Which ones follows from the number."""
    chance = random.Random(number)
    count = int(FEWEST * (MOST / FEWEST) ** chance.random()) * scale
    return [_row(chance, number, line) for line in range(count)]


def _row(chance, number, line):
    note = chance.randbytes(int(50 * 120 ** chance.random())).hex()
    return {"id": f"{number}-{line}", "customer": f"customer {line % 500}", "note": note, "cents": chance.randrange(100_000), "tags": [f"tag {line % 7}", f"{line} of {number}"]}


def burst(number, scale=1):
    """The report as text; a hundredth of its rows stays for a while."""
    text = json.dumps(report(number, scale))
    _remember(json.loads(text)[:: SAMPLE])
    return text


def leak(number):
    """What is parsed stays: a list of what was seen, as for removing duplicates or for a retry that never comes."""
    text = json.dumps(report(number))
    LEAKED.append(json.loads(text))
    return json.dumps({"seen": len(LEAKED)})


def both(number, scale=1):
    """Half of the reports are kept, too."""
    return leak(number) if number % 2 else burst(number, scale)


def _remember(rows):
    with lock:
        for row in rows:
            cache[row["id"]] = row
        while len(cache) > CACHED:
            cache.popitem(last=False)


ROUTES = {"retention": burst, "leak": leak, "mixed": both}
