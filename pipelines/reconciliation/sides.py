"""The records of the two sides: what became of each, and the pairs laid side by side."""

from __future__ import annotations

import datetime as dt

import polars as pl

from pipelines.reconciliation.conditions import flags
from pipelines.reconciliation.discrepancies import hashed
from pipelines.reconciliation.match import days_between
from pipelines.reconciliation.rollup import period
from pipelines.reconciliation.scope import comparable
from pipelines.spec.model import DatabaseSpec

OTHER = {"reported": "new", "new": "reported"}


def with_status(
    spec: DatabaseSpec, frames: dict[str, pl.DataFrame], pairs: pl.DataFrame, day: dt.date
) -> dict[str, pl.DataFrame]:
    """Each side's records with `_row`, `_partner`, `_rule`, `_side`, `_period`, `_status` and `_reason`.

    The underscore keeps them apart from variables, whose names begin with a letter.

    status: pair (both records comparable), unmatched, surplus (a copy of another record of the same side)
    or not_comparable. Every record has exactly one.
    """
    marked = {side: _with_partner(spec, side, frames, pairs, day) for side in frames}
    persons = {side: frame["person"].drop_nulls().unique() for side, frame in marked.items()}
    return {side: _with_reason(spec, frame, persons[OTHER[side]]) for side, frame in marked.items()}


def _with_partner(spec, side, frames, pairs, day) -> pl.DataFrame:
    partners = frames[OTHER[side]].select(_partner_inside=comparable(spec, day)).with_row_index("_partner")
    inside = comparable(spec, day) & pl.col("_partner_inside").fill_null(True)
    alone = pl.col("_partner").is_null()
    return (
        frames[side]
        .with_row_index("_row")
        .join(pairs.rename({side: "_row", OTHER[side]: "_partner", "rule": "_rule"}), on="_row", how="left")
        .join(partners, on="_partner", how="left")
        .sort("_row")
        .with_columns(
            _period=period(spec.event_date),
            _side=pl.lit(side),
            _status=pl.when(~inside).then(pl.lit("not_comparable"))
            .when(alone).then(pl.lit("unmatched"))
            .otherwise(pl.lit("pair")),
        )
        .drop("_partner_inside")
    )  # fmt: skip


def _with_reason(spec: DatabaseSpec, frame: pl.DataFrame, persons_elsewhere: pl.Series) -> pl.DataFrame:
    """Surplus copies found, and the reason of what is unmatched: a copy, registered elsewhere, or unknown.

    A copy has the keys of the first match rule and every value of a record that is kept; copies in another
    submission mean that it was sent or loaded twice.
    """
    content = copied_columns(spec)
    in_play = pl.col("_status") != "not_comparable"
    kept_before = (pl.col("_status") == "pair").any().over(content) | (in_play.cum_sum().over(content) > 1)
    is_copy = (pl.col("_status") == "unmatched") & kept_before & pl.col("person").is_not_null()
    sent_twice = pl.col("submission").drop_nulls().n_unique().over(content) > 1
    return frame.with_columns(
        _status=pl.when(is_copy).then(pl.lit("surplus")).otherwise("_status"),
        _reason=pl.when(is_copy & sent_twice).then(pl.lit("submission_twice"))
        .when(is_copy).then(pl.lit("duplicate_record"))
        .when(pl.col("person").is_in(persons_elsewhere.implode())).then(pl.lit("registered_elsewhere"))
        .otherwise(pl.lit("unknown")),
    )  # fmt: skip


def copied_columns(spec: DatabaseSpec) -> list[str]:
    """What a copy has in common with the record it is a copy of: the keys of the first match rule, every value."""
    first = spec.match[0]
    values = [column for name in spec.variables for column in (name, f"{name}_missing")]
    return list(dict.fromkeys([*first.on, *first.within, spec.event_date, *values]))


def unmatched(records: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """unmatched.parquet, with `surplus` true for copies: side, record_id, region, unit, period, reason."""
    rows = pl.concat(
        frame.filter(pl.col("_status").is_in(["unmatched", "surplus"])).select(
            side="_side",
            record_id="record_id",
            region="region",
            unit="unit",
            period="_period",
            reason="_reason",
            surplus=pl.col("_status") == "surplus",
        )
        for frame in records.values()
    )
    return rows.sort("side", "record_id")


def side_by_side(spec: DatabaseSpec, records: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per comparable pair: `v_reported`, `v_new`, missing codes; place and attributes are the new record's."""
    sides = {side: _suffixed(spec, frame.filter(_status="pair"), side) for side, frame in records.items()}
    attributes = records["new"].select("_row", "region", "unit", *spec.attributes, period="_period")
    joined = (
        sides["reported"]
        .join(sides["new"], left_on="_partner_reported", right_on="_row_new")
        .join(attributes, left_on="_partner_reported", right_on="_row")
        .with_columns(_relevant(spec))
        .with_columns(
            reported_id=pl.col("record_id_reported"),
            new_id=pl.col("record_id_new"),
            rule=pl.col("_rule_reported"),
            date_offset_days=days_between(pl.col(f"{spec.event_date}_reported"), pl.col(f"{spec.event_date}_new")).cast(
                pl.Int64
            ),
        )
    )
    pair_ids = hashed(spec.database, joined["reported_id"], joined["new_id"])
    return joined.with_columns(pair_id=pl.Series(pair_ids, dtype=pl.String)).sort("pair_id")


def _suffixed(spec: DatabaseSpec, frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """The columns of one side, each with the side's name behind its own."""
    values = dict.fromkeys([spec.event_date, *(c for name in spec.variables for c in (name, f"{name}_missing"))])
    keys = ["_row", "_partner", "_rule", "record_id", "person", "unit", "region"]
    said = flags(spec, frame, {f"{name}_relevant": v.only_if for name, v in _conditional(spec).items()})
    return pl.concat([frame.select(*keys, *values), said], how="horizontal").rename(lambda name: f"{name}_{side}")


def _conditional(spec: DatabaseSpec) -> dict:
    return {name: variable for name, variable in spec.compared.items() if variable.only_if}


def _relevant(spec: DatabaseSpec) -> list[pl.Expr]:
    """A variable with `only_if` is relevant where the condition holds on either side."""
    return [
        (pl.col(f"{name}_relevant_reported").fill_null(False) | pl.col(f"{name}_relevant_new").fill_null(False)).alias(
            f"{name}_relevant"
        )
        for name in _conditional(spec)
    ]
