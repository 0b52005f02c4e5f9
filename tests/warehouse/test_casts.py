"""The casts of the typed layer against a naive reading in plain Python, in both notations."""

import datetime as dt
import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.spec.to_duckdb import conform
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.plain_frames import canonical, typed, typed_view

SPEC = DatabaseSpec.model_validate(
    {
        "database": "sample", "title": {"da": "Prøve"}, "official": False, "version": "1",
        "record": "one record", "event_date": "day", "match": [{"rule": "same", "on": ["person"]}],
        "variables": {
            name: {"label": {"da": name}, "type": kind} | more
            for name, kind, more in (
                ("day", "date", {}), ("a_decimal", "decimal", {}), ("a_integer", "integer", {}),
                ("a_timestamp", "timestamp", {}), ("a_yes_no", "yes_no", {"missing": {"unknown": "Uoplyst"}}),
                ("a_code", "code", {"values": {"1": "I", "2": "II"}, "missing": {"unknown": "Uoplyst"}}),
                ("a_text", "text", {"missing": {"unknown": "Uoplyst"}}),
            )
        },
    }
)  # fmt: skip


def naive_decimal(text: str, notation: str) -> float | None:
    sign = "," if notation == "danish" else "."
    return float(text.replace(sign, ".")) if re.fullmatch(rf"-?[0-9]{{1,20}}(\{sign}[0-9]{{1,20}})?", text) else None


def naive_integer(text: str, notation: str) -> int | None:
    whole = int(text) if re.fullmatch("-?[0-9]+", text) else None
    return whole if whole is not None and -(2**63) <= whole < 2**63 else None


def naive_date(text: str, notation: str) -> dt.date | None:
    form = r"(?P<d>[0-9]{2})-(?P<m>[0-9]{2})-(?P<y>[1-9][0-9]{3})"
    if notation == "iso":
        form = r"(?P<y>[1-9][0-9]{3})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
    found = re.fullmatch(form, text)
    try:
        return dt.date(int(found["y"]), int(found["m"]), int(found["d"])) if found else None
    except ValueError:
        return None


def naive_timestamp(text: str, notation: str) -> dt.datetime | None:
    day, clock = text[:10], text[11:]
    date = naive_date(day, notation)
    found = re.fullmatch(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?", clock)
    if date is None or found is None or text[10] not in (" " if notation == "danish" else "T ") or (
        notation == "danish" and found[4]
    ):  # fmt: skip
        return None
    fraction = int((found[4] or "0").ljust(6, "0"))
    try:
        return dt.datetime(date.year, date.month, date.day, int(found[1]), int(found[2]), int(found[3] or 0), fraction)
    except ValueError:
        return None


NAIVE = {
    "a_decimal": naive_decimal, "a_integer": naive_integer, "day": naive_date, "a_timestamp": naive_timestamp
}  # fmt: skip

numbers = st.from_regex(r"-?[0-9]{1,20}([.,][0-9]{1,8})?", fullmatch=True, alphabet="-0123456789.,")
odd = st.text("0123456789-+.,: TeE%x٣½\t\n", min_size=1, max_size=20)
years = st.one_of(st.integers(0, 9999), st.integers(1890, 2040))
two = st.integers(0, 62).map("{:02}".format)
days = st.one_of(
    st.tuples(years.map("{:04}".format), two, two).map("-".join),
    st.tuples(two, two, years.map("{:04}".format)).map("-".join),
    st.dates().map(str),
    st.dates().map(lambda day: day.strftime("%d-%m-") + f"{day.year:04}"),
)
clocks = st.one_of(
    st.times().map(str), st.times().map(lambda time: str(time)[:5]), st.tuples(two, two, two).map(":".join),
    st.times().map(lambda time: f"{str(time)[:8]}.{time.microsecond % 1000}"),
)  # fmt: skip
times = st.tuples(days, st.sampled_from([" ", "T", "x"]), clocks).map("".join)
TEXTS = {"a_decimal": numbers, "a_integer": numbers, "day": days, "a_timestamp": times}


@pytest.mark.parametrize("notation", ["iso", "danish"])
@pytest.mark.parametrize("variable", list(TEXTS))
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_casts_agree_with_the_naive_reading(variable, notation, data):
    texts = data.draw(st.lists(st.one_of(TEXTS[variable], odd), min_size=1, max_size=40))
    frame = pl.DataFrame({"line": range(len(texts)), variable: texts})
    made = typed(SPEC, frame, notation)
    trimmed = [text.strip(" ") for text in texts]
    expected = [NAIVE[variable](text, notation) if text else None for text in trimmed]
    assert made[variable].to_list() == expected
    uncast = [value is None and text != "" for text, value in zip(trimmed, expected, strict=True)]
    assert made[f"{variable}_uncast"].to_list() == uncast


@pytest.mark.parametrize("text", ["0000-01-01", "0024-03-01", "2025-02-29", "24-03-01", "2025-1-1", "2025-01-01 "])
def test_dates_that_readers_get_wrong(text):
    made = typed(SPEC, pl.DataFrame({"line": [1], "day": [text]}))
    assert made["day"].to_list() == [naive_date(text.strip(" "), "iso")]


def test_blanks_around_a_text_are_kept_for_the_comparison_and_no_part_of_a_code_that_is_received():
    said, codes = ["x", " x ", "  ", " unknown ", None], [" 1", "2 ", " ", " unknown", None]
    frame = pl.DataFrame(
        {"line": range(5), "a_text": said, "a_code": codes, "a_yes_no": [" yes", "no ", "", None, None]}
    )
    received, compared = typed(SPEC, frame), canonical(SPEC, frame)
    for made in (received, compared):
        assert made["a_text"].to_list() == ["x", " x ", None, None, None]
        assert made["a_text_missing"].to_list() == [None, None, None, "unknown", None]
        assert made["a_code_missing"].to_list() == [None, None, None, "unknown", None]
        assert made["a_yes_no"].to_list() == ["yes", "no", None, None, None]
    assert received["a_code"].to_list() == ["1", "2", None, None, None]
    assert compared["a_code"].to_list() == [" 1", "2 ", None, None, None]
    assert not received["a_text_uncast"].any()


def test_a_number_of_some_hundred_digits_is_not_infinity():
    made = typed(SPEC, pl.DataFrame({"line": [1], "a_decimal": ["1" * 400]}))
    assert made.select("a_decimal", "a_decimal_uncast").row(0) == (None, True)


def test_a_factor_that_overflows_is_uncast_and_not_an_error():
    identity = {"record_id": "id", "person": "cpr"}
    fields = {"grams": {"variable": "a_integer", "factor": 1000}}
    schema = SourceSchema(source="kip", version="1", identity=identity, fields=fields)
    texts = "(select unnest(['9', '9223372036854775807']) as a_integer)"
    with in_memory() as memory:
        made = memory.frame(conform(SPEC, texts, {"a_integer": "VARCHAR"}, schema=schema))
    assert made["a_integer"].to_list() == [9000, None]
    assert made["a_integer_uncast"].to_list() == [False, True]


def test_typed_columns_pass_and_the_rest_is_conformed():
    frame = pl.DataFrame(
        {
            "line": [1, 2, 3], "record_id": [7, 8, 9], "person": ["1", " 2 ", ""],
            "day": [dt.date(2026, 1, 1)] * 3, "a_decimal": [1.5, None, None], "a_decimal_missing": ["x", " y ", ""],
            "a_integer": [1.0, 2.5, None], "a_timestamp": [dt.datetime(2026, 1, 1, 10)] * 3,
            "a_yes_no": [True, False, None], "a_yes_no_missing": [None, None, "unknown"],
            "a_code": [1.0, 2.5, None],
        }
    )  # fmt: skip
    made = canonical(SPEC, frame)
    assert made["record_id"].to_list() == ["7", "8", "9"]
    assert made["person"].to_list() == ["1", "2", None]
    assert made["a_decimal"].to_list() == [1.5, None, None]
    assert made["a_decimal_missing"].to_list() == [None, "y", None]
    assert made["a_integer"].to_list() == [1, None, None]
    assert made["a_yes_no"].to_list() == ["yes", "no", None]
    assert made["a_yes_no_missing"].to_list() == [None, None, "unknown"]
    assert made["a_code"].to_list() == ["1", "2.5", None]
    assert made["line"].to_list() == [1, 2, 3]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
            st.one_of(st.none(), st.floats(-1e6, 1e6).map(lambda number: round(number, 3))),
            st.one_of(st.none(), st.integers(-(10**9), 10**9)),
            st.one_of(st.none(), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))),
            st.sampled_from([None, "yes", "no", "unknown"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_a_frame_means_the_same_as_text_and_typed(rows):
    names = ["day", "a_decimal", "a_integer", "a_timestamp", "a_yes_no"]
    kinds = [pl.Date, pl.Float64, pl.Int64, pl.Datetime("us"), pl.String]
    frame = pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")
    frame = frame.with_row_index("line").cast({"line": pl.Int64})
    as_text = frame.with_columns(
        pl.col("day", "a_integer").cast(pl.String), pl.col("a_timestamp").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f"),
        a_decimal=pl.Series([None if x is None else f"{x:.3f}" for x in frame["a_decimal"]], dtype=pl.String),
    )  # fmt: skip
    assert canonical(SPEC, frame).equals(canonical(SPEC, as_text))


WORDS = {
    "a_decimal": ["1.50", " 2 ", "x", "unknown", None, ""], "a_integer": ["7", "7.5", " 8", "unknown", None, "9"],
    "day": ["2026-01-01", "2026-1-1", "", None, "2026-02-30", "2026-02-28"],
    "a_yes_no": ["yes", " no", "unknown", None, "", "yes"], "a_code": ["1", " 1", "2 ", "unknown", None, ""],
    "a_text": ["x", " x ", "  ", "unknown", None, "æ"], "schema_version": [" 1.0", "1.1", "", None, "2", "2"],
    "retracted": ["true", "false", "no such", None, "", "TRUE"],
}  # fmt: skip


CLEAN = {
    "a_decimal": ["1.5", "2.5", None], "a_integer": ["7", "8", None], "day": ["2026-01-01", "2026-02-28", None],
    "a_yes_no": ["yes", "no", None], "a_code": ["1", "2", None], "a_text": ["x", "æ", None],
    "a_timestamp": ["2026-01-01 10:00:00.000000", "2026-01-02 10:00:00.000000", None],
    "schema_version": ["1.0", "1.1", None], "retracted": ["true", "false", None],
}  # fmt: skip


def test_clean_texts_that_repeat_have_the_type_of_their_variable():
    frame = pl.concat([pl.DataFrame(CLEAN)] * 100).with_row_index("line").cast({"line": pl.Int64})
    made = canonical(SPEC, frame)
    kinds = [pl.Float64, pl.Int64, pl.Date, pl.String, pl.String, pl.String, pl.Datetime("us"), pl.String, pl.Boolean]
    assert made.select(CLEAN.keys()).schema == dict(zip(CLEAN, kinds, strict=True))
    assert made["retracted"].head(3).to_list() == [True, False, None]


@pytest.mark.parametrize("beside", [{}, {"a_code_missing": [None, None, "not_done", None, " unknown ", "unknown"]}])
def test_texts_that_repeat_are_read_like_texts_that_do_not(beside):
    """Each row by itself, and all of them a hundred times over, in another order."""
    frame = pl.DataFrame(WORDS | beside).with_row_index("line").cast({"line": pl.Int64})
    often = pl.concat([frame.reverse()] * 100).with_columns(line=pl.int_range(600))
    alone, together = (canonical(SPEC, rows).drop("line") for rows in (frame, often))
    assert together.equals(pl.concat([alone.reverse()] * 100))
    assert together.schema == alone.schema


def test_what_a_file_does_not_say_is_empty_and_of_no_type():
    made = canonical(SPEC, pl.DataFrame({"line": [1, 2], "a_text": ["x", None], "a_code": [None, " "]}))
    said = {name for name, kind in made.schema.items() if kind != pl.Null}
    assert said == {"line", "a_text"}
    assert made.columns[-1] == "line"
    nobody = pl.DataFrame(schema={"line": pl.Int64, "a_text": pl.String})
    assert canonical(SPEC, nobody).shape == (0, len(made.columns))


def test_a_view_says_what_the_typed_rows_say_but_for_copies():
    frame = pl.DataFrame(WORDS).with_row_index("line").cast({"line": pl.Int64})
    with typed_view(SPEC, frame) as (connection, table):
        seen = connection.execute(f"select * from {table} order by line").pl()
    assert seen.drop("same_id").equals(typed(SPEC, frame).drop("same_id"))
    assert seen["a_integer_uncast"].arg_true().to_list() == [1, 3]
