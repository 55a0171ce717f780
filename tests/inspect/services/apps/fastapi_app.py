"""FastAPI: the function is no coroutine, so it runs in the pool of threads."""

import documents
import truth
from fastapi import FastAPI, Response

app = FastAPI()
truth.start()


@app.get("/{shape}/{number}")
def serve(shape: str, number: int):
    return Response(documents.ROUTES[shape](number), media_type="application/json")
