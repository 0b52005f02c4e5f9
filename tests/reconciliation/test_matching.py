"""Which new record is which reported one: each rule of staged matching as a small table."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_sides import NEAR_DAY, OTHER_UNIT, SAME_DAY, drawn, side, small_spec

from pipelines.reconciliation.assignment import EXACT_TIES, best_pairs
from pipelines.reconciliation.reconcile import Reconciliation, reconcile

TRAP = Path(__file__).parents[1] / "data" / "external_truth" / "14_duplicate_pairing_trap.json"


def held(reported: str, new: str, spec=None) -> Reconciliation:
    spec = spec or small_spec()
    return reconcile(spec, drawn(spec, reported), drawn(spec, new), dt.date(2026, 12, 31))


def pairs(found: Reconciliation) -> list[tuple[str, str, str]]:
    return sorted(found.pairs.select("reported_id", "new_id", "rule").rows())


def alone(found: Reconciliation) -> dict[str, str]:
    return dict(found.unmatched.select("record_id", "reason").rows())


def test_a_person_with_several_courses_is_paired_day_by_day():
    found = held(
        """
        record_id  person  unit  region  day
        r1         p1      u1    nord    03-01
        r2         p1      u1    nord    06-01
        r3         p2      u1    nord    05-05
        """,
        """
        record_id  person  unit  region  day
        n1         p1      u1    nord    06-01
        n2         p1      u1    nord    01-02
        n3         p2      u1    nord    05-05
        n4         p1      u1    nord    03-02
        """,
    )
    assert pairs(found) == [("r1", "n4", "near day"), ("r2", "n1", "same day"), ("r3", "n3", "same day")]
    assert alone(found) == {"n2": "registered_elsewhere"}


def test_the_same_day_goes_before_a_nearer_looking_whole():
    # Near day alone would pair both (r1–n1, r2–n2); but r2–n1 is the same day and is settled first.
    found = held(
        """
        record_id  person  unit  region  day
        r1         p1      u1    nord    03-01
        r2         p1      u1    nord    03-02
        """,
        """
        record_id  person  unit  region  day
        n1         p1      u1    nord    03-02
        n2         p1      u1    nord    03-05
        """,
    )
    assert pairs(found) == [("r2", "n1", "same day")]
    assert alone(found) == {"r1": "contact_merged", "n2": "contact_split"}


def test_most_pairs_go_before_the_smallest_offset():
    found = held(
        """
        record_id  person  unit  region  day
        r1         p1      u1    nord    03-01
        r2         p1      u1    nord    03-03
        """,
        """
        record_id  person  unit  region  day
        n1         p1      u1    nord    03-04
        n2         p1      u1    nord    03-06
        """,
    )
    # r2–n1 is one day apart and r1–n1 three; only r1–n1 leaves r2 its n2.
    assert pairs(found) == [("r1", "n1", "near day"), ("r2", "n2", "near day")]
    assert found.pairs["date_offset_days"].to_list() == [3, 3]


def test_of_equally_many_pairs_the_smallest_total_offset_wins():
    found = held(
        """
        record_id  person  unit  region  day
        r1         p1      u1    nord    03-03
        """,
        """
        record_id  person  unit  region  day
        n1         p1      u1    nord    03-01
        n2         p1      u1    nord    03-04
        """,
    )
    assert pairs(found) == [("r1", "n2", "near day")]


def test_a_tie_goes_to_the_smallest_ids():
    found = held(
        """
        record_id  person  unit  region  day
        r2         p1      u1    nord    03-05
        r1         p1      u1    nord    03-03
        """,
        """
        record_id  person  unit  region  day
        n2         p1      u1    nord    03-04
        n1         p1      u1    nord    03-04
        """,
    )
    assert pairs(found) == [("r1", "n1", "near day"), ("r2", "n2", "near day")]


@pytest.mark.parametrize(("day", "rule"), [("03-04", "near day"), ("03-05", None), ("02-26", "near day")])
def test_a_window_includes_its_last_day(day, rule):
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 03-01",
        f"record_id person unit region day\nn1 p1 u1 nord {day}",
    )
    assert pairs(found) == ([("r1", "n1", rule)] if rule else [])


def test_a_window_on_a_decimal_includes_its_last_decimal():
    # In binary fractions 2.2 − 1.2 is 1.0000000000000002.
    rule = {"rule": "near value", "on": ["person"], "within": {"weight": 1}}
    spec = small_spec({"weight": {"type": "decimal"}}, match=[rule])
    found = held("record_id person weight\nr1 p1 1.2", "record_id person weight\nn1 p1 2.2", spec)
    assert pairs(found) == [("r1", "n1", "near value")]


def test_decimal_offsets_that_only_binary_fractions_tell_apart_are_a_tie():
    rule = {"rule": "near value", "on": ["person"], "within": {"weight": 1}}
    spec = small_spec({"weight": {"type": "decimal"}}, match=[rule])
    reported = "record_id person weight\nr1 p1 0.0\nr2 p1 0.0\nr3 p1 0.2"
    new = "record_id person weight\nn1 p1 0.9\nn2 p1 0.7\nn3 p1 1.0"
    # Every choice costs 2.4, in binary fractions 2.4 or 2.4000000000000004; so the ids decide.
    found = held(reported, new, spec)
    assert pairs(found) == [("r1", "n1", "near value"), ("r2", "n2", "near value"), ("r3", "n3", "near value")]


def test_an_exact_copy_is_surplus_and_outside_the_union():
    found = held(
        """
        record_id  person  unit  region  day
        r1         p1      u1    nord    03-01
        """,
        """
        record_id  person  unit  region  day    submission
        n1         p1      u1    nord    03-01  S1
        n2         p1      u1    nord    03-01  S1
        n3         p1      u1    nord    03-01  S1
        """,
    )
    assert pairs(found) == [("r1", "n1", "same day")]
    assert alone(found) == {"n2": "duplicate_record", "n3": "duplicate_record"}
    assert found.coverage.row(0, named=True)["union"] == 1
    assert (found.counts()["surplus_new"], found.counts()["only_new"]) == (2, 0)


def test_a_copy_in_another_submission_was_sent_twice():
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 03-01",
        "record_id person unit region day submission\nn1 p1 u1 nord 03-01 S1\nn2 p1 u1 nord 03-01 S2",
    )
    assert alone(found) == {"n2": "submission_twice"}


def test_of_unmatched_copies_one_is_a_record_and_the_rest_are_surplus():
    found = held(
        "record_id person unit region day\nr1 p9 u1 nord 03-01",
        "record_id person unit region day\nn2 p1 u1 nord 03-01\nn1 p1 u1 nord 03-01",
    )
    assert alone(found) == {"r1": "unknown", "n1": "unknown", "n2": "duplicate_record"}
    assert found.coverage.row(0, named=True)["only_new"] == 1


def test_a_record_of_the_same_keys_that_says_something_else_is_a_near_duplicate():
    spec = small_spec({"nyha": {"type": "text"}})
    found = held(
        "record_id person unit region day nyha\nr1 p1 u1 nord 03-01 2",
        "record_id person unit region day nyha\nn1 p1 u1 nord 03-01 2\nn2 p1 u1 nord 03-01 3",
        spec,
    )
    assert alone(found) == {"n2": "near_duplicate"}
    assert found.coverage.row(0, named=True)["union"] == 1


def test_what_nobody_keeps_has_no_copy():
    # n1 and n2 say the same, but n1 is outside the account: n2 is then the record itself.
    spec = small_spec(
        match=[{"rule": "same day", "on": ["person", "day"]}], changeover={"u1": {"new_from": "2027-01-01"}}
    )
    found = held(
        "record_id person unit region day\nr1 p9 u2 nord 03-01",
        "record_id person unit region day\nn1 p1 u1 nord 03-01\nn2 p1 u2 nord 03-01",
        spec,
    )
    assert alone(found) == {"r1": "unknown", "n2": "unknown"}


def test_an_empty_key_matches_nothing_not_even_another_empty_one():
    found = held(
        "record_id person unit region day\nr1 - u1 nord 03-01\nr2 p2 u1 nord -",
        "record_id person unit region day\nn1 - u1 nord 03-01\nn2 p2 u1 nord -",
    )
    assert pairs(found) == []
    assert alone(found) == {
        "r1": "unknown",
        "n1": "unknown",
        "r2": "registered_elsewhere",
        "n2": "registered_elsewhere",
    }


def test_records_without_a_person_are_never_copies():
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 03-01",
        "record_id person unit region day\nn1 - u1 nord 03-01\nn2 - u1 nord 03-01",
    )
    assert alone(found) == {"r1": "unknown", "n1": "unknown", "n2": "unknown"}


def test_another_unit_is_a_pair_with_a_record_level_discrepancy():
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 03-01",
        "record_id person unit region day\nn1 p1 u2 nord 03-02",
    )
    assert pairs(found) == [("r1", "n1", "other unit")]
    told = found.discrepancies.filter(kind="key_differs").row(0, named=True)
    assert (told["variable"], told["reported_value"], told["new_value"], told["unit"]) == (None, "u1", "u2", "u2")
    assert found.unmatched.is_empty()


def test_another_region_comes_last():
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 03-01\nr2 p2 u1 nord 03-01",
        "record_id person unit region day\nn1 p1 u9 syd 03-01\nn2 p1 u2 nord 03-03\nn3 p2 u9 syd 03-01",
    )
    assert pairs(found) == [("r1", "n2", "other unit"), ("r2", "n3", "other region")]
    assert alone(found) == {"n1": "registered_elsewhere"}
    assert found.compared["region"].to_list() and set(found.compared["region"]) == {"nord", "syd"}


def test_an_unambiguous_rule_leaves_the_ambiguous_to_later_stages():
    spec = small_spec(match=[{**NEAR_DAY, "unambiguous": True}, OTHER_UNIT])
    found = held(
        """
        record_id  person  unit  region  day
        r1         p1      u1    nord    03-01
        r2         p2      u1    nord    03-01
        """,
        """
        record_id  person  unit  region  day
        n1         p1      u1    nord    03-01
        n2         p1      u1    nord    03-02
        n3         p2      u1    nord    03-03
        """,
        spec,
    )
    assert pairs(found) == [("r1", "n1", "other unit"), ("r2", "n3", "near day")]


def test_the_order_of_the_stages_is_the_specification_s():
    reported, new = "record_id person unit region day\nr1 p1 u1 nord 03-01", ("record_id person unit region day\n"
        "n1 p1 u1 nord 03-01")  # fmt: skip
    for stages, first in [([SAME_DAY, OTHER_UNIT], "same day"), ([OTHER_UNIT, SAME_DAY], "other unit")]:
        assert pairs(held(reported, new, small_spec(match=stages))) == [("r1", "n1", first)]


def test_the_pairing_trap_of_one_to_many_keys():
    trap = json.loads(TRAP.read_text("utf-8"))
    rule = {"rule": "near day", "on": ["person"], "within": {"day": 1}}
    spec = small_spec({"kode": {"type": "text"}, "day": {"type": "date", "compare": {"days": 1}}}, match=[rule])
    sides = [
        side(
            spec,
            [
                {"record_id": f"{letter}{n}", "person": cpr, "day": dt.date.fromisoformat(day), "kode": kode}
                for n, (cpr, day, kode) in enumerate(trap[letter])
            ],
        )
        for letter in "ab"
    ]
    found = reconcile(spec, *sides)
    expected = trap["correct_pairs_with_date_window_1_day"]
    assert sorted(found.pairs.select("reported_id", "new_id").rows()) == [(f"a{a}", f"b{b}") for a, b in expected]
    assert list(alone(found)) == [f"b{n}" for n in trap["correct_only_b"]]
    country = found.agreement.filter(pl.all_horizontal(pl.col("region", "unit", "period").is_null()))
    counts = {row["variable"]: row for row in country.iter_rows(named=True)}
    told = {
        "kode": f"{counts['kode']['agree']}/{counts['kode']['both_known']}",
        "dato_exact": f"{counts['day']['agree']}/{counts['day']['both_known']}",
        "dato_within_1_day": f"{counts['day']['agree'] + counts['day']['agree_within']}/{counts['day']['both_known']}",
    }
    assert told == trap["correct_agreement"]


def test_a_group_too_large_for_exact_ties_still_has_the_best_total():
    rng = np.random.default_rng(3)
    size = EXACT_TIES + 5
    cells = [(i, j, float(rng.integers(0, 9))) for i in range(size) for j in range(size) if rng.random() < 0.4]
    schema = {"reported": pl.UInt32, "new": pl.UInt32, "cost": pl.Float64}
    candidates = pl.DataFrame(cells, schema, orient="row")
    chosen = best_pairs(candidates)
    assert len(chosen) == chosen["reported"].n_unique() == chosen["new"].n_unique()
    assert chosen.equals(best_pairs(candidates.sample(fraction=1, shuffle=True, seed=1).sort("reported", "new")))
    # A greedy choice, cell by cell, is never better.
    free, greedy = ({*range(size)}, {*range(size)}), []
    for i, j, cost in sorted(cells, key=lambda cell: cell[2]):
        if i in free[0] and j in free[1]:
            greedy.append(cost)
            free[0].discard(i), free[1].discard(j)
    assert (-len(chosen), chosen["cost"].sum()) <= (-len(greedy), sum(greedy))
