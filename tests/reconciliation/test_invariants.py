"""What must hold whatever the data: nothing is lost, nothing counts twice, order and side do not matter."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from small_sides import side, small_spec

from pipelines.reconciliation import cells
from pipelines.reconciliation.agreement import COUNTS, agreement
from pipelines.reconciliation.compare import OUTCOMES
from pipelines.reconciliation.coverage import counted_by_place, coverage
from pipelines.reconciliation.reconcile import Reconciliation, from_frames, reconcile

DAY = dt.date(2026, 12, 31)
SPEC = small_spec(
    {
        "weight": {"type": "decimal", "compare": {"absolute": 0.5}, "missing": {"unknown": "Uoplyst"}},
        "seen": {"type": "yes_no"},
        "nyha": {"type": "code", "values": {"1": "I", "2": "II", "3": "III"}, "ordinal": True},
        "diagnosis": {"type": "sks"},
        "echo_day": {"type": "date", "only_if": "seen = 'yes'"},
    },
    indicators={"seen": {"denominator": "true", "numerator": "seen = 'yes'", "unknown": "seen is missing"}},
    changeover={"nord": {"new_from": "2026-02-01", "kip_until": "2026-11-30"}},
    settling_days=20,
)
UNITS = {"u1": "nord", "u2": "nord", "u3": "syd", "u4": None}


def reported_rows(n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for number in range(n):
        unit = str(rng.choice(list(UNITS)))
        day = dt.date(2026, 1, 1) + dt.timedelta(days=int(rng.integers(0, 360)))
        rows.append(
            {
                "record_id": f"R{number:04d}", "person": f"p{int(rng.integers(0, n // 2))}", "unit": unit,
                "region": UNITS[unit], "day": day, "weight": float(rng.integers(400, 1200)) / 10,
                "seen": str(rng.choice(["yes", "no"])), "nyha": str(rng.integers(1, 4)),
                "diagnosis": str(rng.choice(["DI500", "DI501", "DI420"])),
                "echo_day": day + dt.timedelta(days=int(rng.integers(-9, 9))),
            }
        )  # fmt: skip
    return rows


def changed(row: dict[str, Any], number: int, rng: np.random.Generator) -> dict[str, Any]:
    """A new record of a reported one, now and then with something else in it."""
    new = row | {"record_id": f"N{number:04d}", "submission": f"S{number % 3}"}
    if rng.random() < 0.1:
        new["day"] += dt.timedelta(days=int(rng.integers(-4, 5)))
    if rng.random() < 0.1:
        new["unit"] = str(rng.choice(["u1", "u2", "u3"]))
        new["region"] = UNITS[new["unit"]]
    if rng.random() < 0.2:
        new |= {"weight": None, "weight_missing": str(rng.choice(["unknown", "not_done"]))}
    if rng.random() < 0.2:
        new |= {"nyha": str(rng.integers(1, 4)), "seen": "yes", "diagnosis": "DI509"}
    return new


@pytest.fixture(scope="module")
def sides() -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(20)
    reported = reported_rows(240, rng)
    new = [changed(row, number, rng) for number, row in enumerate(reported) if rng.random() < 0.9]
    typed_twice = [row | {"record_id": f"T{number}"} for number, row in enumerate(reported[:20])]
    sent_twice = [row | {"record_id": f"U{number}"} for number, row in enumerate(new[100:120])]
    return {"reported": side(SPEC, [*reported, *typed_twice]), "new": side(SPEC, [*new, *sent_twice])}


TOLD = (
    "pairs", "unmatched", "coverage", "agreement", "figures", "transitions", "offsets", "indicators",
    "discrepancies", "not_comparable", "compared",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(sides) -> Reconciliation:
    return reconcile(SPEC, sides["reported"], sides["new"], DAY)


def test_the_data_have_everything_that_is_asked_about(found):
    counts = found.counts()
    assert min(counts.values()) > 0, counts
    assert set(found.discrepancies["kind"]) >= {"differ", "new_missing", "key_differs", "only_reported", "surplus"}


def test_a_side_held_against_itself_agrees_in_everything(sides):
    mine = sides["reported"]
    # Twins (the same person, unit and day) are paired by id, so each record with itself.
    found = reconcile(SPEC, mine, mine, DAY)
    assert found.pairs["reported_id"].equals(found.pairs["new_id"])
    assert found.discrepancies.is_empty() and found.unmatched.is_empty()
    assert set(found.agreement["share"].drop_nulls()) == {1.0}
    assert set(found.figures.filter(figure="kappa")["value"].drop_nulls()) == {1.0}
    assert set(found.figures.filter(figure="mean_difference")["value"].drop_nulls()) == {0.0}
    assert found.coverage["overlap"].drop_nulls().eq(1).all()


def test_every_record_has_exactly_one_fate(sides, found):
    for name, frame in sides.items():
        fates = found.records.filter(_side=name)
        assert sorted(fates["record_id"]) == sorted(frame["record_id"])
        by = {status: set(part["record_id"]) for (status,), part in fates.group_by("_status")}
        assert by["pair"] == set(found.pairs[f"{name}_id"])
        assert by["unmatched"] | by["surplus"] == set(found.unmatched.filter(side=name)["record_id"])
        assert by["not_comparable"] == set(found.not_comparable.filter(side=name)["record_id"])
    for name in ("reported_id", "new_id"):
        assert found.pairs[name].n_unique() == len(found.pairs)


def test_the_order_of_rows_and_columns_changes_not_one_byte(sides, found, tmp_path):
    rng = np.random.default_rng(1)
    mixed = [
        frame[rng.permutation(len(frame))].select(rng.permutation(frame.columns).tolist()) for frame in sides.values()
    ]
    again = reconcile(SPEC, *mixed, DAY)
    for name in TOLD:
        one, other = (getattr(result, name) for result in (found, again))
        assert_frame_equal(one, other)
        one.write_parquet(tmp_path / "one.parquet"), other.write_parquet(tmp_path / "other.parquet")
        assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes(), name


def test_whether_values_are_compared_by_number_or_one_by_one_changes_nothing(sides, monkeypatch):
    told, rounded = [], [frame.with_columns((pl.col("weight") / 20).round() * 20) for frame in sides.values()]
    rounded[1] = rounded[1].with_columns(pl.col("weight") + (pl.int_range(pl.len()) % 5 == 0) * 40.0)
    for repeats in (True, False):
        monkeypatch.setattr(cells, "repeats", lambda column, said=repeats: said)
        told.append(reconcile(SPEC, *rounded, DAY))
    for name in (*TOLD, "control_charts", "signals"):
        assert_frame_equal(*(getattr(found, name) for found in told), check_exact=True)


def test_exchanging_the_sides_turns_signs_and_keeps_what_is_symmetric(sides, found):
    swapped = reconcile(SPEC, sides["new"], sides["reported"], DAY)
    # Offsets and ids decide ties in the order of the sides, so the pairs must be the same to compare figures.
    mirrored = {(b, a) for a, b in swapped.pairs.select("reported_id", "new_id").rows()}
    assert mirrored == set(found.pairs.select("reported_id", "new_id").rows())
    here, there = (
        {
            (r["variable"], r["figure"], r["level"]): r["value"]
            for r in rows.figures.iter_rows(named=True)
            if r["region"] is None
        }
        for rows in (found, swapped)
    )
    for key in [key for key in here if key[1] in ("kappa", "weighted_kappa", "pabak", "ccc", "prevalence_index")]:
        assert here[key] == pytest.approx(there[key]), key
    for key in [key for key in here if key[1] in ("mean_difference", "bias_index")]:
        assert here[key] == pytest.approx(-there[key]), key
    assert here["seen", "sensitivity", None] == pytest.approx(there["seen", "ppv", None])
    assert here["weight", "loa_low", None] == pytest.approx(-there["weight", "loa_high", None])


@pytest.mark.parametrize("by", [["period"], []])
@pytest.mark.parametrize("table", ["agreement", "coverage"])
def test_units_add_up_to_their_region_and_regions_to_the_country(found, table, by):
    frame = getattr(found, table)
    counts = [name for name in frame.columns if frame.schema[name] == pl.Int64]
    of = [*by, *(name for name in ("variable", "level") if name in frame.columns)]
    frame = frame.filter(pl.col("period").is_not_null() if by else pl.col("period").is_null())
    units, regions, country = (
        frame.filter(pl.col("region").is_not_null() == region, pl.col("unit").is_not_null() == unit)
        for region, unit in ((True, True), (True, False), (False, False))
    )
    assert_frame_equal(summed(units, [*of, "region"], counts), summed(regions, [*of, "region"], counts))
    # Unit u4 has no region: it counts in the country alone.
    of_regions = pl.concat([regions, homeless(found, table, by)], how="diagonal")
    assert_frame_equal(summed(country, of, counts), summed(of_regions, of, counts))


def homeless(found: Reconciliation, table: str, by: list[str]) -> pl.DataFrame:
    """The same counts of unit u4 alone, which has no region and counts in the country only."""
    alone = found.compared.filter(pl.col("region").is_null())
    assert len(alone) > 0
    if table == "agreement":
        counted = agreement(*counts_of(alone))
    else:
        single = found.records.filter(pl.col("region").is_null(), _status="unmatched")
        single = single.rename({"_period": "period"})
        of_sides = [counted_by_place(f"only_{name}", single.filter(_side=name)) for name in ("reported", "new")]
        counted = coverage(pl.concat([counted_by_place("both", alone), *of_sides]))
    return counted.filter(pl.col("period").is_not_null() if by else pl.col("period").is_null())


def counts_of(pairs: pl.DataFrame) -> tuple[pl.DataFrame, dict]:
    """Every pair as a place of its own, with the outcomes that stand beside its values."""
    counts = {}
    for name, variable in SPEC.compared.items():
        whole = pairs[f"{name}_outcome"].cast(pl.String)
        for level in (None, 4, 5) if variable.type == "sks" else (None,):
            said = whole if level is None else at_level(pairs, name, whole, level)
            counts[name, level] = np.column_stack([(said == outcome).to_numpy() for outcome in OUTCOMES])
    return pairs.select("region", "unit", "period"), counts


def at_level(pairs: pl.DataFrame, name: str, whole: pl.Series, level: int) -> pl.Series:
    alike = pairs[f"{name}_reported"].str.head(level) == pairs[f"{name}_new"].str.head(level)
    within = pl.select(pl.when(alike).then(pl.lit("agree_within")).otherwise(pl.lit("differ"))).to_series()
    return within.zip_with(whole.is_in(["agree_within", "differ"]), whole)


def summed(frame: pl.DataFrame, by: list[str], counts: list[str]) -> pl.DataFrame:
    if not by:
        return frame.select(pl.col(counts).sum())
    return frame.group_by(by).agg(pl.col(counts).sum()).sort(by)


def test_agreement_counts_every_pair_once_for_each_variable(found):
    country = found.agreement.filter(pl.all_horizontal(pl.col("region", "unit", "period").is_null()))
    outcomes = [name for name in COUNTS if COUNTS[name] == pl.Int64]
    assert set(country.select(pl.sum_horizontal(outcomes)).to_series()) == {len(found.pairs)}
    assert set(country.filter(level="4")["variable"]) == {"diagnosis"}


def test_discrepancies_are_those_that_agreement_counts(found):
    country = found.agreement.filter(pl.all_horizontal(pl.col("region", "unit", "period", "level").is_null()))
    for kind in ("differ", "missing_differs", "reported_missing", "new_missing"):
        listed = dict(found.discrepancies.filter(kind=kind).group_by("variable").len().rows())
        assert {n: listed.get(n, 0) for n in SPEC.compared} == dict(country.select("variable", kind).rows())


def test_an_id_stays_the_same_when_other_records_come_and_go(sides, found):
    fewer = reconcile(SPEC, *(frame.filter(unit="u3") for frame in sides.values()), DAY)
    pairs = fewer.pairs.join(found.pairs, on=["reported_id", "new_id"])
    assert len(pairs) > 10
    assert pairs["pair_id"].equals(pairs["pair_id_right"])
    said = fewer.discrepancies.join(found.discrepancies, on=["reported_id", "new_id", "variable"], nulls_equal=True)
    assert said["discrepancy_id"].equals(said["discrepancy_id_right"]) and len(said) > 10


def test_what_is_kept_between_the_steps_gives_the_same_again(found):
    again = from_frames(SPEC, DAY, found.frames())
    for name in TOLD:
        assert_frame_equal(getattr(found, name), getattr(again, name))
    assert found.counts() == again.counts()


def test_a_side_read_from_a_file_or_a_table_is_the_same(sides, found, tmp_path):
    for name, frame in sides.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    with duckdb.connect(":memory:") as connection:
        connection.register("incoming", sides["new"])
        connection.execute("create table new as select * from incoming")
        table = connection.table("new").pl(lazy=True)
        again = reconcile(SPEC, pl.scan_parquet(tmp_path / "reported.parquet"), table, DAY)
        for name in TOLD:
            assert_frame_equal(getattr(found, name), getattr(again, name))


def test_files_split_otherwise_give_the_same(sides, found, tmp_path):
    """Each side in three files of uneven size, whose names turn the order of their rows."""
    for name, frame in sides.items():
        (tmp_path / name).mkdir()
        for part, (first, rows) in enumerate(((0, 3), (3, len(frame) // 2), (3 + len(frame) // 2, len(frame)))):
            frame.slice(first, rows).write_parquet(tmp_path / name / f"{9 - part}.parquet")
    again = reconcile(SPEC, *(pl.scan_parquet(tmp_path / name / "*.parquet") for name in sides), DAY)
    for name in TOLD:
        assert_frame_equal(getattr(found, name), getattr(again, name))


def test_an_id_tells_databases_sides_and_variables_apart(found):
    ids = found.discrepancies["discrepancy_id"]
    assert ids.n_unique() == len(ids)
    other = SPEC.model_copy(update={"database": "another"})
    rows = [{"record_id": "x", "person": "p", "unit": "u1", "region": "nord", "day": dt.date(2026, 5, 1)}]
    two = [{**rows[0], "person": "q"}]
    ids = [
        set(reconcile(spec, side(spec, a), side(spec, b), DAY).discrepancies["discrepancy_id"])
        for spec, a, b in ((SPEC, rows, two), (other, rows, two))
    ]
    assert len(ids[0]) == len(ids[1]) == 2 and not ids[0] & ids[1]
