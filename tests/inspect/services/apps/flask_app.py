"""Flask, under gunicorn with threads."""

import documents
import truth
from flask import Flask, Response

app = Flask(__name__)
truth.start()


@app.get("/<shape>/<int:number>")
def serve(shape, number):
    return Response(documents.ROUTES[shape](number), mimetype="application/json")
