"""Delimited text: every row has its line, nothing is guessed, nothing is lost."""

import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.batch import LONGEST_CELL, Refused, decoded
from pipelines.sources.delimited import header_of, hold_against, read_table

HEADER = ("a", "b", "c")


def table(text: str, delimiter: str = ";"):
    return read_table(text, delimiter, header_of(text, delimiter, HEADER))


def refusal(run, *arguments) -> Refused:
    with pytest.raises(Refused) as caught:
        run(*arguments)
    return caught.value


def test_a_row_knows_the_line_it_begins_on():
    text = 'a;b;c\r\n1;2;3\r\n\r\n4;"two\r\nlines";6\r\n7;8;9\r\n\r\n'
    rows = table(text).rows
    assert rows["line"].to_list() == [2, 4, 6]
    assert rows["b"].to_list() == ["2", "two\r\nlines", "8"]


def test_quotes_hide_delimiters_and_double_quotes_are_one():
    assert table('a;b;c\n1;"x;""y""";3\n').rows["b"].to_list() == ['x;"y"']


def test_short_and_long_rows_are_held_back_with_their_lines():
    made = table("a;b;c\n1;2\n1;2;3\n1;2;3;4\n")
    assert made.rows["line"].to_list() == [3]
    assert [(row.line, row.rule) for row in made.broken] == [(2, "row.shape"), (4, "row.shape")]


def test_a_misplaced_quote_costs_its_own_row_only():
    made = table('a;b;c\n1;"x"y;3\n1;2;3\n')
    assert [row.line for row in made.broken] == [2]
    assert made.rows.height == 1


@pytest.mark.parametrize(
    "body",
    ['1;"2;3\n1;2;3\n', '1;"2;3\n1;2;3\n1;"2";3\n', '1;"2;3\n1;2";3\n1;2;3;4\n"'],
    ids=["to the end", "to the next quote", "at the end"],
)
def test_an_unclosed_quote_refuses_the_file(body):
    assert refusal(table, "a;b;c\n" + body).code == "unclosed_quote"


def test_an_unclosed_quote_that_swallows_whole_rows_is_no_row():
    swallowed = 'a;b;c\n1;"2;3\n1;2;3\n1;2";3;4;5\n'
    assert refusal(table, swallowed).code == "unclosed_quote"


def test_nul_and_endless_cells_are_held_back():
    made = table(f"a;b;c\n1;\0;3\n1;{'x' * (LONGEST_CELL + 1)};3\n1;2;3\n")
    assert [row.rule for row in made.broken] == ["row.nul", "row.long"]
    assert made.rows.height == 1


@pytest.mark.parametrize(("sign", "name"), [(",", "komma"), ("\t", "tabulator"), ("|", "lodret streg")])
def test_another_delimiter_is_named(sign, name):
    refused = refusal(header_of, f"a{sign}b{sign}c\n", ";", HEADER)
    assert (refused.code, refused.danish) == ("wrong_delimiter", f"Semikolon ventet, {name} fundet.")


def test_a_first_line_of_data_is_no_header_and_is_not_repeated():
    refused = refusal(header_of, "0101701234;x;y\n", ";", HEADER)
    assert refused.code == "no_header"
    assert "0101701234" not in f"{refused} {refused.reason}"


def test_header_faults_are_named_by_place():
    assert refusal(header_of, "a;b;a\n", ";", HEADER).code == "duplicate_column"
    assert refusal(hold_against, ("a", "b"), HEADER).code == "missing_column"
    unknown = refusal(hold_against, ("a", "b", "c", "0101701234"), HEADER)
    assert unknown.code == "unknown_column"
    assert "4" in unknown.danish and "0101701234" not in unknown.reason


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"PK\x03\x04rest", "not_the_format"),
        ("a;b;ø".encode("latin-1"), "not_utf8"),
        ("a;b;ø".encode("utf-16"), "not_utf8"),
    ],
)
def test_what_is_no_text_is_refused(content, code):
    assert refusal(decoded, content).code == code


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert header_of(decoded(b"\xef\xbb\xbfa;b;c\n"), ";", HEADER) == HEADER


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(cells, cells, cells), max_size=8))
def test_what_is_written_by_the_rules_is_read_back(rows):
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=";", quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
    made = table(written.getvalue())
    assert made.rows.drop("line").rows() == rows
    assert not made.broken


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.sampled_from(["", "x", "y z"]), min_size=1, max_size=5), max_size=12))
def test_every_line_with_content_is_a_row_or_held_back(rows):
    lines = [";".join(row) for row in rows]
    made = table("a;b;c\n" + "".join(f"{line}\n" for line in lines))
    numbered = {number for number, line in enumerate(lines, 2) if line}
    assert {*made.rows["line"], *(row.line for row in made.broken)} == numbered


def test_a_hundred_thousand_rows_take_about_a_second():
    text = "a;b;c\n" + "1;2;3\n" * 100_000
    began = time.process_time()
    assert table(text).rows.height == 100_000
    assert time.process_time() - began < 3
