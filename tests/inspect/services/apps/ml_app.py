"""scikit-learn behind Flask: each request brings rows of features, which are turned into vectors and scored."""

import collections
import random
import threading

import truth
from flask import Flask, Response
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import SGDClassifier

# Rows of a request, and their features: some are words, some are numbers.
ROWS = 8000
WORDS, NUMBERS = 8, 6
CACHED = 600
LEAKED = []
cache = collections.OrderedDict()
lock = threading.Lock()
app = Flask(__name__)


def features(number, rows):
    chance = random.Random(number)
    words = lambda: {f"word{name}": f"value {chance.randrange(60)} of {name}" for name in range(WORDS)}
    numbers = lambda: {f"number{name}": chance.random() for name in range(NUMBERS)}
    return [words() | numbers() for _ in range(rows)]


known = features(0, 3000)
vectors = DictVectorizer(sparse=False).fit(known)
model = SGDClassifier(loss="log_loss", max_iter=5, tol=None, random_state=1).fit(vectors.transform(known), [line % 8 for line in range(len(known))])
del known
truth.start()


def scored(number):
    rows = features(number, random.Random(number).randrange(ROWS // 4, ROWS))
    return rows, model.predict_proba(vectors.transform(rows))


def burst(number):
    """The rows whose scores are the least sure, a hundredth of them, stay for a while."""
    rows, scores = scored(number)
    unsure = scores.max(axis=1).argsort()[: len(rows) // 100]
    with lock:
        for line in unsure:
            cache[number, int(line)] = (rows[line], scores[line].copy())
        while len(cache) > CACHED:
            cache.popitem(last=False)
    return str(scores.shape)


def leak(number):
    LEAKED.append(scored(number))
    return str(len(LEAKED))


def both(number):
    return leak(number) if number % 2 else burst(number)


ROUTES = {"retention": burst, "leak": leak, "mixed": both}


@app.get("/<shape>/<int:number>")
def serve(shape, number):
    return Response(ROUTES[shape](number), mimetype="text/plain")
