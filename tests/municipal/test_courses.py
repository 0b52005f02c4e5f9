"""The two worked examples of the gateway, as events: what stands at the end is what their text describes."""

from __future__ import annotations

from itertools import permutations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from reports import NAMES, SECTION_119, SECTION_140, standing


def told(events: pl.DataFrame) -> list[tuple]:
    """Kind, name, day from, day until, status of each event."""
    return [
        (row["kind"], NAMES.get(row["code"], row["code"]), _day(row["starts"]), _day(row["ends"]), row["status"])
        for row in events.iter_rows(named=True)
    ]


def _day(moment) -> str | None:
    return moment and moment.date().isoformat()


def test_rehabilitation_after_a_hip_fracture():
    """Referred by the hospital on 23 May 2022 with DS721, assessed by 28 May, trained, and given up on 23 June."""
    assert told(standing(SECTION_140)) == [
        ("focus_condition", "DS721", None, None, "active"),
        ("planned_intervention", "Terapeutfaglig udredning", "2022-05-23", "2022-05-28", "completed"),
        ("service_request", "Kommunal genoptræning efter sygehusophold", "2022-05-23", None, "active"),
        ("care_plan", "Interventionsforløb efter § 140", "2022-05-28", "2022-06-23", "revoked"),
        ("condition", "Forflytte sig", "2022-05-28", None, "active"),
        ("condition", "Mobilitet og bevægelse", "2022-05-28", None, "active"),
        ("planned_intervention", "Fysisk træning", "2022-05-28", "2022-06-23", "revoked"),
        ("encounter", "AMB", "2022-05-28", "2022-05-28", "finished"),
        ("encounter", "AMB", "2022-06-21", "2022-06-21", "finished"),
    ]


def test_what_was_written_in_the_wrong_journal_stood_until_it_was_retracted():
    before = standing(SECTION_140[:4])
    assert [row for row in told(before) if row[2] == "2022-06-22"] == [
        ("care_plan", "Interventionsforløb efter § 140", "2022-06-22", None, "active"),
        ("planned_intervention", "Fysisk træning", "2022-06-22", None, "active"),
        ("planned_intervention", "Funktionstræning", "2022-06-22", None, "active"),
    ]
    assert not any(row[2] == "2022-06-22" for row in told(standing(SECTION_140)))


def test_prevention_for_diabetes_and_then_copd():
    assert told(standing(SECTION_119)) == [
        ("focus_condition", "DJ44", None, None, "active"),
        ("focus_condition", "DE11", None, None, "active"),
        ("planned_intervention", "Afklarende samtale", "2022-06-02", "2022-06-10", "completed"),
        ("service_request", "Sundhedsfremme og forebyggelse", "2022-06-02", None, "active"),
        ("care_plan", "Interventionsforløb efter § 119", "2022-06-10", None, "active"),
        ("condition", "Ernæring", "2022-06-10", None, "active"),
        ("planned_intervention", "Madlavning i praksis", "2022-06-10", None, "active"),
        ("encounter", "AMB", "2022-06-10", "2022-06-10", "finished"),
        ("encounter", "AMB", "2022-06-29", "2022-06-29", "finished"),
        ("planned_intervention", "Behovssamtale", "2022-07-04", "2022-07-09", "completed"),
        ("service_request", "Sundhedsfremme og forebyggelse", "2022-07-04", None, "active"),
        ("care_plan", "Interventionsforløb efter § 119", "2022-07-09", "2022-09-30", "completed"),
        ("condition", "Sundhedskompetence", "2022-07-09", None, "inactive"),
        ("planned_intervention", "Sygdomshåndtering", "2022-07-09", "2022-09-30", "completed"),
        ("encounter", "AMB", "2022-07-09", "2022-07-09", "finished"),
        ("care_plan", "Opfølgningsforløb efter § 119", "2022-09-30", None, "active"),
        ("planned_intervention", "Opfølgning", "2022-09-30", None, "active"),
        ("planned_intervention", "Afsluttende samtale", "2022-09-30", "2022-09-30", "completed"),
        ("encounter", "AMB", "2022-09-30", "2022-09-30", "finished"),
    ]


def test_times_are_danish_civil_time():
    """12:10 UTC in May is 14:10 in Denmark."""
    met = standing(SECTION_140).filter(kind="encounter")["starts"][0]
    assert (met.hour, met.minute) == (14, 10)


def test_each_event_knows_the_report_and_line_that_stand_behind_it():
    events = standing(SECTION_140)
    assert events["person"].unique().to_list() == ["1502779995"]
    assert events["receipt_id"].n_unique() == 3  # the second, third and fifth report
    plan = events.filter(kind="care_plan")
    assert plan["line"].to_list() == [9]


def test_every_order_of_two_reports_on_one_plan_ends_the_same():
    """The first three reports on the plan and the last one: 24 orders."""
    states = [standing(order) for order in permutations([*SECTION_140[:3], SECTION_140[4]])]
    assert all(state.equals(states[0]) for state in states)


@settings(deadline=None, max_examples=6)
@given(st.permutations(SECTION_119 + SECTION_140))
def test_the_order_of_arrival_changes_nothing(order):
    assert standing(order).equals(standing([*SECTION_119, *SECTION_140]))
