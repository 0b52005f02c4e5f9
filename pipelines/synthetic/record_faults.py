"""Faults in whole records: not sent, sent twice, under another unit, under a damaged or a test person."""

from __future__ import annotations

import polars as pl

from pipelines.project import InputError
from pipelines.synthetic.entry_faults import chosen
from pipelines.synthetic.faults import Planting
from pipelines.synthetic.sides import submission_id


def not_sent(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """unit_not_reporting, period_gap, submission_lost, population_too_narrow: the slice is empty."""
    return frame.filter(~planting.records_in_slice(frame))


def submission_twice(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """A submission is sent again, under new record ids, as the last one of its region.

    `first` names the submission; the `submission` of the truth is the new one. Deleted records stay away.
    """
    first = planting.parameter("first")
    ids = frame.filter(submission=first, action="create")["record_id"]
    deleted = frame.filter(action="delete")["record_id"]
    again = (
        frame.filter(pl.col("record_id").is_in(ids.to_list()) & ~pl.col("record_id").is_in(deleted.to_list()))
        .unique("record_id", keep="last", maintain_order=True)
        .with_columns(action=pl.lit("create"))
    )
    if again.is_empty():
        raise InputError(f"The fault submission_twice names {first}, which is no submission with records.")
    region = again["region"][0]
    last = frame.filter(region=region).sort("sequence").row(-1, named=True)
    sequence = last["sequence"] + 1
    renumbered = again.with_columns(
        pl.lit(sequence, pl.Int64).alias("sequence"),
        submission=pl.lit(submission_id(planting.short_names[region], sequence)),
        sent=pl.lit(last["sent"]),
        schema_version=pl.lit(last["schema_version"]),
    )
    return pl.concat([frame, with_new_ids(frame, renumbered)])


def retracted_kept(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """What the source deleted stays: the delete messages of the slice are not sent."""
    return frame.filter(~(planting.in_slice(frame) & (pl.col("action") == "delete")))


def duplicate_record(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """`n` records of the slice registered once more, in the same submission under new ids."""
    again = frame.filter(pl.col("record_id").is_in(chosen(frame, planting)))
    return pl.concat([frame, with_new_ids(frame, again)])


def test_persons(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """Courses of the specification's test persons among the real ones: `n` copies of courses of the slice."""
    persons = planting.spec.test_persons
    if not persons:
        raise InputError(f"{planting.spec.database} has no test persons to plant.")
    models = frame.filter(pl.col("record_id").is_in(chosen(frame, planting)))
    who = planting.rng.permutation(persons)[: models.height].tolist()
    who += planting.rng.choice(persons, models.height - len(who)).tolist()
    tested = models.with_columns(pl.Series("person", who, dtype=pl.String), course=pl.lit(None, frame.schema["course"]))
    return pl.concat([frame, with_new_ids(frame, tested)])


def unit_mapped_wrong(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """Records of the unit `from` stand under the unit `to`."""
    hit = planting.in_slice(frame) & (frame["unit"] == planting.parameter("from"))
    return frame.with_columns(unit=pl.when(hit).then(pl.lit(planting.parameter("to"))).otherwise(pl.col("unit")))


def person_id_damaged(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """`damage`: leading_zero_lost (only numbers that begin with 0), digit_wrong or digits_transposed."""
    damaged, fits = _damage(planting.parameter("damage"))
    whole_slice = "n" not in planting.fault.parameters
    hit = planting.in_slice(frame) if whole_slice else pl.col("record_id").is_in(chosen(frame, planting, fits))
    return frame.with_columns(person=pl.when(hit & fits).then(damaged).otherwise(pl.col("person")))


def _damage(damage: str) -> tuple[pl.Expr, pl.Expr]:
    """The damaged person number, and which numbers can be damaged so."""
    person = pl.col("person")
    front, eighth, ninth, last = (person.str.slice(at, n) for at, n in ((0, 7), (7, 1), (8, 1), (9, 1)))
    wrong = ((ninth.cast(pl.Int64, strict=False) + 1) % 10).cast(pl.String)
    return {
        "leading_zero_lost": (person.str.tail(-1), person.str.starts_with("0")),
        "digit_wrong": (front + eighth + wrong + last, wrong.is_not_null()),
        "digits_transposed": (front + ninth + eighth + last, eighth != ninth),
    }[damage]


def with_new_ids(frame: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The records under ids that follow the highest one in the frame with the same prefix."""
    number = pl.col("record_id").str.extract(r"(\d+)$").cast(pl.Int64)
    prefix = pl.col("record_id").str.extract(r"^(.*?)\d+$")
    highest = frame.select(prefix.alias("prefix"), number.alias("number")).group_by("prefix").agg(pl.max("number"))
    after = dict(highest.iter_rows())
    ids = []
    for old in records.select(prefix).to_series():
        after[old] += 1
        ids.append(f"{old}{after[old]:06d}")
    return records.with_columns(pl.Series("record_id", ids, dtype=pl.String))
