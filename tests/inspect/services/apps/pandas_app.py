"""pandas behind Flask: tables of text and numbers are joined, grouped and sorted for each request."""

import collections
import threading

import numpy
import pandas
import truth
from flask import Flask, Response

ROWS = 100_000
CUSTOMERS = 3000
CACHED = 200
LEAKED = []
cache = collections.OrderedDict()
lock = threading.Lock()
app = Flask(__name__)
truth.start()


def tables(number):
    chance = numpy.random.default_rng(number)
    rows = int(chance.integers(ROWS // 4, ROWS))
    words = numpy.array([f"customer {value} of region {value % 17}" for value in range(CUSTOMERS)], dtype=object)
    sales = pandas.DataFrame({"customer": words[chance.integers(0, CUSTOMERS, rows)], "cents": chance.integers(0, 100_000, rows), "weight": chance.random(rows)})
    customers = pandas.DataFrame({"customer": words, "region": [word.rpartition(" ")[2] for word in words]})
    joined = sales.merge(customers, on="customer")
    joined["label"] = joined["customer"].str.upper() + " " + joined["cents"].astype(str)
    return joined


def burst(number):
    """A few lines of the result stay in a cache of limited size, and the first rows as a sample."""
    joined = tables(number).sort_values(["region", "label"])
    result = joined.groupby("region")["cents"].agg(["sum", "mean", "count"])
    with lock:
        cache[number] = (result, joined.head(20).copy())
        while len(cache) > CACHED:
            cache.popitem(last=False)
    return result.to_json()


def leak(number):
    LEAKED.append(tables(number))
    return str(len(LEAKED))


def both(number):
    return leak(number) if number % 2 else burst(number)


ROUTES = {"retention": burst, "leak": leak, "mixed": both}


@app.get("/<shape>/<int:number>")
def serve(shape, number):
    return Response(ROUTES[shape](number), mimetype="application/json")
