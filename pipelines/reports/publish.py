"""Writing the contract files of a run, and publishing them by one rename.

Files are written into a folder beside their place and become visible all at once. A run's folder is named
by its reference date and a hash of its content: the same inputs give the same name and the same bytes, and
what was published is never overwritten.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.explain.cause import Explanation
from pipelines.explain.sentences import Words
from pipelines.project import InputError
from pipelines.reconciliation.discrepancies import COLUMNS
from pipelines.reconciliation.history import first_history, history, kept, read_history
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.reports.exchange import exchange
from pipelines.reports.manifest import MANIFEST, is_intact, seal
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.reading import fingerprint

FRAMES = (
    "pairs", "unmatched", "coverage", "coverage_adjusted", "changeover", "agreement", "figures", "transitions",
    "offsets", "indicators", "indicator_differences", "control_charts", "signals", "discrepancies", "not_comparable",
)  # fmt: skip
# These have a row for each pair, or each cell that differs.
IN_PARTS = ("pairs", "discrepancies")
VALUES = ("reported_value", "new_value")
BATCH = 1 << 16  # values that are encoded together
WORDS = pa.dictionary(pa.int32(), pa.large_string())
DISCREPANCY_COLUMNS = (*COLUMNS, "cause_id", "first_seen", "state")
# Everything that a run of `reconcile` writes.
WRITTEN = frozenset(
    {f"{name}.parquet" for name in (*FRAMES, "history", "receipts", "findings", "published")}
    | {"summary.json", "causes.json", "gate.json", "report.html", MANIFEST}
)
# What a run's name is made of: the findings of the run, not when its files happened to arrive.
NAMED_BY = ("summary.json", "causes.json", "discrepancies.parquet", "pairs.parquet", "findings.parquet")


def start(building: Path) -> None:
    """An empty folder for files that are published together; what a broken run left there is removed."""
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)


def start_run(building: Path) -> None:
    """The same for a run of a database, of which only one is under way: whatever others left is removed."""
    for left in building.parent.glob(".building*"):
        shutil.rmtree(left)
    start(building)


def write_frames(folder: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd")


@contextmanager
def in_parts(path: Path) -> Iterator[Callable[[pl.DataFrame], None]]:
    """A function that appends a part to one file; it is written while the caller makes the next one.

    At most two parts are in memory. Words that the caller numbered (Enum) are written as they stand; ids, which never
    recur, are not searched for recurrence. Readers see text in both. Bounds could spare a reader a part by its
    variable, and by nothing else.
    """
    writer: pq.ParquetWriter | None = None
    under_way: Future | None = None

    def append(part: pl.DataFrame) -> None:
        nonlocal writer, under_way
        table = _values_as_words(part.to_arrow(compat_level=pl.CompatLevel.oldest()))
        writer = writer or _writer(path, table.schema)
        if under_way:
            under_way.result()
        under_way = pool.submit(writer.write_table, table)

    with ThreadPoolExecutor(1) as pool:
        try:
            yield append
            if under_way:
                under_way.result()
        finally:
            pool.shutdown()
            if writer:
                writer.close()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    ids = {name: "DELTA_LENGTH_BYTE_ARRAY" for name in schema.names if name.endswith("_id") or name == "said"}
    return pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, store_schema=False, write_batch_size=BATCH,
        use_dictionary=[name for name in schema.names if name not in ids], column_encoding=ids,
        write_statistics=[name for name in schema.names if name == "variable"],
    )  # fmt: skip


def _values_as_words(part: pa.Table) -> pa.Table:
    """Values as numbers of one width in every part, though each part has words of its own, many or few."""
    for at, name in enumerate(part.column_names):
        if name in VALUES:
            chunks = part.column(at).dictionary_encode().chunks
            part = part.set_column(at, name, pa.chunked_array(map(_wide, chunks), WORDS))
    return part


def _wide(words: pa.DictionaryArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(words.indices.cast(pa.int32()), words.dictionary)


def write_reconciliation(folder: Path, found: Reconciliation, previous: Path | None = None) -> None:
    """The Parquet files of the contract that the reconciliation gives, and what became of earlier discrepancies.

    The two large ones are made at the same time.
    """
    with ThreadPoolExecutor(1) as pool:
        pairs = pool.submit(_write_pairs, folder, found)
        _write_discrepancies(folder, found, previous)
        write_frames(folder, {name: getattr(found, name) for name in FRAMES if name not in IN_PARTS})
        pairs.result()
    for side in found.sides.values():
        side.let_go("record_id")


def _write_pairs(folder: Path, found: Reconciliation) -> None:
    with in_parts(folder / "pairs.parquet") as append:
        for part in found.pair_parts():
            append(part)


def _write_discrepancies(folder: Path, found: Reconciliation, previous: Path | None) -> None:
    files = (folder / "discrepancies.parquet", folder / "history.parquet")
    with in_parts(files[0]) as append, in_parts(files[1]) as append_history:
        for part, told in _with_their_history(found, read_history(previous)):
            append(part.with_columns(cause_id=pl.lit(None, pl.Enum([]))))
            append_history(told)


def _with_their_history(found: Reconciliation, earlier: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The discrepancies and their history; in parts where there is no earlier run, which all must be held against."""
    if len(earlier):
        whole = found.discrepancies
        told = history(found.spec, whole, found.pairs, found.records, earlier, found.reference_date)
        joined = told.select("discrepancy_id", "first_seen", "state")
        yield whole.join(joined, on="discrepancy_id", how="left", maintain_order="left"), kept(told)
        return
    for part in found.discrepancy_parts():
        told = first_history(part, found.reference_date)
        yield part.with_columns(told["first_seen"], told["state"]), told


def write_explanation(folder: Path, explanation: Explanation, words: Words) -> None:
    """causes.json, the cause of each discrepancy, and from it the reason of unmatched records."""
    write_json(folder / "causes.json", explanation.contract(words))
    found = pl.read_parquet(folder / "discrepancies.parquet").drop("cause_id")
    told = found.join(explanation.cause_ids(), on="discrepancy_id", how="left", maintain_order="left")
    alone = pl.read_parquet(folder / "unmatched.parquet")
    frames = {"discrepancies": told.select(DISCREPANCY_COLUMNS), "unmatched": _reasoned(alone, told, explanation)}
    write_frames(folder, frames)


def _reasoned(alone: pl.DataFrame, told: pl.DataFrame, explanation: Explanation) -> pl.DataFrame:
    """Unmatched records with the kind of their cause as reason, where they have one."""
    kinds = {cause.id: cause.kind for cause in explanation.causes}
    of_records = told.filter(pl.col("variable").is_null() & pl.col("cause_id").is_not_null()).select(
        record_id=pl.coalesce("reported_id", "new_id"),
        side=pl.when(pl.col("new_id").is_null()).then(pl.lit("reported")).otherwise(pl.lit("new")),
        cause=pl.col("cause_id").replace_strict(kinds, default=None, return_dtype=pl.String),
    )
    joined = alone.join(of_records, on=["side", "record_id"], how="left", maintain_order="left")
    return joined.with_columns(reason=pl.coalesce("cause", "reason")).drop("cause")


def write_summary(
    folder: Path, spec: DatabaseSpec, reconciliation: Reconciliation, explanation: Explanation
) -> dict[str, Any]:
    """summary.json, which it also gives back."""
    causes = {"causes": len(explanation.causes), "unexplained": explanation.unexplained}
    summary = {
        "database": spec.database,
        "spec_version": spec.version,
        "spec_fingerprint": fingerprint(spec),
        "reference_date": reconciliation.reference_date.isoformat(),
        "counts": reconciliation.counts() | causes,
    }
    write_json(folder / "summary.json", summary)
    return summary


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False) + "\n", "utf-8")


def run_name(folder: Path, reference_date: dt.date) -> str:
    """For instance 2026-09-30-1f0c9a2b."""
    content = hashlib.sha256()
    for name in NAMED_BY:
        path = folder / name
        content.update(path.read_bytes() if path.is_file() else b"")
    content.update(_judged_gate(folder).encode())
    return f"{reference_date}-{content.hexdigest()[:8]}"


def _judged_gate(folder: Path) -> str:
    """The same findings judged by another gate are another decision, which must not be lost behind the first."""
    path = folder / "gate.json"
    return json.loads(path.read_text("utf-8"))["gate"] if path.is_file() else ""


def publish_run(building: Path, results: Path, reference_date: dt.date) -> Path:
    """Make a finished run visible under its own name, sealed, and `latest` point to it.

    Where the same run stands already it stays as it is, unless it was altered: then it is replaced.
    """
    target = results / run_name(building, reference_date)
    seal(building)
    if target.exists() and is_intact(target):
        shutil.rmtree(building)
    else:
        publish_folder(building, target)
    pointer = results / ".latest"
    pointer.write_text(target.name + "\n", "utf-8")
    os.replace(pointer, results / "latest")
    return target


def publish_folder(building: Path, out: Path) -> None:
    """Put a finished folder in its place; an earlier one there is replaced whole."""
    if not out.exists():
        os.replace(building, out)
        return
    exchange(building, out)
    shutil.rmtree(building)


def refuse_foreign(out: Path) -> None:
    """An output folder may be new, empty or hold nothing but an earlier result: the rest is not ours to replace."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a folder for the results.")
    if out.is_dir() and any(path.name not in WRITTEN for path in out.iterdir()):
        raise InputError(f"{out} holds other files: name an empty folder or one with earlier results.")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise InputError(f"Results cannot be written to {out.parent}: name a folder there is, and may be written to.")
