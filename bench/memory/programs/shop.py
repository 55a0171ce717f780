"""The application behind all servers: orders in a database, reports that are built of thousands of them.

What a report needs is given back when it is sent; a few small parts stay in a cache, as in most applications.
"""

import collections
import ctypes
import os
import random
import threading
import time

from sqlalchemy import Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ORDERS = 16_000
KEPT = 400
DATABASE = os.environ["BENCH_DATABASE"]
engine = create_engine(f"sqlite:///{DATABASE}", pool_size=40, max_overflow=0)
cache = collections.OrderedDict()
lock = threading.Lock()


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    cents: Mapped[int]


def fill():
    """Makes the database; the same one every time."""
    chance = random.Random(1)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number in range(ORDERS):
            # Notes of 100 bytes to 6 kB, most of them short.
            note = chance.randbytes(int(50 * 2 ** chance.uniform(0, 6))).hex()
            session.add(Order(id=number, customer=f"customer {number % 500}", note=note, cents=chance.randrange(100_000)))
        session.commit()


def report(number):
    """Most reports are of some hundred orders, some are of ten thousand: the request's number decides."""
    chance = random.Random(number)
    count = int(200 * 2 ** chance.uniform(0, 6))
    first = chance.randrange(ORDERS - count)
    with Session(engine) as session:
        orders = session.scalars(select(Order).where(Order.id >= first).limit(count)).all()
        rows = [{"id": order.id, "customer": order.customer, "note": order.note, "cents": order.cents} for order in orders]
    keep(number, [row["note"] for row in rows[::200]])
    return {"orders": rows, "cents": sum(row["cents"] for row in rows)}


def one(number):
    """One order: what light traffic asks for."""
    with Session(engine) as session:
        order = session.get(Order, number % ORDERS)
        return {"id": order.id, "customer": order.customer, "cents": order.cents}


def keep(number, parts):
    with lock:
        cache[number] = parts
        while len(cache) > KEPT:
            cache.popitem(last=False)


def trim_from_time_to_time():
    """For the candidate that gives memory back by hand."""
    seconds = float(os.environ.get("BENCH_TRIM", "0"))
    if seconds:
        threading.Thread(target=_trim, args=(seconds,), daemon=True).start()


def _trim(seconds):
    trim = ctypes.CDLL(None).malloc_trim
    while True:
        time.sleep(seconds)
        trim(0)


# A connection must not be shared with a child.
os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
os.register_at_fork(after_in_child=trim_from_time_to_time)
trim_from_time_to_time()

if __name__ == "__main__":
    fill()
