"""Frames kept between the steps of a run, in the encrypted file."""

from __future__ import annotations

import re

import duckdb
import polars as pl

from pipelines.project import InputError
from pipelines.warehouse.database import Warehouse

NAME = re.compile("[a-z][a-z0-9_]{0,50}")


def save(warehouse: Warehouse, name: str, frame: pl.DataFrame) -> None:
    """Keep a frame under a name, in place of the one that had it."""
    with warehouse.transaction():
        keep(warehouse, name, frame)


def keep(warehouse: Warehouse, name: str, frame: pl.DataFrame) -> None:
    """The same as a part of a transaction that is under way."""
    with warehouse.registered(frame) as incoming:
        warehouse.connection.execute(f"create or replace table {_table(name)} as select * from {incoming}")


def load(warehouse: Warehouse, name: str) -> pl.DataFrame:
    """The frame kept under a name, its rows in the order they had. Raises InputError where there is none."""
    try:
        return warehouse.frame(f"select * from {_table(name)}")
    except duckdb.CatalogException:
        raise InputError(f"The warehouse has no {name} yet: run the earlier steps first.") from None


def _table(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("a frame's name is a lower-case word")
    return f"frame_{name}"
