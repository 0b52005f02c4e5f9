"""How values move: which codes become which, and how far numbers and dates are shifted."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports import charts
from pipelines.reports.numbers import NOTHING, count
from pipelines.reports.parts import Picture, Section, Table, cells, headings
from pipelines.reports.rounding import rounded_columns
from pipelines.reports.values import known_code, value_text
from pipelines.reports.view import View

_PICTURES, _ROWS, _CODES, _OFFSETS, _CLASSES = 3, 20, 9, 15, 24


def movements_section(view: View) -> Section:
    """The variables whose values move most, as pictures; the most frequent moves, as tables."""
    coded = [transitions_picture(view, name, view.region) for name in _most_changed(view, "transitions")]
    shifted = [offsets_picture(view, name, view.region) for name in _most_changed(view, "offsets")]
    return Section(
        anchor="vaerdier",
        title=view.text("section.values"),
        lead=view.text("section.values_lead"),
        pictures=tuple(picture for picture in coded + shifted if picture),
        tables=(_transitions_table(view), _offsets_table(view)),
    )


def transitions_picture(view: View, variable: str, region: str | None) -> Picture | None:
    """The heat map of one coded variable; others' counts are rounded, and those that become none carry "<5"."""
    spec, frame = view.variable(variable), _transitions(view, region, variable)
    if spec is None or frame.is_empty():
        return None
    codes = _in_order(spec, frame)
    rows = [
        {
            "reported": value_text(spec, row["reported_value"]),
            "new": value_text(spec, row["new_value"]),
            "n": row["n"],
            "shown": _shown(view, row["n"]),
        }
        for row in sorted(frame.iter_rows(named=True), key=lambda row: _place_of(codes, row))
        if row["reported_value"] in codes and row["new_value"] in codes
    ]
    chart = charts.transitions_chart(rows, view.texts("words", "reported", "new"))
    return Picture(charts.svg(chart), _caption(view, "transitions", variable, region)) if rows else None


def offsets_picture(view: View, variable: str, region: str | None) -> Picture | None:
    """The histogram of one variable's offsets (new − reported): the most frequent ones in order of size, or in
    classes where hardly any two are the same."""
    moved = _of_region(view.results.frame("offsets"), region).filter(pl.col("offset") != 0, variable=variable)
    common = moved.sort("n", "offset", descending=[True, False]).head(_OFFSETS)
    in_classes = common["n"].sum() * 2 < moved["n"].sum()
    shown = _classes(moved) if in_classes else common.filter(pl.col("n") >= view.threshold).sort("offset")
    if shown.is_empty():
        return None
    counted = rounded_columns(shown, view.base, "n").iter_rows(named=True)
    rows = [{"offset": _signed(row["offset"]), "n": row["n"]} for row in counted]
    chart = charts.offsets_chart(rows, *view.texts("chart", "offset_axis", "n_axis"))
    return Picture(charts.svg(chart), _caption(view, "offsets", variable, region))


def _classes(moved: pl.DataFrame) -> pl.DataFrame:
    """Offsets in classes of one width, each named by its middle, a round number; empty ones stand between."""
    span = max(abs(moved["offset"].min()), abs(moved["offset"].max()))
    width = float(f"{2 * span / _CLASSES:.0e}")
    middle = (pl.col("offset") / width).round().cast(pl.Int64)
    counted = moved.group_by(step=middle).agg(pl.col("n").sum())
    every = pl.DataFrame({"step": range(counted["step"].min(), counted["step"].max() + 1)})
    joined = every.join(counted, on="step", how="left", maintain_order="left").fill_null(0)
    return joined.select(offset=pl.col("step") * width, n="n")


def _transitions(view: View, region: str | None, variable: str | None = None) -> pl.DataFrame:
    """One region's transitions (None: of the country) between values that may be shown, of one variable or of all."""
    frame = _of_region(view.results.frame("transitions"), region)
    frame = frame.filter(variable=variable) if variable else frame
    values = pl.struct("variable", "reported_value", "new_value")
    known = frame.filter(values.map_elements(lambda row: _may_be_shown(view, row), return_dtype=pl.Boolean))
    return _rounded(view, known.with_columns(of=values.map_elements(lambda row: _outcome(view, row), pl.String)))


def _outcome(view: View, row: dict[str, Any]) -> str:
    """Which of the counts of agreement a move is part of: moves of one are rounded together."""
    values = (row["reported_value"], row["new_value"])
    missing = [value is None or value in view.spec.variables[row["variable"]].missing for value in values]
    return f"{missing} {values[0] == values[1]}"


def _rounded(view: View, frame: pl.DataFrame) -> pl.DataFrame:
    """What others than the region read: the counts of one whole (`of`, of a variable) as multiples."""
    wholes = frame.group_by("variable", "of", maintain_order=True)
    parts = [rounded_columns(part, view.base, "n") for _, part in wholes]
    return pl.concat([frame.clear(), *parts]).drop("of")


def _shown(view: View, n: int) -> str:
    return count(n) if n or view.base == 1 else f"<{view.base}"


def _may_be_shown(view: View, row: dict[str, Any]) -> bool:
    variable = view.variable(row["variable"])
    return variable is not None and all(known_code(variable, row[f"{s}_value"]) for s in ("reported", "new"))


def _offsets(view: View, region: str | None) -> pl.DataFrame:
    """One region's offsets that enough share: the values of a few would say who moved."""
    moved = _of_region(view.results.frame("offsets"), region).filter(pl.col("offset") != 0)
    return _rounded(view, moved.filter(pl.col("n") >= view.threshold).with_columns(of=pl.lit("moved")))


def _of_region(frame: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """The region's rows; for the country its own rows where they stand, else the sum over regions."""
    own = frame.filter(pl.col("region").eq_missing(pl.lit(region, pl.String)))
    if region is not None or not own.is_empty():
        return own
    keys = [name for name in frame.columns if name not in ("region", "n")]
    return frame.group_by(keys).agg(pl.col("n").sum()).sort(keys)


def _most_changed(view: View, name: str) -> list[str]:
    frame = _offsets(view, view.region)
    if name == "transitions":
        frame = _transitions(view, view.region).filter(_moved())
    counted = frame.group_by("variable").agg(pl.col("n").sum()).filter(pl.col("n") >= 5)
    return counted.sort("n", "variable", descending=[True, False])["variable"].head(_PICTURES).to_list()


def _moved() -> pl.Expr:
    return pl.col("reported_value").ne_missing(pl.col("new_value"))


def _in_order(spec: Any, frame: pl.DataFrame) -> list[str | None]:
    """The codes of the heat map in the domain's order, missing and empty last; the most used if many."""
    used = pl.concat([frame.select(c=side, n="n") for side in ("reported_value", "new_value")])
    most = used.group_by("c").agg(pl.col("n").sum()).sort("n", "c", descending=[True, False])["c"].head(_CODES)
    known = [*spec.domain, *spec.missing]
    return sorted(most.to_list(), key=lambda c: (c is None, known.index(c) if c in known else len(known), c or ""))


def _place_of(codes: list[str | None], row: dict[str, Any]) -> tuple[int, ...]:
    places = [codes.index(row[s]) if row[s] in codes else len(codes) for s in ("reported_value", "new_value")]
    return tuple(places)


def _transitions_table(view: View) -> Table:
    frame = _transitions(view, view.region).filter(_moved())
    return Table(
        title=view.text("table.transitions"),
        note=" ".join(view.rounding_note()),
        headings=headings(*view.texts("column", "variable", "reported_value", "new_value", "n"), text_columns=3),
        rows=tuple(
            cells(
                view.label(row["variable"]),
                *(value_text(view.spec.variables[row["variable"]], row[s]) for s in ("reported_value", "new_value")),
                count(row["n"]),
            )
            for row in _most_frequent(frame, ["variable", "reported_value", "new_value"])
        ),
        empty=view.text("table.none"),
    )


def _offsets_table(view: View) -> Table:
    return Table(
        title=view.text("table.offsets"),
        note=" ".join(view.rounding_note()),
        headings=headings(*view.texts("column", "variable", "offset", "n")),
        rows=tuple(
            cells(view.label(row["variable"]), _signed(row["offset"]), count(row["n"]))
            for row in _most_frequent(_offsets(view, view.region), ["variable", "offset"])
        ),
        empty=view.text("table.none"),
    )


def _most_frequent(frame: pl.DataFrame, ties: list[str]) -> list[dict[str, Any]]:
    """The most frequent moves; what is rounded to none is left out, since its values would say who moved."""
    return (
        frame.filter(pl.col("n") > 0).sort("n", *ties, descending=[True, *(False for _ in ties)]).head(_ROWS).to_dicts()
    )


def _signed(offset: float | None) -> str:
    if offset is None:
        return NOTHING
    return f"{offset:+.6g}".replace(".", ",").replace("-", "−")


def _caption(view: View, name: str, variable: str, region: str | None) -> str:
    place = f" ({view.names.region(region)})" if region else ""
    return view.text(f"chart.{name}", variable=view.label(variable)) + place
