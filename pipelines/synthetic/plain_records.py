"""Faults in whole records of canonical frames: lost, late, copied, split, merged, or under a wrong key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from pipelines.project import InputError
from pipelines.synthetic.faults import Planting
from pipelines.synthetic.plain_sides import PlainSides

OF_NOBODY = -1  # the course of a record that has no counterpart
COPIED = 0.7  # share of the slice that is registered twice, where the fault does not say


def lost(sides: PlainSides, planting: Planting) -> PlainSides:
    """unit_not_reporting, period_gap, submission_lost, population_too_narrow: the slice does not arrive."""
    return replace(sides, new=sides.new.filter(~planting.in_slice(sides.new)))


def boundary_off(sides: PlainSides, planting: Planting) -> PlainSides:
    """≥ against >: no course lies below the edge, and the new side does not hold the edge itself."""
    ((name, edge),) = planting.parameter("edge").items()
    below = pl.concat([frame.filter(pl.col(name) < edge)["course"] for frame in (sides.reported, sides.new)])
    above = ~pl.col("course").is_in(below.implode())
    at = (pl.col(name) == edge).fill_null(False)
    return replace(sides, reported=sides.reported.filter(above), new=sides.new.filter(above & ~at))


def late_arrival(sides: PlainSides, planting: Planting) -> PlainSides:
    """The younger, the less has arrived: nothing on the reference date, everything after `lag` days."""
    age = (pl.lit(planting.reference_date) - pl.col(planting.spec.event_date)).dt.total_days()
    arrived = pl.lit(pl.Series(planting.rng.random(len(sides.new)))) < age / planting.parameter("lag")
    return replace(sides, new=sides.new.filter(arrived | ~planting.in_slice(sides.new)))


def submission_twice(sides: PlainSides, planting: Planting) -> PlainSides:
    """The submission of the slice once more, under the number of the parameter `submission`."""
    name = planting.parameter("submission")
    again = sides.new.filter(planting.in_slice(sides.new))
    return _with_more(sides, again.with_columns(submission=pl.lit(name), source_file=pl.lit(f"{name}.json")), "D")


def duplicate_record(sides: PlainSides, planting: Planting) -> PlainSides:
    return _with_more(sides, _some(sides.new, planting, planting.parameter("share", COPIED)), "D")


def contact_split(sides: PlainSides, planting: Planting) -> PlainSides:
    """One course as `n` contacts, two days apart, the last on the day of the course."""
    again = sides.new.filter(planting.in_slice(sides.new))
    parts = [_moved(again, planting, -2 * part) for part in range(1, planting.parameter("n"))]
    for number, part in enumerate(parts):
        sides = _with_more(sides, part, f"S{number}")
    return sides


def contact_merged(sides: PlainSides, planting: Planting) -> PlainSides:
    """`n` forms on the reported side where the new one has a single contact."""
    again = sides.reported.filter(planting.in_slice(sides.reported))
    parts = [_moved(again, planting, -2 * part) for part in range(1, planting.parameter("n"))]
    ids = [pl.concat_str(pl.lit(f"M{number}"), pl.col("record_id")) for number in range(len(parts))]
    more = [part.with_columns(record_id=name) for part, name in zip(parts, ids, strict=True)]
    return replace(sides, reported=pl.concat([sides.reported, *more]))


def _moved(frame: pl.DataFrame, planting: Planting, days: int) -> pl.DataFrame:
    return frame.with_columns(pl.col(planting.spec.event_date) + pl.duration(days=days))


def population_too_wide(sides: PlainSides, planting: Planting) -> PlainSides:
    """New courses of other persons, with a code that no reported course has."""
    more = _strangers(sides, planting)
    name = planting.fault.variable
    return _with_more(sides, more.with_columns(pl.lit(planting.parameter("code")).alias(name)), "W")


def retracted_kept(sides: PlainSides, planting: Planting) -> PlainSides:
    return _with_more(sides, _strangers(sides, planting).with_columns(retracted=pl.lit(True)), "X")


def test_persons(sides: PlainSides, planting: Planting) -> PlainSides:
    more = _strangers(sides, planting)
    who = planting.rng.choice(list(planting.spec.test_persons), len(more))
    return _with_more(sides, more.with_columns(pl.Series("person", who.tolist(), dtype=pl.String)), "T")


def _strangers(sides: PlainSides, planting: Planting) -> pl.DataFrame:
    """Courses like some of the slice's, of persons whom nobody reported."""
    some = _some(sides.new, planting, planting.parameter("share", 0.5))
    return some.with_columns(person=pl.lit("Z") + pl.col("person").str.slice(1))


def unit_mapped_wrong(sides: PlainSides, planting: Planting) -> PlainSides:
    hit = planting.in_slice(sides.new) & (sides.new["unit"] == planting.parameter("from"))
    unit = pl.when(hit).then(pl.lit(planting.parameter("to"))).otherwise("unit")
    return replace(sides, new=sides.new.with_columns(unit=unit))


def person_id_damaged(sides: PlainSides, planting: Planting) -> PlainSides:
    person = pl.col("person")
    wrong = ((person.str.slice(8, 1).cast(pl.Int64, strict=False) + 1) % 10).cast(pl.String)
    eighth, ninth, last = (person.str.slice(at, 1) for at in (7, 8, 9))
    damaged = {
        "leading_zero_lost": pl.when(person.str.starts_with("0")).then(person.str.slice(1)).otherwise(person),
        "digit_wrong": person.str.slice(0, 8) + wrong + last,
        "digits_transposed": person.str.slice(0, 7) + ninth + eighth + last,
    }[planting.parameter("damage")]
    return _with_person(sides, planting, damaged)


def person_id_changed(sides: PlainSides, planting: Planting) -> PlainSides:
    """A regional replacement number (day of birth, a digit, two letters, a digit) until the real one is known."""
    rng, n = planting.rng, len(sides.new)
    letters = pl.Series(["".join(pair) for pair in rng.choice(list("ABCDEFGHKLMNPRSTUVXYZ"), (n, 2)).tolist()])
    digit = pl.Series(rng.integers(0, 10, n)).cast(pl.String)
    return _with_person(sides, planting, pl.col("person").str.slice(0, 6) + "5" + pl.lit(letters) + pl.lit(digit))


def _with_person(sides: PlainSides, planting: Planting, person: pl.Expr) -> PlainSides:
    hit = planting.in_slice(sides.new)
    return replace(sides, new=sides.new.with_columns(person=pl.when(hit).then(person).otherwise("person")))


def _some(frame: pl.DataFrame, planting: Planting, share: float) -> pl.DataFrame:
    """A random share of the slice's records."""
    return frame.filter(planting.in_slice(frame) & pl.Series(planting.rng.random(len(frame)) < share))


def _with_more(sides: PlainSides, more: pl.DataFrame, mark: str) -> PlainSides:
    """The new side with more records, of nobody, under ids of their own."""
    if more.is_empty():
        raise InputError("A fault changes nothing: its slice holds no such records.")
    mark = f"Z{mark}"  # behind all others, so that of two copies the later one is surplus
    named = more.with_columns(
        record_id=pl.lit(mark) + pl.col("record_id"), course=pl.lit(OF_NOBODY, more.schema["course"])
    )
    return replace(sides, new=pl.concat([sides.new, named]))


PLANTERS: dict[str, Callable[[PlainSides, Planting], PlainSides]] = {
    **dict.fromkeys(("unit_not_reporting", "period_gap", "submission_lost", "population_too_narrow"), lost),
    **{
        plant.__name__: plant
        for plant in (
            boundary_off, late_arrival, submission_twice, duplicate_record, contact_split, contact_merged,
            population_too_wide, retracted_kept, test_persons, unit_mapped_wrong, person_id_damaged,
            person_id_changed,
        )
    },
}  # fmt: skip
