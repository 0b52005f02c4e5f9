"""A register's rows → the columns of an event table, in SQL. Nothing is lost: what will not cast is null and told.

Pure functions; each column has a value and a list of complaints, of which a row may have several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.event_tables import EVENT_TABLES, SQL_TYPES, Kind
from pipelines.spec.register_layouts import ColumnLayout, TableLayout

# Seconds and fractions may be absent; a clock may be written 0830.
TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:?[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?)?$"
DECIMAL = "^[-+]?[0-9]+([.,][0-9]+)?([eE][-+]?[0-9]{1,3})?$"
WEEK = "^[0-9]{2}(0[1-9]|[1-4][0-9]|5[0-3])$"
# Laboratories write "<5", ">= 120" or "≤0,5": the limit is the number, the operator stands apart.
MEASURED = "^(<=|>=|≤|≥|<|>)?\\s*([-+]?[0-9]+(?:[.,][0-9]+)?(?:[eE][-+]?[0-9]{1,3})?)$"

OPERATORS = "map {'≤': '<=', '≥': '>='}"

REASONS = {
    "event.type": "{column} er ikke {kind}; rækken er med uden værdien.",
    "event.unknown_value": "{column} har en værdi, som registeret ikke kender; rækken er med uden værdien.",
    "event.mended": "{column} har en kendt fejlskrivning, som er rettet.",
    "event.missing": "{column} mangler.",
    "event.operator": "Værdien er en grænse (mindre eller større end), ikke et mål.",
    "event.not_a_number": "Værdien er tekst, ikke et tal.",
}
SEVERITIES = {"event.mended": "warning", "event.operator": "warning", "event.not_a_number": "warning"}
KINDS = {
    "timestamp": "en gyldig dato og tid", "date": "en gyldig dato", "decimal": "et tal", "flag": "ja eller nej",
    "week": "en uge skrevet ÅÅUU",
}  # fmt: skip


def history_columns(event: str) -> dict[str, str]:
    """The columns of an event's history and their SQL types: the event's own, then where and when it came from."""
    own = {name: SQL_TYPES[kind] for name, kind in EVENT_TABLES[event].columns.items()}
    return own | {
        "deleted": "boolean", "variant": "varchar", "content_date": "date",
        "receipt_id": "varchar", "line": "bigint",
    }  # fmt: skip


def typed_query(table: TableLayout, incoming: str, columns: Mapping[str, str]) -> str:
    """The rows of `incoming` (whose columns have these SQL types) with the event table's columns and `line`."""
    kinds = EVENT_TABLES[table.event].columns
    values = [f'{_value(table, name, kind, columns)} as "{name}"' for name, kind in kinds.items()]
    return f"select {', '.join(values)}, {_deleted(table)} as deleted, line from {incoming}"


def complaints(table: TableLayout, columns: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Variable, rule and the condition in SQL under which a cell did not become what it should."""
    return [
        (name, rule, broken)
        for name, kind in EVENT_TABLES[table.event].columns.items()
        for rule, broken in _complaints(table, name, kind, columns).items()
    ]


def complaints_query(broken: Sequence[tuple[str, str, str]], incoming: str) -> str:
    """Line and number (in `broken`) of every complaint about the rows of `incoming`, in one pass."""
    numbers = ", ".join(f"case when {condition} then {n} end" for n, (_, _, condition) in enumerate(broken))
    return (
        f"select line, unnest(numbers) as number from "
        f"(select line, list_filter([{numbers}]::integer[], lambda n: n is not null) as numbers from {incoming})"
    )


def reason(table: TableLayout, variable: str, rule: str) -> str:
    """What the finding says, in Danish, with the register's own name of the column; never the value."""
    kind = EVENT_TABLES[table.event].columns[variable]
    return REASONS[rule].format(column=table.columns[variable].names[0], kind=KINDS.get(kind, "en værdi"))


def _value(table: TableLayout, name: str, kind: Kind, columns: Mapping[str, str]) -> str:
    if name in table.constants:
        return quoted(table.constants[name])
    if kind in ("operator", "number"):
        return _measured("text", kind) if "text" in columns else f"null::{SQL_TYPES[kind]}"
    if name not in columns:
        return f"null::{SQL_TYPES[kind]}"
    if _is_ready(name, kind, columns):
        return f'"{name}"'
    return _cast(_said(table.columns[name], name), kind)


def _is_ready(name: str, kind: Kind, columns: Mapping[str, str]) -> bool:
    """Whether the file holds the column in its own type (Parquet), so that nothing can fail."""
    return kind != "text" and columns[name] == SQL_TYPES[kind].upper()


def _said(layout: ColumnLayout, name: str) -> str:
    """The cell's text in our words: vocabulary, translation, mended misspelling, prefix."""
    text = _text(name)
    if layout.values:
        return f"{_map(layout.values)}[{text}]"
    if words := layout.translate | layout.mend:
        text = f"coalesce({_map(words)}[{text}], {text})"
    return f"{quoted(layout.prefix)} || {text}" if layout.prefix else text


def _cast(text: str, kind: Kind) -> str:
    """The text as a value of its kind, null where it is none."""
    casts = {
        "text": ("", text),
        "timestamp": (TIMESTAMP, f"try_cast({_with_colon(text)} as timestamp)"),
        "date": (TIMESTAMP, f"try_cast(left({text}, 10) as date)"),
        "decimal": (DECIMAL, f"try_cast(replace({text}, ',', '.') as double)"),
        "flag": ("", f"try_cast({text} as boolean)"),
        "week": (WEEK, _monday(text)),
    }
    form, value = casts[kind]
    return f"case when regexp_matches({text}, '{form}') then {value} end" if form else value


def _with_colon(text: str) -> str:
    """08:30 where the clock is written 0830."""
    return f"regexp_replace({text}, '([ T][0-9]{{2}})([0-9]{{2}})$', '\\1:\\2')"


def _monday(text: str) -> str:
    """The Monday of an ISO week YYWW; years from 90 are the nineties (the register begins in 1990)."""
    century = f"case when left({text}, 2) >= '90' then '19' else '20' end"
    fourth = f"try_cast({century} || left({text}, 2) || '-01-04' as date)"
    return f"(date_trunc('week', {fourth}) + to_days(7 * (right({text}, 2)::integer - 1)))::date"


def _measured(name: str, kind: Kind) -> str:
    """The operator or the number in a text such as `<5`; null where the text is no measurement."""
    text = _text(name)
    if kind == "number":
        return f"try_cast(replace(nullif(regexp_extract({text}, '{MEASURED}', 2), ''), ',', '.') as double)"
    sign = f"nullif(regexp_extract({text}, '{MEASURED}', 1), '')"
    return f"coalesce({OPERATORS}[{sign}], {sign})"


def _deleted(table: TableLayout) -> str:
    return "true" if table.deletes else "false"


def _complaints(table: TableLayout, name: str, kind: Kind, columns: Mapping[str, str]) -> dict[str, str]:
    """Rule → condition under which a row breaks it for this column."""
    if name not in columns or name in table.constants:
        return {}
    layout, text = table.columns[name], _text(name)
    found = {}
    if name in table.needed:
        found["event.missing"] = f"{text} is null"
    if _is_ready(name, kind, columns):
        return found
    if layout.values:
        found["event.unknown_value"] = f"{text} is not null and not map_contains({_map(layout.values)}, {text})"
    elif kind != "text":
        found["event.type"] = f"{text} is not null and ({_value(table, name, kind, columns)}) is null"
    if layout.mend:
        found["event.mended"] = f"map_contains({_map(layout.mend)}, {text})"
    if name == "text":
        found["event.operator"] = f"({_measured(name, 'operator')}) is not null"
        found["event.not_a_number"] = f"{text} is not null and ({_measured(name, 'number')}) is null"
    return found


def _text(name: str) -> str:
    return f"nullif(trim(\"{name}\"::varchar), '')"


def _map(words: Mapping[str, str | None]) -> str:
    pairs = (
        f"{quoted(key)}: {quoted(value) if value is not None else 'null::varchar'}" for key, value in words.items()
    )
    return f"map {{{', '.join(pairs)}}}"
