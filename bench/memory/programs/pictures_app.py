"""Pillow behind Flask: thumbnails of photographs."""

import io
import random

from flask import Flask, Response
from PIL import Image

from kept import SMALL, chance_of, keep

# Photographs of 2 to 12 megapixels; those of a small service are icons and avatars.
SIZES = [(160, 120), (320, 240), (480, 360)] if SMALL else [(1600, 1200), (2400, 1800), (4000, 3000)]
app = Flask(__name__)


def _photograph(size):
    """Large patches with noise, as a camera's."""
    chance = random.Random(size[0])
    rough = Image.frombytes("RGB", (40, 30), chance.randbytes(40 * 30 * 3)).resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    rough.save(file, "JPEG", quality=90)
    return file.getvalue()


photographs = [_photograph(size) for size in SIZES]


def _thumbnail(bytes_of, size):
    with Image.open(io.BytesIO(bytes_of)) as picture:
        picture = picture.convert("RGB").rotate(90, expand=True)
        picture.thumbnail((size, size))
        file = io.BytesIO()
        picture.save(file, "PNG")
    return file.getvalue()


@app.get("/heavy/<int:number>")
def heavy(number):
    chance = chance_of(number)
    made = _thumbnail(chance.choice(photographs), chance.randrange(60, 120) if SMALL else chance.randrange(200, 800))
    keep(number, made[:200])
    return Response(made, mimetype="image/png")


@app.get("/light/<int:number>")
def light(number):
    return Response(photographs[0][:1000], mimetype="image/jpeg")
