"""A register's rows → the columns of an event table, in SQL. Nothing is lost: what will not cast is null and told.

Pure functions. A row is read in three steps: what each cell says (text), what that is (typed), what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.event_tables import EVENT_TABLES, SQL_TYPES, Kind
from pipelines.spec.register_layouts import ColumnLayout, TableLayout

# ISO 8601 without zone; seconds and fractions may be absent, and a clock may be written 0830.
TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:?[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?)?$"
WEEK = "^[0-9]{2}(0[1-9]|[1-4][0-9]|5[0-3])$"
# Laboratories write "<5", ">= 120" or "≤0,5": the limit is the number, the operator stands apart.
OPERATORS = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "≤": "<=", "≥": ">="}
NUMERIC = (
    "DOUBLE",
    "FLOAT",
    "BIGINT",
    "INTEGER",
    "SMALLINT",
    "TINYINT",
    "UBIGINT",
    "UINTEGER",
    "USMALLINT",
    "UTINYINT",
)
TEMPORAL = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
READY: dict[Kind, tuple[str, ...]] = {
    "timestamp": TEMPORAL, "date": TEMPORAL, "decimal": NUMERIC, "flag": ("BOOLEAN",), "week": TEMPORAL,
}  # fmt: skip

REASONS = {
    "event.type": "{column} er ikke {kind}; rækken er med uden værdien.",
    "event.unknown_value": "{column} har en værdi, som registeret ikke kender; rækken er med uden værdien.",
    "event.mended": "{column} har en kendt fejlskrivning, som er rettet.",
    "event.missing": "{column} mangler.",
    "event.operator": "Værdien er en grænse (mindre eller større end), ikke et mål.",
    "event.not_a_number": "Værdien er tekst, ikke et tal.",
}
SEVERITIES = {"event.mended": "warning", "event.operator": "warning", "event.not_a_number": "warning"}
KINDS: dict[Kind, str] = {
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
    """The rows of `incoming` (its columns and their SQL types) as the event's columns, `line` and `complaints`.

    `complaints` is a list of positions in `rules(table, columns)`, null where nothing is wrong.
    """
    kinds = EVENT_TABLES[table.event].columns
    said = [f'{_text(name)} as "said_{name}"' for name in columns if name != "line"]
    typed = [f'{_value(table, name, kind, columns)} as "{name}"' for name, kind in kinds.items()]
    conditions = [broken for _, _, broken in _rules(table, columns)]
    numbers = ", ".join(f"case when {broken} then {n} end" for n, broken in enumerate(conditions))
    complaints = f"case when {' or '.join(conditions)} then [{numbers}] end" if conditions else "null::integer[]"
    return f"""
        with said as (select *, {", ".join(said)} from {incoming}),
        typed as (select {", ".join(typed)}, columns('^said_.*'), line from said)
        select columns(c -> not starts_with(c, 'said_')), {str(table.deletes).lower()} as deleted,
            {complaints} as complaints from typed
        """


def rules(table: TableLayout, columns: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variable and rule of everything that a cell of such a file can be told for, in a fixed order."""
    return [(name, rule) for name, rule, _ in _rules(table, columns)]


def reason(table: TableLayout, variable: str, rule: str) -> str:
    """What the finding says, in Danish, with the register's own name of the column; never the value."""
    kind = EVENT_TABLES[table.event].columns[variable]
    return REASONS[rule].format(column=table.columns[variable].names[0], kind=KINDS.get(kind, "en værdi"))


def _value(table: TableLayout, name: str, kind: Kind, columns: Mapping[str, str]) -> str:
    if name in table.constants:
        return quoted(table.constants[name])
    if kind in ("operator", "number"):
        return _measured(kind) if "text" in columns else f"null::{SQL_TYPES[kind]}"
    if name not in columns:
        return f"null::{SQL_TYPES[kind]}"
    if _is_ready(name, kind, columns):
        return f'"{name}"::{SQL_TYPES[kind]}'
    return _cast(_in_our_words(table.columns[name], f'"said_{name}"'), kind)


def _is_ready(name: str, kind: Kind, columns: Mapping[str, str]) -> bool:
    """Whether the file holds the column in a type of its kind (Parquet), so that nothing can fail."""
    return columns[name] in READY.get(kind, ())


def _in_our_words(layout: ColumnLayout, text: str) -> str:
    """The cell's text after vocabulary, translation, mended misspelling and prefix."""
    if layout.values:
        return _looked_up(text, layout.values)
    if words := layout.translate | layout.mend:
        text = _looked_up(text, words, otherwise=text)
    return f"{quoted(layout.prefix)} || {text}" if layout.prefix else text


def _cast(text: str, kind: Kind) -> str:
    """The text as a value of its kind, null where it is none."""
    casts: dict[Kind, str] = {
        "text": text,
        "timestamp": _time(text),
        "date": f"({_time(text)})::date",
        "decimal": _number(text),
        "flag": f"try_cast({text} as boolean)",
        "week": f"case when regexp_matches({text}, '{WEEK}') then {_monday(text)} end",
    }
    return casts[kind]


def _time(text: str) -> str:
    colon = f"left({text}, 13) || ':' || right({text}, 2)"
    clock = f"case when {text} like '____-__-__ ____' then {colon} else {text} end"
    return f"case when regexp_matches({text}, '{TIME}') then try_cast({clock} as timestamp) end"


def _number(text: str) -> str:
    """A number with decimal point or comma; not the words (nan, inf) that a cast would take as well."""
    value = f"try_cast(replace({text}, ',', '.') as double)"
    return f"case when isfinite({value}) then {value} end"


def _monday(text: str) -> str:
    """The Monday of an ISO week YYWW; years from 90 are the nineties (the register begins in 1990)."""
    century = f"case when left({text}, 2) >= '90' then '19' else '20' end"
    fourth = f"try_cast({century} || left({text}, 2) || '-01-04' as date)"
    return f"(date_trunc('week', {fourth}) + to_days(7 * (right({text}, 2)::integer - 1)))::date"


def _measured(kind: Kind) -> str:
    """The operator or the number in a text such as `<5`; null where the text is no measurement."""
    limit = "left(said_text, 1) in ('<', '>', '≤', '≥')"
    operator = _looked_up("regexp_extract(said_text, '^[<>≤≥]=?')", OPERATORS)
    number = _number("regexp_replace(said_text, '^[<>≤≥]=? *', '')")
    if kind == "operator":
        return f"case when {limit} and {number} is not null then {operator} end"
    return f"case when not {limit} then {_number('said_text')} when {operator} is not null then {number} end"


def _rules(table: TableLayout, columns: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Variable, rule and the condition on the said and typed columns under which the rule is broken."""
    kinds = EVENT_TABLES[table.event].columns
    present = [name for name in kinds if name in columns and name not in table.constants]
    return [(name, rule, f"({broken})") for name in present for rule, broken in _broken(table, name, columns).items()]


def _broken(table: TableLayout, name: str, columns: Mapping[str, str]) -> dict[str, str]:
    layout, kind, said = table.columns[name], EVENT_TABLES[table.event].columns[name], f'"said_{name}"'
    found = {"event.missing": f"{said} is null"} if name in table.needed else {}
    if _is_ready(name, kind, columns):
        return found
    if layout.values:
        known = ", ".join(map(quoted, layout.values))
        found["event.unknown_value"] = f"{said} not in ({known})"
    elif kind != "text":
        found["event.type"] = f'{said} is not null and "{name}" is null'
    if layout.mend:
        found["event.mended"] = f"{said} in ({', '.join(map(quoted, layout.mend))})"
    if name == "text":
        found["event.operator"] = "operator is not null"
        found["event.not_a_number"] = f"{said} is not null and number is null"
    return found


def _text(name: str) -> str:
    """The cell as text without spaces around it, null where it is empty (trim itself is slow on every cell)."""
    text = f'"{name}"::varchar'
    spaced = f"{text} like ' %' or {text} like '% '"
    return f"case when {spaced} then nullif(trim({text}), '') when {text} <> '' then {text} end"


def _looked_up(text: str, words: Mapping[str, str | None], otherwise: str = "null") -> str:
    cases = " ".join(f"when {quoted(w)} then {quoted(v) if v is not None else 'null'}" for w, v in words.items())
    return f"(case {text} {cases} else {otherwise} end)"
