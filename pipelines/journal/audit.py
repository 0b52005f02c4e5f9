"""The two steps of a journal audit: draw the sheets from the latest run, and read them back as figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines import audit
from pipelines.journal.figures import audit_figures, counted
from pipelines.journal.filled import answers_of
from pipelines.journal.sample import KEPT, Lots, draw
from pipelines.journal.sheet import plain_sheet
from pipelines.project import InputError
from pipelines.reconciliation import reconcile as reconciling
from pipelines.reports import publish, runs
from pipelines.reports.workbook import locked
from pipelines.run import Run, opened
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.frames import load, save
from pipelines.warehouse.key import read_key, region_password

FRAME = "journal_audit"  # every audit's drawn rows, without persons and values
FIGURES, COUNTS = "journal_audit", "journal_audit_counts"


@dataclass(frozen=True)
class Size:
    """How many rows to draw of each variable's strata, and of each stratum of records; of which variables."""

    values: int = 10
    records: int = 30
    variables: Sequence[str] = ()


def draw_sheets(run: Run, seed: int, size: Size) -> tuple[str, list[Path]]:
    """Draw an audit of the latest run: its name, and the encrypted sheet of each region.

    The same seed on the same run draws the same rows. Raises InputError where that audit was drawn before, the
    sizes are none, or the warehouse holds another comparison than the one that was published.
    """
    variables = _held_size(run, size)
    latest = runs.latest_run(run.project.results(run.database))
    name = f"{latest.name}-{seed}"
    folder = _folder(run, name)
    if folder.exists():
        raise InputError(f"The journal audit {name} was drawn before: fill in its sheets, or choose another --seed.")
    with opened(run) as warehouse:
        found = _published(run, warehouse, latest)
        drawn = draw(found, Lots(read_key(run.project), name), variables, size.values, size.records)
        _keep(warehouse, name, drawn)
        return name, _write_sheets(run, name, drawn, folder)


def read_sheets(run: Run, files: list[Path], name: str | None = None) -> pl.DataFrame:
    """The figures (figures.SCHEMA) of the filled sheets, one per region; written beside the sheets too.

    Raises InputError where a sheet is missing or has been filled in wrongly: then nothing is written.
    """
    with opened(run) as warehouse:
        name, drawn = _drawn(warehouse, name)
    passwords = {region: password(run, region, name) for region in sorted(set(drawn["region"]))}
    answers = answers_of(drawn, files, passwords)
    audit.record(run.project, run.database, f"journal audit {name}", f"{len(files)} filled sheets read")
    counts = counted(answers)
    figures = audit_figures(counts)
    folder = _folder(run, name)
    folder.mkdir(parents=True, exist_ok=True)
    publish.write_frames(folder, {FIGURES: figures, COUNTS: counts})
    return figures


def password(run: Run, region: str, name: str | None = None) -> str:
    """The password of a region's sheet of an audit (the one drawn last); it goes to the region by another channel."""
    if name is None:
        with opened(run) as warehouse:
            name, drawn = _drawn(warehouse, name)
        if region not in set(drawn["region"]):
            known = ", ".join(sorted(set(drawn["region"])))
            raise InputError(f"There is no sheet for '{region}' in {name}: the regions are {known}.")
    return region_password(read_key(run.project), run.database, region, f"journal audit {name}")


def _held_size(run: Run, size: Size) -> list[str]:
    """The variables to ask about, all that are compared unless some are named."""
    if size.values < 1 or size.records < 1:
        raise InputError("A journal audit draws at least one row a stratum: give --values and --records from 1 up.")
    if strange := [name for name in size.variables if name not in run.spec.compared]:
        raise InputError(f"'{strange[0]}' is no variable that {run.database} compares: see its specification.")
    return list(size.variables) or list(run.spec.compared)


def _published(run: Run, warehouse: Warehouse, latest: Path) -> reconciling.Reconciliation:
    """The comparison of the latest run, as the warehouse still holds it."""
    frames = {name: load(warehouse, name) for name in reconciling.FRAMES}
    found = reconciling.from_frames(run.spec, dt.date.fromisoformat(latest.name[:10]), frames)
    if not found.pairs["pair_id"].equals(pl.read_parquet(latest / "pairs.parquet")["pair_id"]):
        raise InputError(f"The warehouse has gone on since {latest.name} was published: run `sammenhold run` first.")
    return found


def _keep(warehouse: Warehouse, name: str, drawn: pl.DataFrame) -> None:
    """This audit's rows, last among those of all audits."""
    try:
        earlier = load(warehouse, FRAME).filter(pl.col("audit") != name)
    except InputError:  # the first audit
        earlier = pl.DataFrame(schema={"audit": pl.String, **KEPT})
    save(warehouse, FRAME, pl.concat([earlier, drawn.select(pl.lit(name).alias("audit"), *KEPT)]))


def _drawn(warehouse: Warehouse, name: str | None) -> tuple[str, pl.DataFrame]:
    """An audit's name and rows: the one named, else the one drawn last."""
    try:
        kept = load(warehouse, FRAME)
    except InputError:
        raise InputError("No journal audit was drawn yet: run `sammenhold journal-audit` without --filled.") from None
    name = name or kept["audit"][-1]
    rows = kept.filter(audit=name)
    if rows.is_empty():
        known = ", ".join(kept["audit"].unique(maintain_order=True))
        raise InputError(f"There is no journal audit '{name}': there are {known}.")
    return name, rows


def _write_sheets(run: Run, name: str, drawn: pl.DataFrame, folder: Path) -> list[Path]:
    building = folder.with_name(f".building-{name}")
    publish.start(building)
    for region in sorted(set(drawn["region"])):
        own = drawn.filter(region=region)
        persons = pl.concat([own["person_reported"], own["person_new"]])
        audit.record(run.project, run.database, f"journal audit {name} {region}", "a sheet for clinicians", persons)
        sheet = locked(plain_sheet(run.spec, drawn, region, run.names), password(run, region, name))
        (building / f"{region}.xlsx").write_bytes(sheet)
    publish.publish_folder(building, folder)
    return sorted(folder.glob("*.xlsx"))


def _folder(run: Run, name: str) -> Path:
    return run.project.results(run.database) / "journal-audit" / name
