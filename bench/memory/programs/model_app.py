"""A model behind FastAPI: scikit-learn classifies the rows of a request, each with its odds."""

import numpy
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sklearn.ensemble import RandomForestClassifier

from kept import chance_of, keep, rows

FEATURES = 20
app = FastAPI()


def _model():
    chance = numpy.random.default_rng(1)
    samples = chance.random((4000, FEATURES))
    return RandomForestClassifier(n_estimators=60, random_state=1, n_jobs=1).fit(samples, (samples.sum(axis=1) * 3).astype(int) % 5)


model = _model()


@app.get("/heavy/{number}")
def heavy(number: int):
    samples = numpy.random.default_rng(number).random((rows(chance_of(number)), FEATURES))
    odds = model.predict_proba(samples)
    answer = [{"row": row, "odds": dict(zip("abcde", values)), "input": sample} for row, (values, sample) in enumerate(zip(odds.tolist(), samples.tolist()))]
    keep(number, answer[0])
    return JSONResponse(answer)


@app.get("/light/{number}")
def light(number: int):
    samples = numpy.random.default_rng(number).random((1, FEATURES))
    return JSONResponse(model.predict_proba(samples).tolist())
