"""Faults in values: each kind is one function from the right value to the wrong one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl

from pipelines.synthetic.faults import Planting

MOJIBAKE = {letter: letter.encode().decode("latin-1") for letter in "æøåÆØÅ"}

Wrong = Callable[[pl.Expr, Planting], pl.Expr]


def unit_factor(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value * planting.parameter("factor")


def unit_linear(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value * planting.parameter("a") + planting.parameter("b")


def constant_offset(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value + planting.parameter("offset")


def decimal_lost(value: pl.Expr, planting: Planting) -> pl.Expr:
    """The comma falls out in transport; a whole number keeps its value."""
    whole = value == value.round(0)
    return pl.when(whole).then(value).otherwise(value * 10 ** planting.parameter("digits", 1))


def sign_flipped(value: pl.Expr, planting: Planting) -> pl.Expr:
    return -value


def rounded(value: pl.Expr, planting: Planting) -> pl.Expr:
    decimals = planting.fault.parameters.get("decimals", 0)
    if planting.parameter("mode", "rounded") == "truncated":
        return (value * 10**decimals).round(6).cast(pl.Int64) / 10**decimals
    return value.round(decimals, mode="half_away_from_zero")


def date_shift(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value + pl.duration(days=planting.parameter("days"))


def timezone_shift(value: pl.Expr, planting: Planting) -> pl.Expr:
    """Danish time written as UTC: one hour earlier in winter, two in summer."""
    danish = value.dt.replace_time_zone("Europe/Copenhagen", ambiguous="earliest", non_existent="null")
    return danish.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def date_precision(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value.dt.truncate({"month": "1mo", "year": "1y"}[planting.parameter("precision")])


def code_recoded(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value.replace(planting.parameter("mapping"))


def code_truncated(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value.str.head(planting.parameter("level"))


def code_prefix(value: pl.Expr, planting: Planting) -> pl.Expr:
    prefix = planting.parameter("prefix")
    return pl.lit(prefix) + value if planting.parameter("change") == "added" else value.str.strip_prefix(prefix)


def text_form(value: pl.Expr, planting: Planting) -> pl.Expr:
    """Another form of the same text. Mojibake: UTF-8 read as Latin-1."""
    return {
        "case": value.str.to_lowercase(),
        "blanks": pl.lit(" ") + value + pl.lit(" "),
        "leading_zeros": value.str.strip_chars_start("0"),
        "mojibake": value.str.replace_many(MOJIBAKE),
    }[planting.parameter("which")]


def day_month_swapped(value: pl.Expr, planting: Planting) -> pl.Expr:
    """3 April read as 4 March, where both are months."""
    day, month = value.dt.day(), value.dt.month()
    return pl.when(day <= 12).then(value.dt.replace(month=day, day=month)).otherwise(value)


def inverted(value: pl.Expr, planting: Planting) -> pl.Expr:
    return value.replace({"yes": "no", "no": "yes"})


def side_swapped(value: pl.Expr, planting: Planting) -> pl.Expr:
    """The two codes of the parameter `mapping`, left and right, exchanged."""
    return value.replace(planting.parameter("mapping"))


def digits_transposed(value: pl.Expr, planting: Planting) -> pl.Expr:
    """The first two digits typed in the wrong order."""
    text = value.cast(pl.String)
    exchanged = text.str.slice(1, 1) + text.str.slice(0, 1) + text.str.slice(2)
    return exchanged.cast(pl.Float64, strict=False).fill_null(value)


VALUE_FAULTS: dict[str, Wrong] = {
    wrong.__name__: wrong
    for wrong in (
        unit_factor, unit_linear, constant_offset, decimal_lost, sign_flipped, rounded, date_shift,
        timezone_shift, date_precision, day_month_swapped, code_recoded, code_truncated, code_prefix,
        text_form, inverted, side_swapped, digits_transposed,
    )
}  # fmt: skip


def plant_in_values(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """The fault in every value of the variable in the slice; empty cells and missing codes stay."""
    name = planting.variable
    wrong = VALUE_FAULTS[planting.fault.kind](pl.col(name), planting)
    kind = frame.schema[name]
    if kind.is_numeric():
        wrong = wrong.cast(pl.Float64).round(planting.fault.parameters.get("written", 6) if kind.is_float() else 0)
    return frame.with_columns(
        pl.when(planting.in_slice(frame)).then(wrong.cast(kind)).otherwise(pl.col(name)).alias(name)
    )


def emptied(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """missing_in_new (missing_in_reported with `side: reported`): neither value nor missing code stands."""
    return _whole_cell(frame, planting, None)


def constant_value(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """A default stands in every cell, whatever was there."""
    return _whole_cell(frame, planting, planting.parameter("value"))


def _as(value: object, kind: pl.DataType) -> pl.Expr:
    """The value in the type of its column; a day is said in ISO."""
    return pl.lit(dt.date.fromisoformat(str(value)) if kind == pl.Date and value is not None else value, kind)


def _whole_cell(frame: pl.DataFrame, planting: Planting, value: object) -> pl.DataFrame:
    name, hit = planting.variable, planting.in_slice(frame)
    return frame.with_columns(
        pl.when(hit).then(_as(value, frame.schema[name])).otherwise(pl.col(name)).alias(name),
        pl.when(~hit).then(pl.col(f"{name}_missing")).alias(f"{name}_missing"),
    )


def missing_collapsed(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """Missing codes become one, or nothing, or a value such as "no", by the parameter `mapping`."""
    name, mapping = planting.variable, planting.parameter("mapping")
    codes, value = pl.col(f"{name}_missing"), pl.col(name)
    values = {old: new for old, new in mapping.items() if new in planting.spec.variables[name].domain}
    moved = frame.select(planting.in_slice(frame) & codes.is_in(list(values))).to_series()
    return frame.with_columns(
        pl.when(planting.in_slice(frame)).then(codes.replace({**mapping, **dict.fromkeys(values)})).otherwise(codes),
        pl.when(moved).then(codes.replace_strict(values, default=None, return_dtype=pl.String)).otherwise(value)
        .alias(name) if values else value,
    )  # fmt: skip


def stale_value(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """The value of the same person's course before this one, where there is one."""
    name, event_date = planting.variable, planting.spec.event_date
    ordered = frame.with_row_index("_row").sort("person", event_date, "record_id")
    earlier = ordered.select("_row", earlier=pl.col(name).shift(1).over("person")).sort("_row")["earlier"]
    stale = pl.when(planting.in_slice(frame) & earlier.is_not_null()).then(earlier).otherwise(pl.col(name))
    return frame.with_columns(stale.alias(name))


def wrong_pick(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """The variable has what the one named by the parameter `other` says, another measurement of the same course."""
    hit, one, other = planting.in_slice(frame), planting.variable, planting.parameter("other")
    return frame.with_columns(
        pl.when(hit).then(pl.col(f"{other}{part}")).otherwise(pl.col(f"{one}{part}")).alias(f"{one}{part}")
        for part in ("", "_missing")
    )


def variables_swapped(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """The variable and the one named by the parameter `other` stand in each other's place."""
    hit, one, other = planting.in_slice(frame), planting.variable, planting.parameter("other")
    return frame.with_columns(
        pl.when(hit).then(pl.col(f"{there}{part}")).otherwise(pl.col(f"{here}{part}")).alias(f"{here}{part}")
        for here, there in ((one, other), (other, one))
        for part in ("", "_missing")
    )
