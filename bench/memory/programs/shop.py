"""The application behind all servers: orders in a database, reports that are built of thousands of them.

What a report needs is given back when it is sent; a few small parts stay in a cache.
"""

import os
import random

from kept import chance_of, keep, rows as rows_of
from sqlalchemy import Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ORDERS = 16_000
DATABASE = os.environ["BENCH_DATABASE"]
engine = create_engine(f"sqlite:///{DATABASE}", pool_size=40, max_overflow=0)


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
    """Orders in a row, as many as the request's number decides."""
    chance = chance_of(number)
    count = rows_of(chance)
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


# A connection must not be shared with a child.
os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))

if __name__ == "__main__":
    fill()
