"""Flask and SQLAlchemy: reports of thousands of orders, of which a few notes stay in a cache."""

import collections
import itertools
import random

from flask import Flask, jsonify
from sqlalchemy import Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ORDERS = 8_000
engine = create_engine("sqlite:///orders.db", pool_size=16)
app = Flask(__name__)
numbers = itertools.count()
cache = collections.OrderedDict()


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)


@app.get("/")
def report():
    number = next(numbers)
    chance = random.Random(number)
    count = int(500 * 2 ** chance.uniform(0, 4))
    first = chance.randrange(ORDERS - count)
    with Session(engine) as session:
        found = session.scalars(select(Order).where(Order.id >= first).limit(count)).all()
        rows = [{"id": order.id, "customer": order.customer, "note": order.note} for order in found]
    cache[number] = [row["note"] for row in rows[::200]]
    while len(cache) > 100:
        cache.popitem(last=False)
    return jsonify(rows)


def fill():
    chance = random.Random(1)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number in range(ORDERS):
            note = chance.randbytes(int(50 * 2 ** chance.uniform(0, 6))).hex()
            session.add(Order(id=number, customer=f"customer {number % 500}", note=note))
        session.commit()


if __name__ == "__main__":
    fill()
