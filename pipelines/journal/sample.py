"""What is asked of the patient record: a simple random sample of each stratum, without replacement.

Strata of values, for each variable: *agree* and *differ* (one side without a value too). Strata of records: *pair*,
*only_reported*, *only_new*. What is drawn depends on the rows, the key and the seed, never on the order of rows.
Rows hold persons: in memory only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.project import InputError
from pipelines.reconciliation.compare import DISCREPANT
from pipelines.reconciliation.discrepancies import shown
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.reconciliation.shape import SIDES
from pipelines.warehouse.key import derived

AGREE = ("agree", "agree_within")
STRATA_OF_VALUES = ("agree", "differ")
STRATA_OF_RECORDS = ("pair", "only_reported", "only_new")
# What is kept of a drawn row: no person and no value.
KEPT = {
    "row_id": pl.String, "region": pl.String, "variable": pl.String, "stratum": pl.String, "population": pl.Int64,
    "a_side": pl.String,
}  # fmt: skip
PLACES = ("record_id", "person", "unit", "region", "event_date")
ASKED = {**KEPT, "a": pl.String, "b": pl.String} | {
    f"{name}_{side}": pl.Date if name == "event_date" else pl.String for side in SIDES for name in PLACES
}


@dataclass(frozen=True)
class Lots:
    """What decides by lot: the same key, audit and stratum give the same lots."""

    key: bytes
    audit: str

    def of(self, *stratum: str) -> np.random.Generator:
        return np.random.default_rng(int.from_bytes(derived(self.key, "journal audit", self.audit, *stratum)))

    def row_id(self, *of: str) -> str:
        """The name of a row, which tells nothing of its side, stratum or record ids."""
        return derived(self.key, "journal audit row", self.audit, *of).hex()[:12]


def draw(found: Reconciliation, lots: Lots, variables: list[str], values: int, records: int) -> pl.DataFrame:
    """The drawn rows (columns ASKED): at most `values` of each variable's strata, `records` of those of records.

    `population` is the size of the row's stratum. Only what lies within one region can be asked about, since a
    region may not see another's record. Raises InputError where nothing can be asked.
    """
    pairs = _pairs(found)
    parts = [*_drawn_values(found, pairs, lots, variables, values), *_drawn_records(found, pairs, lots, records)]
    rows = pl.concat([pl.DataFrame(schema=ASKED), *(part.select(list(ASKED)) for part in parts)])
    if rows.is_empty():
        raise InputError("There is nothing to hold against the journal: no pair or record lies within one region.")
    return rows.sort("row_id")


def _drawn_values(
    found: Reconciliation, pairs: pl.DataFrame, lots: Lots, variables: Iterable[str], size: int
) -> Iterator[pl.DataFrame]:
    order = found.index.order()
    rows = {side: found.index.rows(side)[order] for side in SIDES}
    for name in variables:
        cells = found.pair_values(name, rows)
        said = pl.when(pl.col(f"{name}_outcome").is_in(AGREE)).then(pl.lit("agree"))
        said = said.when(pl.col(f"{name}_outcome").is_in(DISCREPANT)).then(pl.lit("differ"))
        texts = {side: shown(name, found.spec.variables[name], side) for side in SIDES}
        frame = pairs.with_columns(cells.select(stratum=said, **texts)).filter(pl.col("region").is_not_null())
        for stratum in STRATA_OF_VALUES:
            drawn = _drawn(frame.filter(stratum=stratum), lots.of(name, stratum), size)
            yield _blinded(drawn.with_columns(variable=pl.lit(name)), lots, lots.of(name, stratum, "order"))


def _drawn_records(found: Reconciliation, pairs: pl.DataFrame, lots: Lots, size: int) -> Iterator[pl.DataFrame]:
    alone = {f"only_{side}": _alone(found, side) for side in SIDES}
    for stratum, frame in ({"pair": pairs} | alone).items():
        told = frame.with_columns(stratum=pl.lit(stratum), variable=pl.lit(None, pl.String))
        drawn = _drawn(told.filter(pl.col("region").is_not_null()), lots.of("records", stratum), size)
        nothing = {name: pl.lit(None, kind) for name, kind in ASKED.items() if name not in drawn.columns}
        yield _named(drawn.with_columns(**nothing), lots)


def _drawn(frame: pl.DataFrame, lots: np.random.Generator, size: int) -> pl.DataFrame:
    """A simple random sample; the frame is in the order of its ids."""
    chosen = lots.choice(frame.height, size=min(size, frame.height), replace=False)
    return frame.select(pl.all().gather(np.sort(chosen))).with_columns(population=pl.lit(frame.height, pl.Int64))


def _blinded(drawn: pl.DataFrame, lots: Lots, coin: np.random.Generator) -> pl.DataFrame:
    """Each row's two values as A and B; the coin decides which side is A."""
    a_side = pl.Series("a_side", np.where(coin.random(drawn.height) < 0.5, *SIDES), pl.String)
    reported_first = pl.col("a_side") == "reported"
    a = pl.when(reported_first).then("reported").otherwise("new")
    b = pl.when(reported_first).then("new").otherwise("reported")
    return _named(drawn.with_columns(a_side).with_columns(a=a, b=b), lots)


def _named(drawn: pl.DataFrame, lots: Lots) -> pl.DataFrame:
    ids = drawn.select("variable", *(f"record_id_{side}" for side in SIDES)).rows()
    names = [lots.row_id(variable or "", *sorted(one or "" for one in both)) for variable, *both in ids]
    return drawn.with_columns(pl.Series("row_id", names, pl.String))


def _pairs(found: Reconciliation) -> pl.DataFrame:
    """Both records of each pair, by pair_id; `region` is null where the pair is of two regions or of none."""
    order = found.index.order()
    sides = [_places(found, side, found.index.rows(side)[order]) for side in SIDES]
    both = pl.concat(sides, how="horizontal")
    same = pl.col("region_reported") == pl.col("region_new")
    return both.with_columns(region=pl.when(same).then("region_new"))


def _alone(found: Reconciliation, side: str) -> pl.DataFrame:
    rows = found.alone.filter(~pl.col("surplus"), side=side).sort("record_id")["row"].to_numpy()
    return _places(found, side, rows).with_columns(region=pl.col(f"region_{side}"))


def _places(found: Reconciliation, side: str, rows: np.ndarray) -> pl.DataFrame:
    read = found.sides[side].read(["record_id", "person", "unit", "region", found.spec.event_date], rows)
    dated = read.rename({found.spec.event_date: "event_date"}).cast({"event_date": pl.Date})
    return dated.rename(lambda name: f"{name}_{side}")
