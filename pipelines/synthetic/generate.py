"""READ FIRST: synthetic data from a specification — courses, the two sides, faults, files, truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.spec.reading import read_source_schemas, read_units
from pipelines.synthetic.courses import simulate
from pipelines.synthetic.faults import Fault, Planting
from pipelines.synthetic.kip_files import kip_files
from pipelines.synthetic.planting import plant, plant_files
from pipelines.synthetic.regions import Regions, read_regions, short_name
from pipelines.synthetic.sides import TakesUp, comparable_courses, forms, messages
from pipelines.synthetic.streams import stream
from pipelines.synthetic.truth import Planted, not_in_schema, truth_csv
from pipelines.synthetic.wsapi_files import wsapi_files


@dataclass(frozen=True)
class Generated:
    """What was made: forms typed, records sent by the new source, courses comparable, files, truth."""

    database: str
    reported: int
    new: int
    comparable: int
    files: tuple[str, ...]
    truth: tuple[Planted, ...]


def generate(
    spec: DatabaseSpec,
    folder_of_spec: Path,
    out: Path,
    *,
    seed: int,
    from_date: dt.date,
    reference_date: dt.date,
    scale: float = 1.0,
    faults: Sequence[Fault] = (),
    takes_up: TakesUp | None = None,
    truth_file: Path | None = None,
) -> Generated:
    """Write an inbox `out/<database>/<source>/<region>/…` and its truth (`out/<database>/truth.csv`).

    `scale` 1 is the published volume; `takes_up` says which regions use a schema version (all, where it is
    not said). The same arguments give the same bytes. Raises InputError where the folder holds files already,
    where the specification publishes no volumes, or where a fault changes nothing.
    """
    inbox = _empty(out / spec.database)
    schemas, regions = read_source_schemas(folder_of_spec, spec), read_regions(spec, folder_of_spec)
    form = newest_form(spec, schemas)
    courses = simulate(spec, read_units(spec, folder_of_spec), seed, scale, from_date, reference_date)
    sides = {
        "reported": forms(spec, courses, seed, reference_date),
        "new": messages(spec, courses, schemas, regions, seed, reference_date, takes_up or {}),
    }
    comparable = comparable_courses(spec, sides["reported"], sides["new"], reference_date)
    plantings = plantings_of(spec, faults, seed, reference_date, regions)
    sides, in_records = plant(sides, plantings, comparable)
    files = kip_files(spec, form, sides["reported"]) | wsapi_files(spec, schemas, sides["new"])
    files, in_files = plant_files(files, plantings)
    truth = (*in_records, *in_files, *not_in_schema(spec, schemas, form, sides["new"], comparable))
    _write(files, inbox)
    (truth_file or inbox / "truth.csv").write_text(truth_csv({spec.database: truth}), "utf-8")
    sent = sides["new"]["record_id"].n_unique()
    return Generated(spec.database, sides["reported"].height, sent, len(comparable), tuple(sorted(files)), truth)


def _empty(inbox: Path) -> Path:
    if any(inbox.glob("*")):
        raise InputError(f"{inbox} holds files already: name an empty folder, so that nothing is mixed.")
    return inbox


def newest_form(spec: DatabaseSpec, schemas: Mapping[tuple[str, str], SourceSchema]) -> SourceSchema:
    """The newest version of the reported side's form."""
    found = [schema for (source, _), schema in schemas.items() if source == spec.sides.reported]
    if not found:
        raise InputError(f"{spec.database} has no format of {spec.sides.reported} beside its specification.")
    return max(found, key=lambda schema: (schema.valid.from_ or dt.date.min, schema.version))


def plantings_of(
    spec: DatabaseSpec, faults: Sequence[Fault], seed: int, reference_date: dt.date, regions: Regions
) -> dict[str, Planting]:
    """Each fault by its id (F01, F02, …) with random numbers of its own."""
    published = spec.published.per_region if spec.published else {}
    short = {region: short_name(region, regions) for region in published}
    return {
        f"F{number:02d}": Planting(spec, fault, stream(seed, "fault", str(number)), reference_date, short)
        for number, fault in enumerate(faults, 1)
    }


def _write(files: Mapping[str, bytes], inbox: Path) -> None:
    for path, content in files.items():
        (inbox / path).parent.mkdir(parents=True, exist_ok=True)
        (inbox / path).write_bytes(content)
