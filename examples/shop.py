"""A shop with 200,000 orders in SQLite, and its API: run it, then open the address it prints."""

import argparse
import os
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Mapped, joinedload, relationship

from sqla_pages import (
    AsyncCursorPaginateSignature,
    AsyncCursorPagination,
    AsyncPaginateSignature,
    AsyncPagination,
    CursorPage,
    CursorPaginate,
    Item,
    Page,
    Paginate,
)
from sqla_session import Base, Session, setup

app = FastAPI(title="Shop")
setup(app)


class Customer(Base):
    __tablename__ = "customer"


class Order(Base):
    __tablename__ = "order"
    customer: Mapped[Customer] = relationship()


def orders_with_customers() -> Select[tuple[Order]]:
    return select(Order).options(joinedload(Order.customer))


class CustomerModel(BaseModel):
    id: int
    name: str
    city: str


class NewCustomer(BaseModel):
    name: str
    city: str


class OrderModel(BaseModel):
    id: int
    placed_at: datetime
    cents: int
    customer: CustomerModel


class CityModel(BaseModel):
    city: str
    orders: int
    cents: int


@app.get("/customers", response_model=Page[CustomerModel])
def list_customers(paginate: Paginate, city: str | None = None):
    """Customers by name. Many share one: the primary key is added to the order for you."""
    statement = select(Customer).order_by(Customer.name)
    return paginate(statement.where(Customer.city == city) if city else statement)


@app.get("/customers/{customer_id}", response_model=Item[CustomerModel])
def get_customer(customer_id: int, session: Session):
    """One customer."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise HTTPException(404)
    return {"data": customer}


@app.post("/customers", response_model=Item[CustomerModel], status_code=201)
def create_customer(new: NewCustomer, session: Session):
    """Add a customer. It is committed before the answer leaves."""
    customer = Customer(**new.model_dump())
    session.add(customer)
    session.flush()
    return {"data": customer}


@app.get("/orders", response_model=Page[OrderModel])
def list_orders(paginate: Paginate):
    """Orders, newest first, each with its customer."""
    return paginate(orders_with_customers().order_by(Order.placed_at.desc()))


@app.get("/orders/feed", response_model=CursorPage[OrderModel])
def feed_orders(paginate: CursorPaginate):
    """The same by cursor: a page costs the same at any depth, and new orders shift none."""
    return paginate(orders_with_customers().order_by(Order.placed_at.desc()))


LargestOrders = Annotated[
    AsyncCursorPaginateSignature,
    Depends(AsyncCursorPagination(session_key="report", min_page_size=5)),
]


@app.get("/orders/largest", response_model=CursorPage[OrderModel])
async def feed_largest_orders(paginate: LargestOrders):
    """The largest orders first, by cursor, on an asyncio session of its own key."""
    return await paginate(orders_with_customers().order_by(Order.cents.desc()))


ReportPages = Annotated[
    AsyncPaginateSignature, Depends(AsyncPagination(session_key="report", min_page_size=5))
]


@app.get("/cities", response_model=Page[CityModel])
async def list_cities(paginate: ReportPages):
    """What each city spent: a GROUP BY, paged on an asyncio session of its own key."""
    spent = func.sum(Order.cents).label("cents")
    statement = (
        select(Customer.city, func.count().label("orders"), spent)
        .join_from(Order, Order.customer)
        .group_by(Customer.city)
        .order_by(spent.desc())
    )
    return await paginate(statement, scalars=False)


# From here on: making the database, and serving.

SCHEMA = """
CREATE TABLE customer (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, city TEXT NOT NULL
);
CREATE TABLE "order" (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    placed_at TIMESTAMP NOT NULL,
    cents INTEGER NOT NULL
);
CREATE INDEX customer_name ON customer (name, id);
CREATE INDEX order_placed_at ON "order" (placed_at, id);
CREATE INDEX order_cents ON "order" (cents, id);
"""
FIRST_NAMES = "Ada Alan Barbara Dennis Edsger Frances Grace Hedy John Katherine Ken Niklaus".split()
LAST_NAMES = "Allen Dijkstra Hopper Johnson Knuth Lamarr Liskov Lovelace Ritchie Turing".split()
CITIES = "Accra Bergen Cork Delft Esbjerg Faro Ghent Hobart Izmir Jena Kyoto Lima Malmö".split()
STEP = 10_000


def make_database(path: Path, orders: int) -> None:
    """Fill a new database, the same one every time."""
    dice = random.Random(1)
    started = time.perf_counter()
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    connection = sqlite3.connect(unfinished)
    connection.executescript(SCHEMA)
    customers = max(1, orders // 10)
    connection.executemany(
        "INSERT INTO customer (name, city) VALUES (?, ?)",
        (
            (f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}", dice.choice(CITIES))
            for _ in range(customers)
        ),
    )
    for done in range(0, orders, STEP):
        some = _orders(dice, min(STEP, orders - done), customers)
        connection.executemany(
            'INSERT INTO "order" (customer_id, placed_at, cents) VALUES (?, ?, ?)', some
        )
        _show_progress(min(done + STEP, orders), orders)
    connection.commit()
    connection.close()
    unfinished.rename(path)
    print(f" in {time.perf_counter() - started:.1f} s")


def _orders(dice: random.Random, number: int, customers: int) -> Iterator[tuple[int, str, int]]:
    opened = datetime(2020, 1, 1)
    for _ in range(number):
        # By the minute, so that many orders share one.
        placed_at = opened + timedelta(minutes=dice.randrange(100_000))
        cents = round(dice.lognormvariate(8, 1))
        yield dice.randint(1, customers), placed_at.isoformat(" ", "microseconds"), cents


def _show_progress(done: int, total: int) -> None:
    bar = "#" * (30 * done // total)
    print(f"\rmaking the database [{bar:<30}] {done:,} orders", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, default=Path("shop.sqlite"))
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    if not options.database.exists():
        make_database(options.database, options.orders)

    os.environ["sqlalchemy_url"] = f"sqlite:///{options.database}"
    os.environ["fastapi_sqla__report__sqlalchemy_url"] = f"sqlite+aiosqlite:///{options.database}"
    address = f"http://127.0.0.1:{options.port}"
    print(f"Open {address}/docs in a browser, or try:")
    print(f"  curl '{address}/orders?offset=1000&limit=3'")
    print(f"  curl '{address}/orders/feed?limit=3'  # and on, by &cursor= and its next_cursor")
    print(f"  curl '{address}/customers?city=Lima'")
    print(f"  curl '{address}/cities'")
    sys.stdout.flush()
    uvicorn.run(app, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
