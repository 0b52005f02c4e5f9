"""Plain files in the shape of the typed layer and of the canonical frame, without anything stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb
import polars as pl

from pipelines.spec.model import DatabaseSpec
from pipelines.spec.to_duckdb import Notation, dated_variables, with_units
from pipelines.spec.to_duckdb import conform as conform_query
from pipelines.warehouse.database import Warehouse, in_memory
from pipelines.warehouse.receiving import units_frame
from pipelines.warehouse.versions import canonical_columns

READ_TOGETHER = ("hospital", "sex", "age_band")  # attributes that follow from other columns
FOLLOWS_FROM = {"region": ("unit",), "hospital": ("unit",), "sex": ("person",), "age_band": ("person",)}
SOME = 10_000  # values show whether a column's texts repeat
TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}


def canonical(
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    notation: Notation = "iso",
    units: Iterable[Mapping[str, str]] = (),
) -> pl.DataFrame:
    """The canonical frame of a plain one (see sources.plain), in order of line, and its `line`.

    Columns that hold their variable's type already are passed on without a copy, and of texts that repeat each is read
    once. A text that is neither a value nor a missing code becomes null. Codes are held side by side as they stand,
    with the blanks around them. A column without any value is of type Null and takes no memory.
    """
    frame = frame if frame["line"].is_sorted() else frame.sort("line")
    kinds = dated_variables(spec)
    ready = [name for name in kinds if name != spec.event_date and _is_ready(frame, name, kinds[name])]
    alone = {*spec.attributes, *kinds} - {*READ_TOGETHER, spec.event_date, *ready}
    repeated = sorted(name for name in alone if _repeats(frame, name))
    made = [_read(spec, frame.drop(*ready, *repeated), notation, units), frame.select(ready)]
    made += [_missing_code(frame, name).to_frame() for name in ready if f"{name}_missing" in frame.columns]
    made += _by_word(spec, frame.select(repeated), notation) if repeated else []
    said = {column.name: column for part in made for column in part if column.null_count() < len(column)}
    every = [name for name in canonical_columns(spec) if name != "line"]
    return frame.select("line").with_columns(**{n: said.get(n, pl.lit(None)) for n in every}).select(*every, "line")


def _read(
    spec: DatabaseSpec, frame: pl.DataFrame, notation: Notation, units: Iterable[Mapping[str, str]] = ()
) -> pl.DataFrame:
    """The columns of the canonical frame that a frame may say something of."""
    said = [name for name in canonical_columns(spec) if {name, *_made_from(name)} & {*frame.columns}]
    wanted = ", ".join(f'"{name}"' for name in (*said, "line"))
    return _conformed(spec, frame, notation, units, wanted, ("text", "code", "sks"))


def _made_from(name: str) -> tuple[str, ...]:
    """The other columns that may say what it is: of a missing code the variable's own."""
    return FOLLOWS_FROM.get(name, (name.removesuffix("_missing"),))


def _repeats(frame: pl.DataFrame, name: str) -> bool:
    """Texts of which there are few different ones, each of which alone says what it means."""
    if frame.schema.get(name) != pl.String or f"{name}_missing" in frame.columns:
        return False
    some = frame[name].gather_every(max(1, frame.height // SOME))
    return some.n_unique() <= len(some) // 10


def _by_word(spec: DatabaseSpec, frame: pl.DataFrame, notation: Notation) -> Iterator[pl.DataFrame]:
    """What each row of texts that repeat says, a column and its missing codes at a time; each word is read once."""
    words = {column.name: column.drop_nulls().unique() for column in frame}
    most = max(map(len, words.values()))
    lines = {"line": pl.Series(range(most), dtype=pl.Int64)}
    longest = {name: own.extend_constant(None, most - len(own)) for name, own in words.items()}
    read = _read(spec, pl.DataFrame(lines | longest), notation)
    for name, own in words.items():
        said = read.select({name, f"{name}_missing"} & {*read.columns})
        if said[name].head(len(own)).equals(own, check_dtypes=True):  # each means what stands there
            yield frame.select(name)
        else:
            place = frame[name].replace_strict(own, range(len(own)), default=None, return_dtype=pl.UInt32)
            yield said.select(pl.all().gather(place))


def typed(
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    notation: Notation = "iso",
    units: Iterable[Mapping[str, str]] = (),
) -> pl.DataFrame:
    """The typed rows of a plain frame, as validation wants them: with _uncast, same_id and unit_region."""
    return _conformed(spec, frame, notation, units, "*")


@contextmanager
def typed_view(
    spec: DatabaseSpec, frame: pl.DataFrame, units: Iterable[Mapping[str, str]] = ()
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """The same rows, but for copies (`same_id` is null), as a view: only what a question names is made."""
    with in_memory() as memory, memory.registered(frame) as plain:
        query = _query(memory, spec, plain, "iso", units, ("text",), copies=False)
        memory.connection.execute(f"create temp view typed as {query}")
        yield memory.connection, "typed"


def _conformed(
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    notation: Notation,
    units: Iterable[Mapping[str, str]],
    wanted: str,
    as_it_stands: Collection[str] = ("text",),
) -> pl.DataFrame:
    """The wanted columns only: DuckDB leaves out the work that nobody asked for."""
    with in_memory() as memory, memory.registered(frame) as plain:
        query = _query(memory, spec, plain, notation, units, as_it_stands, copies=wanted == "*")
        return memory.frame(f"select {wanted} from ({query}) order by line")


def _query(
    memory: Warehouse,
    spec: DatabaseSpec,
    plain: str,
    notation: Notation,
    units: Iterable[Mapping[str, str]],
    as_it_stands: Collection[str],
    copies: bool,
) -> str:
    described = memory.connection.execute(f"describe {plain}").fetchall()
    columns = {name: str(kind) for name, kind, *_ in described}
    memory.connection.register("units", units_frame(units))
    query = conform_query(spec, plain, columns, notation, as_it_stands=as_it_stands)
    return with_units(spec, query, "units" if spec.units else None, copies=copies)


def _is_ready(frame: pl.DataFrame, name: str, kind: str) -> bool:
    return name in frame.columns and frame.schema[name] == TYPES.get(kind)


def _missing_code(frame: pl.DataFrame, name: str) -> pl.Series:
    code = pl.col(f"{name}_missing").str.strip_chars(" ")
    return frame.select(pl.when(pl.col(name).is_null() & (code != "")).then(code)).to_series()
