"""A condition means the same one value at a time in Python as it does in DuckDB."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.spec.constraints import ascii_classes
from pipelines.spec.expressions import parse_condition

KNOWN = {"number": "double", "whole": "bigint", "word": "varchar", "day": "date", "other": "date", "time": "timestamp"}
CONNECTION = duckdb.connect()
CONNECTION.execute(f"create table rows ({', '.join(f'{name} {kind}' for name, kind in KNOWN.items())})")
CONDITIONS = [
    "number < whole", "number / whole > 1", "whole in (1, 2, null)", "whole not in (1, 2)", "word like 'A_%'",
    "case word when 'AB' then whole > 1 when 'x' then true else number is missing end", "abs(-number) >= 2",
    "case when whole > 1 then word = 'AB' end", "coalesce(word, 'AB') = 'AB'", "not word = 'AB' or whole is null",
    "day - other <= 3", "day + 1 > other", "day - 2 < other", "day >= '2026-01-01'", "time >= day",
    "time < '2026-01-01 12:00:00'", "day in ('2026-01-01', '2026-01-09')", "cast(time as date) = day",
    "day between '2025-12-31' and other", "cast(whole as varchar) = '2'", "word is not missing and whole <> 2",
    "if(whole > 1, number > 1, word = 'AB')", "day >= date '2026-01-01'",
]  # fmt: skip
ROWS = st.fixed_dictionaries(
    {
        "number": st.none() | st.sampled_from([-2.0, 0.0, 1.5, 2.0]),
        "whole": st.none() | st.sampled_from([-1, 0, 1, 2, 3]),
        "word": st.none() | st.sampled_from(["", "AB", "A\nB", "x", "ab"]),
        "day": st.none() | st.sampled_from([dt.date(2026, 1, 1), dt.date(2026, 1, 9), dt.date(2020, 2, 29)]),
        "other": st.none() | st.sampled_from([dt.date(2026, 1, 1), dt.date(2026, 1, 5)]),
        "time": st.none() | st.sampled_from([dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 12, 30)]),
    }
)


@pytest.mark.parametrize("text", CONDITIONS)
@settings(deadline=None, max_examples=15)
@given(rows=st.lists(ROWS, min_size=1, max_size=5))
def test_python_and_duckdb_agree_on_every_condition(text, rows):
    condition = parse_condition(text, KNOWN)
    CONNECTION.execute("delete from rows")
    CONNECTION.executemany("insert into rows values (?, ?, ?, ?, ?, ?)", [[row[n] for n in KNOWN] for row in rows])
    found = CONNECTION.execute(f"select ({condition.sql}) from rows order by rowid").fetchall()
    assert [value for (value,) in found] == [condition.holds(row) for row in rows]


def test_a_cast_to_a_type_that_has_no_naive_meaning_is_refused():
    with pytest.raises(ValueError, match="casts to"):
        parse_condition("cast(word as blob) is null", KNOWN)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [(r"\d{2}", "[0-9]{2}"), (r"[\d\w]", "[0-9A-Za-z0-9_]"), (r"\\d", r"\\d"), ("[A-Z]+", "[A-Z]+"), (r"\.", r"\.")],
)
def test_digits_and_words_in_patterns_are_spelled_out(pattern, said):
    assert ascii_classes(pattern) == said
