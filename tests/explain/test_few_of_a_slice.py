"""Faults that strike few records of their slice, and slips of typing that only look like faults."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from planted_sides import explained, noisy_sides, spec_with, told

IN_NORTH = pl.col("region") == "nord"
REMARKED = spec_with(variables={"remark": {"type": "text"}})


def sides(seed: int = 3) -> list[pl.DataFrame]:
    return list(noisy_sides(seed, 3000))


def first_told(reported: pl.DataFrame, new: pl.DataFrame) -> tuple:
    cause = explained(reported, new).causes[0]
    return cause.kind, cause.where, cause.explained, cause.in_slice


def some(of: pl.Expr, one_in: int) -> pl.Expr:
    """Records of one in so many persons."""
    return of & (pl.col("person").str.slice(1).cast(pl.Int64) % one_in == 0)


def with_second_contact(side: pl.DataFrame, second: pl.Expr) -> pl.DataFrame:
    """Some courses have another one at the same unit, four days later."""
    again = side.filter(second).with_columns(
        record_id=pl.col("record_id") + "b", day=pl.col("day").dt.offset_by("4d"), weight=pl.col("weight") + 9
    )
    return pl.concat([side, again])


def test_contacts_are_merged_where_there_are_several_though_these_are_few():
    """An eighth of the persons have two; in the north the new side has one of them."""
    reported, new = sides()
    kind, where, explained_, in_slice = first_told(
        with_second_contact(reported, some(pl.lit(True), 8)), with_second_contact(new, some(~IN_NORTH, 8))
    )
    assert (kind, where) == ("contact_merged", {"region": "nord"})
    assert in_slice < reported.filter(IN_NORTH).height / 6
    assert explained_ > 0.8 * in_slice


def test_several_contacts_that_are_found_on_both_sides_are_no_cause():
    both = [with_second_contact(side, some(pl.lit(True), 8)) for side in sides()]
    assert told(explained(*both)) == []


def test_a_quarter_of_the_records_of_a_place_stand_there_twice():
    reported, new = sides()
    copies = new.filter(some(IN_NORTH, 4)).with_columns(record_id=pl.col("record_id") + "b")
    assert first_told(reported, pl.concat([new, copies]))[:2] == ("duplicate_record", {"region": "nord"})


def test_a_third_of_the_numbers_of_a_place_have_digits_exchanged():
    reported, new = sides()
    exchanged = pl.col("pulse") % 10 * 10 + pl.col("pulse") // 10
    two_digits = (pl.col("pulse") < 100) & (pl.col("pulse") > 9)
    struck = new.with_columns(pulse=pl.when(some(IN_NORTH, 3) & two_digits).then(exchanged).otherwise("pulse"))
    assert first_told(reported, struck)[:2] == ("digits_transposed", {"region": "nord"})


@pytest.mark.parametrize("replaced", ["010170{}AB{}", "010170TUA{}{}", "710170{}00{}", "010170A{}1{}"])
def test_whatever_the_system_writes_in_the_place_of_a_number_is_a_replacement(replaced):
    """HL7 Denmark's form, letters only, a day above 31, one letter."""
    number = pl.col("person").str.slice(1).cast(pl.Int64)
    valid = pl.format("0{}0170{}", number % 9 + 1, (number * 7919 % 10_000).cast(pl.String).str.zfill(4))
    reported, new = (side.with_columns(person=valid) for side in sides())
    other = pl.format(replaced, number % 10, number // 10 % 10)
    other = other.str.slice(0, 10).str.pad_end(10, "4")
    struck = sides()[1].with_columns(person=pl.when(some(IN_NORTH, 2)).then(other).otherwise(valid))
    assert new.height == struck.height
    cause = explained(reported, struck).causes[0]
    assert (cause.kind, cause.where) == ("person_id_changed", {"region": "nord"})


@pytest.mark.parametrize("slip", [str.upper, lambda text: text + " ", lambda text: text[1] + text[0] + text[2:]])
def test_one_slip_that_recurs_in_a_text_of_few_words_is_typing(slip):
    """Each of four texts is typed otherwise, always alike, once in a hundred times; the new side has what was meant."""
    rng = np.random.default_rng(5)
    texts = rng.choice(["ingen", "blødning", "feber", "smerter i ryggen"], 3000)
    typed = [slip(text) if hit else text for text, hit in zip(texts.tolist(), rng.random(3000) < 0.01, strict=True)]
    persons = [f"p{n}" for n in range(3000)]
    said = [pl.DataFrame({"person": persons, "remark": of}) for of in (typed, texts.tolist())]
    remarked = [
        side.join(of, on="person", maintain_order="left").with_columns(remark_missing=pl.lit(None, pl.String))
        for side, of in zip(sides(), said, strict=True)
    ]
    explanation = explained(*remarked, REMARKED)
    assert told(explanation) == []
    assert explanation.discrepancies > 20


def test_a_text_that_is_no_slip_is_recoded_though_it_is_rarer_than_what_it_becomes():
    rng = np.random.default_rng(5)
    remark = rng.choice(["ingen", "feber"], 3000, p=[0.9, 0.1]).tolist()
    of = pl.DataFrame({"person": [f"p{n}" for n in range(3000)], "remark": remark})
    reported, new = (
        side.join(of, on="person", maintain_order="left").with_columns(remark_missing=pl.lit(None, pl.String))
        for side in sides()
    )
    struck = new.with_columns(remark=pl.when(IN_NORTH).then(pl.lit("ingen")).otherwise("remark"))
    (cause,) = explained(reported, struck, REMARKED).causes
    assert (cause.variables, cause.where) == (("remark",), {"region": "nord"})


def test_a_contact_seven_hours_later_is_a_part_and_no_copy_where_times_are_told():
    spec = spec_with(variables={"day": {"type": "timestamp"}})
    reported, new = (
        side.with_columns(day=pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=20)) for side in sides()
    )
    parts = new.filter(some(IN_NORTH, 2)).with_columns(
        record_id=pl.col("record_id") + "b", day=pl.col("day") + pl.duration(hours=7), weight=pl.col("weight") + 9
    )
    causes = explained(reported, pl.concat([new, parts]), spec).causes
    assert [(cause.kind, cause.where, cause.parameters) for cause in causes] == [
        ("contact_split", {"region": "nord"}, {"n": 2})
    ]


def test_of_contacts_in_three_parts_no_more_are_explained_than_there_are():
    reported, new = sides()
    parts = [
        new.filter(IN_NORTH).with_columns(
            record_id=pl.col("record_id") + f"b{n}",
            day=pl.col("day").dt.offset_by(f"{n}d"),
            weight=pl.col("weight") + n,
        )
        for n in (4, 9)
    ]
    cause = explained(reported, pl.concat([new, *parts])).causes[0]
    assert (cause.kind, cause.parameters) == ("contact_split", {"n": 3})
    assert cause.explained <= cause.in_slice
