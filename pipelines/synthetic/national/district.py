"""One district of a country: its persons, their courses in every database, and what each source says of them.

A district depends on the setting and its own number only, so that districts can be made in any order, side by side
and in blocks of any size. Courses are made one by one (see `country`); the registers of everybody else in bulk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.synthetic.country import (
    Database,
    KnownOf,
    derives,
    of_register,
    registered,
    sent_beside,
    sent_of,
    with_record_ids,
)
from pipelines.synthetic.courses import simulate_so_many
from pipelines.synthetic.deliveries import CHANGED, register_files
from pipelines.synthetic.events import Event
from pipelines.synthetic.generate import newest_form
from pipelines.synthetic.kip_files import kip_files
from pipelines.synthetic.national.blocks import Country, death_rows, hospital, laboratory, medicine, person_rows
from pipelines.synthetic.national.frequencies import Codes, all_codes
from pipelines.synthetic.national.people import FORMER, NEVER, People, numbers, padded, people, serials
from pipelines.synthetic.national.setting import Setting, courses_before, databases, leading_codes, units_of
from pipelines.synthetic.population import described
from pipelines.synthetic.regions import Regions, short_name
from pipelines.synthetic.registers import last_days
from pipelines.synthetic.sides import forms, submission_id
from pipelines.synthetic.streams import stream
from pipelines.synthetic.wsapi_files import submissions


@dataclass(frozen=True)
class District:
    """What a district adds to the files of its country, each by path.

    `forms`: whole CSV files, head line included. `submissions`: how the file begins, and records. `tables`: rows of
    registers, in bulk and of courses. `reports`: whole files. `counts`: courses and forms by database.
    """

    forms: Mapping[str, bytes]
    submissions: Mapping[str, tuple[bytes, list[bytes]]]
    tables: Mapping[str, list[pa.Table]]
    reports: Mapping[str, bytes]
    counts: Mapping[str, Mapping[str, int]]
    courses: Mapping[str, pl.DataFrame]

    def without_tables(self) -> District:
        """The same without what is large and written elsewhere."""
        return replace(self, tables={}, courses={})


def district(setting: Setting, number: int) -> District:
    """The district of this number, in every source."""
    plan, (low, high) = setting.plan(number), setting.bounds(number)
    all_ = {one.spec.database: replace(one, plan=plan) for one in databases(setting)}
    inhabitants = people(low, high, setting.from_date, setting.reference_date, setting.seed)
    everybody = _everybody(setting, inhabitants, plan.seed)
    drawn = _courses(setting, all_, everybody.filter("stays"), low, high)
    known_of = KnownOf(
        last_days([(all_[name].spec, courses) for name, courses in drawn.items()]),
        set(everybody["person"]),
        plan.reference_date,
    )
    of_registers = {name: one for name, one in all_.items() if name in drawn and derives(one.spec)}
    held, read = registered(of_registers, drawn, known_of)
    drawn |= read
    reported = {name: _forms(setting, all_[name], drawn[name], low) for name in drawn}
    sent = {name: _sent(setting, all_[name], of_register(drawn[name], held[name]) if name in held else drawn[name], low)
            for name in drawn if name not in held or all_[name].sends}  # fmt: skip
    in_courses = everybody["person"].is_in([person for courses in drawn.values() for person in courses["person"]])
    events = known_of.events(course for courses in held.values() for course in courses)
    tables, reports = _registers(setting, number, inhabitants, everybody, in_courses, events)
    return District(
        _by_path({name: kip_files(all_[name].spec, newest_form(all_[name].spec, all_[name].schemas), frame)
                  for name, frame in reported.items()}),
        _by_path({name: submissions(all_[name].spec, all_[name].schemas, frame, _source(all_[name]))
                  for name, frame in sent.items()}),
        tables, reports,
        {name: {"courses": courses.height, "forms": reported[name].height} for name, courses in drawn.items()},
        drawn,
    )  # fmt: skip


def _by_path(files: Mapping[str, Mapping]) -> dict:
    return {f"{name}/{path}": content for name, found in files.items() for path, content in found.items()}


def _source(one: Database) -> str:
    """Where the regions' messages come from."""
    return "wsapi" if derives(one.spec) else one.spec.sides.new


def _everybody(setting: Setting, inhabitants: People, seed: int) -> pl.DataFrame:
    """The inhabitants as `population` tells of persons; `stays`: neither dies nor leaves. One row a place."""
    persons = pl.DataFrame({
        "person": pl.from_arrow(inhabitants.number), "birth_date": pl.Series(inhabitants.born).cast(pl.Date),
    })  # fmt: skip
    days = (setting.reference_date - setting.from_date).days + 1
    rng = stream(seed, "homes")
    found = described(persons, [], setting.municipalities, setting.from_date, rng, days)
    dies = pl.Series(inhabitants.died != NEVER)
    # Who dies has not left before.
    return found.with_columns(
        emigrated=pl.when(~dies & (pl.col("emigrated") > pl.col("birth_date"))).then("emigrated"),
    ).with_columns(stays=~dies & pl.col("emigrated").is_null())


def _courses(
    setting: Setting, all_: Mapping[str, Database], persons: pl.DataFrame, low: int, high: int
) -> dict[str, pl.DataFrame]:
    """The courses of each database that has some here; they are numbered on from the districts before."""
    found = {}
    for name, one in all_.items():
        before, until = (courses_before(setting, one, place) for place in (low, high))
        counts = {region: until[region] - n for region, n in before.items()}
        if sum(counts.values()) == 0:
            continue
        plan, units = one.plan, units_of(setting, name)
        drawn = simulate_so_many(one.spec, units, plan.seed, counts, plan.from_date, plan.reference_date, persons)
        drawn = drawn.with_columns(course=pl.col("course") + sum(before.values()))
        found[name] = with_record_ids(one.spec, drawn) if derives(one.spec) else drawn
    return found


def _forms(setting: Setting, one: Database, courses: pl.DataFrame, low: int) -> pl.DataFrame:
    """The typed forms, numbered on from the districts before."""
    before = sum(courses_before(setting, one, low).values())
    typed = forms(one.spec, courses.drop("record_id", strict=False), one.plan.seed, one.plan.reference_date)
    return typed.with_columns(record_id=_numbered_on("record_id", pl.lit(before)))


def _sent(setting: Setting, one: Database, courses: pl.DataFrame, low: int) -> pl.DataFrame:
    """The regions' messages: records numbered on from the districts before, a submission for each month."""
    derived = derives(one.spec)
    sent = sent_beside(one, courses.filter(~pl.col("mistaken"))) if derived else sent_of(one, courses)
    before = pl.col("region").replace_strict(courses_before(setting, one, low), return_dtype=pl.Int64)
    return sent.with_columns(record_id=_numbered_on("record_id", before)).pipe(_monthly, setting, one.regions)


def _numbered_on(column: str, before: pl.Expr) -> pl.Expr:
    """An id such as W-NJ-000012 with a number so much higher."""
    number = pl.col(column).str.extract("([0-9]+)$").cast(pl.Int64) + before
    return pl.col(column).str.extract("^(.*?)[0-9]+$") + number.cast(pl.String).str.zfill(6)


def _monthly(sent: pl.DataFrame, setting: Setting, regions: Regions) -> pl.DataFrame:
    """Submissions numbered by month, the same in every district."""
    day, first = pl.col("sent"), setting.from_date
    numbered = sent.with_columns(sequence=(day.dt.year() - first.year) * 12 + day.dt.month() - first.month + 1)
    names = [
        submission_id(short_name(region, regions), sequence)
        for region, sequence in numbered.select("region", "sequence").iter_rows()
    ]
    return numbered.with_columns(submission=pl.Series(names, dtype=pl.String))


def _registers(
    setting: Setting,
    number: int,
    inhabitants: People,
    everybody: pl.DataFrame,
    in_courses: pl.Series,
    events: list[Event],
) -> tuple[dict[str, list[pa.Table]], dict[str, bytes]]:
    """The registers' rows: of the persons with courses as events tell them, of all others in bulk."""
    plan = setting.plan(number)
    changed = _changed_numbers(inhabitants, stream(plan.seed, "changed numbers"))
    theirs = everybody.filter(in_courses)
    files = register_files(events, theirs, plan, changed, f"{number:04d}-")
    reports = {path: content for path, content in files.items() if path.endswith(".json")}
    tables = {path: [pl.read_parquet(content).to_arrow()] for path, content in files.items() if path not in reports}
    others = ~in_courses.to_numpy()
    for path, table in _in_bulk(setting, number, inhabitants.some(others), everybody.filter(others)).items():
        tables.setdefault(path, []).append(table)
    return tables, reports


def _changed_numbers(inhabitants: People, rng: np.random.Generator) -> dict[str, str]:
    """Present number → the one before it, for some; no other person has ever had that."""
    chosen = (rng.random(len(inhabitants)) < CHANGED) & (inhabitants.running < serials(FORMER).shape[-1])
    former = padded(numbers(inhabitants.born[chosen], inhabitants.running[chosen], FORMER), 10)
    return dict(zip(inhabitants.number.filter(pa.array(chosen)).to_pylist(), former.to_pylist(), strict=True))


FOLDERS = {
    "cpr_person": "cpr", "t_dodsaarsag_2": "dar", "lab_forsker": "lab", "lmdb": "lmdb", "lpr_a_kontakt": "lpr",
    "lpr_a_diagnose": "lpr", "lpr_a_procregistrering": "lpr",
}  # fmt: skip


def _in_bulk(setting: Setting, number: int, others: People, told: pl.DataFrame) -> dict[str, pa.Table]:
    """A district's registers of persons without courses, by path. No code of theirs leads into a database."""
    low, _ = setting.bounds(number)
    left = told["emigrated"].to_numpy().astype("datetime64[D]")
    alive = replace(others, disease=np.full(len(others), -1, np.int8),
                    died=np.where(np.isnat(left), others.died, left - np.timedelta64(1, "D")))  # fmt: skip
    land = Country(alive, setting.from_date, setting.reference_date, setting.seed, _codes(setting), name=f"{number}/",
                   contacts_before=low * setting.contacts_a_person)  # fmt: skip
    rows = hospital(land, 0) | {"lab_forsker": laboratory(land, 0), "lmdb": medicine(land, 0)}
    real = replace(land, people=others)
    rows |= {"cpr_person": _with_homes(person_rows(real, 0, len(others)), told), "t_dodsaarsag_2": death_rows(real)}
    on: dt.date = setting.reference_date
    return {f"registers/{FOLDERS[name]}/national/{name}_{on}.parquet": table for name, table in rows.items()}


@lru_cache(maxsize=2)
def _codes(setting: Setting) -> dict[str, Codes]:
    return all_codes(setting.seed, leading_codes(setting))


def _with_homes(persons: pa.Table, told: pl.DataFrame) -> pa.Table:
    homes = told.select(kom="municipality", udrejse_dato="emigrated").to_arrow()
    return persons.append_column("kom", homes["kom"]).append_column("udrejse_dato", homes["udrejse_dato"])
