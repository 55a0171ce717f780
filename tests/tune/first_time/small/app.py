"""A small service: a page of some rows, nothing kept."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def orders():
    return jsonify([{"id": number, "customer": f"customer {number % 7}"} for number in range(40)])
