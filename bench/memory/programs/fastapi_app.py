"""FastAPI: the reports by HTTP. The functions are no coroutines, so they run in its pool of threads."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse

import shop

app = FastAPI()


@app.get("/heavy/{number}")
def heavy(number: int):
    return JSONResponse(shop.report(number))


@app.get("/light/{number}")
def light(number: int):
    return JSONResponse(shop.one(number))
