"""Flask: the reports by HTTP."""

from flask import Flask, jsonify

import shop

app = Flask(__name__)


@app.get("/heavy/<int:number>")
def heavy(number):
    return jsonify(shop.report(number))


@app.get("/light/<int:number>")
def light(number):
    return jsonify(shop.one(number))
