"""One block of bulk registers: a slice of their time, with the rows of every table in the order of their time.

A block depends on seed, country and its own number only, so that blocks can be made in any order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.synthetic.national.frequencies import DISEASES, Codes, all_codes, at_diseases
from pipelines.synthetic.national.people import NEVER, People, padded, people
from pipelines.synthetic.streams import stream

PER_PERSON = {"contact": 20 / 6, "lab": 50 / 6, "medicine": 80 / 6}  # rows a year: 20, 50 and 80 of 6 millions
CONTACTS_A_BLOCK = 100_000
REGIONS = pa.array(["1084", "1085", "1083", "1082", "1081"])
WARDS = 60  # units of each region
UNITS = pa.array([f"{hospital}{ward:03d}" for hospital in (1301, 3800, 4202, 6620, 8001) for ward in range(WARDS)])
TYPES = pa.array(["A", "B", "+"])
SYSTEM = pa.array(["LPR3", "MiniPAS"])
SAID = pa.array(["Ja", "Nej"])
RESULTS = pa.array([f"{value / 10:.1f}" for value in range(1, 2000)] + ["<5", "<0,6", ">120", "not detected"])
HOUR = 3600


@dataclass(frozen=True)
class Country:
    """What every block draws from: persons, and a time from `first` to `last`, cut into so many `blocks`.

    `name` tells it from other parts of the same country; its contacts are numbered from `contacts_before` on.
    """

    people: People
    first: dt.date
    last: dt.date
    seed: int
    codes: Mapping[str, Codes]
    blocks: int = 1
    name: str = ""
    contacts_before: int = 0

    @property
    def years(self) -> float:
        return ((self.last - self.first).days + 1) / 365

    def stream(self, table: str, block: int) -> np.random.Generator:
        return stream(self.seed, table, f"{self.name}{block}")

    def rows_before(self, table: str, block: int) -> int:
        """Rows of a table in the blocks before this one."""
        return round(len(self.people) * PER_PERSON[table] * self.years) * block // self.blocks

    def count(self, table: str, block: int) -> int:
        return self.rows_before(table, block + 1) - self.rows_before(table, block)

    def times(self, count: int, block: int, rng: np.random.Generator) -> np.ndarray:
        """Moments of the block's slice of the time, in order, to the second."""
        first = np.datetime64(self.first, "s")
        seconds = ((self.last - self.first).days + 1) * 24 * HOUR
        low, high = seconds * block // self.blocks, seconds * (block + 1) // self.blocks
        return first + np.sort(rng.integers(low, high, count))


def country(persons: int, year: int, seed: int, contacts_a_block: int = CONTACTS_A_BLOCK) -> Country:
    """A country of so many persons, whose year is cut into blocks of about so many contacts."""
    blocks = max(1, round(persons * PER_PERSON["contact"] / contacts_a_block))
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    return Country(people(0, persons, first, last, seed), first, last, seed, all_codes(seed), blocks)


@dataclass(frozen=True)
class Contacts:
    """A block's contacts as arrays: running number, person, course, unit, start and end."""

    number: np.ndarray
    person: np.ndarray
    course: np.ndarray
    unit: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def id(self, at: np.ndarray | slice = slice(None)) -> pa.Array:
        return padded(self.number[at], 18)

    def course_id(self, at: np.ndarray | slice = slice(None)) -> pa.Array:
        return padded(self.course[at], 18)


def hospital(land: Country, block: int) -> dict[str, pa.Table]:
    """The block's contacts in LPR_A, with their diagnoses and procedures."""
    rng = land.stream("hospital", block)
    count = land.count("contact", block)
    starts = land.times(count, block, rng)
    person = land.people.drawn(starts.astype("datetime64[D]"), rng)
    acute = rng.random(count) < 0.3
    contacts = Contacts(
        number=land.contacts_before + land.rows_before("contact", block) + np.arange(count) + 1,
        person=person,
        course=_courses(land, person, starts),
        unit=land.people.place[person] % len(REGIONS) * WARDS + rng.integers(0, WARDS, count),
        starts=starts,
        ends=_ends(starts, land.people.died[person], acute, rng),
    )
    return {
        "lpr_a_kontakt": _contact_rows(land, contacts, acute, rng),
        "lpr_a_diagnose": _diagnosis_rows(land, contacts, rng),
        "lpr_a_procregistrering": _procedure_rows(land, contacts, rng),
    }


def _courses(land: Country, person: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A person's contacts of the same two months are one course."""
    day = (starts.astype("datetime64[D]") - np.datetime64(land.first, "D")).astype(int)
    return land.people.place[person] * 1000 + day // 61 + 1


def _ends(starts: np.ndarray, died: np.ndarray, acute: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Hours for planned contacts, days for acute ones; never after the day of death."""
    lasted = rng.exponential(np.where(acute, 60 * HOUR, HOUR)).astype(int) + 600
    return np.minimum(starts + lasted, died.astype("datetime64[s]") + (24 * HOUR - 1))


def _contact_rows(land: Country, contacts: Contacts, acute: np.ndarray, rng: np.random.Generator) -> pa.Table:
    count = len(contacts.person)
    still_open = rng.random(count) < 0.01
    return pa.table({
        "dw_ek_kontakt": contacts.id(),
        "dw_ek_forloeb": contacts.course_id(),
        "pnr": land.people.number.take(pa.array(contacts.person)),
        "kont_ans": UNITS.take(pa.array(contacts.unit)),
        "kont_ans_org_reg": REGIONS.take(pa.array(contacts.unit // WARDS)),
        "kont_starttidspunkt": pa.array(contacts.starts),
        "kont_sluttidspunkt": pa.array(contacts.ends, mask=still_open),
        "kont_type": pa.array(["ALCA00", "ALCA10"]).take(pa.array((rng.random(count) < 0.2).astype(int))),
        "prioritet": pa.array(["ATA3", "ATA1"]).take(pa.array(acute.astype(int))),
        "kont_indb_tidspunkt": pa.array(contacts.ends + rng.integers(HOUR, 20 * 24 * HOUR, count)),
        "lprindberetningssystem": SYSTEM.take(pa.array((rng.random(count) < 0.02).astype(int))),
    })  # fmt: skip


def _diagnosis_rows(land: Country, contacts: Contacts, rng: np.random.Generator) -> pa.Table:
    """An action diagnosis on every contact and one more on average: a secondary one, or a tillægskode of it.

    No row stands twice on a contact.
    """
    more = rng.integers(0, 3, len(contacts.person))
    at = np.repeat(np.arange(len(more)), more + 1)
    first = np.r_[True, np.diff(at) > 0]
    kind = np.where(first, 0, np.where(rng.random(len(at)) < 0.75, 1, 2))
    known = land.codes["diagnosis"]
    disease = np.where(kind == 2, -1, land.people.disease[contacts.person[at]])
    places = at_diseases("diagnosis", known.drawn(len(at), rng), disease, known, rng)
    parent = places[np.maximum.accumulate(np.where(first, np.arange(len(at)), 0))]
    once = np.sort(np.unique((at * len(known.texts) + places) * len(TYPES) + kind, return_index=True)[1])
    at, kind, places, parent = at[once], kind[once], places[once], parent[once]
    retracted = rng.random(len(at))
    return pa.table({
        "dw_ek_kontakt": contacts.id(at),
        "diag_kode": known.said(places),
        "diag_kode_type": TYPES.take(pa.array(kind)),
        "diag_parent_kode": known.said(parent, known=kind == 2),
        "senere_afkraeftet": SAID.take(pa.array((retracted > 0.005).astype(int), mask=retracted > 0.6)),
        "lprindberetningssystem": SYSTEM.take(pa.array(np.zeros(len(at), int))),
    })  # fmt: skip


def _procedure_rows(land: Country, contacts: Contacts, rng: np.random.Generator) -> pa.Table:
    """Three procedures on every two contacts, and a tillægskode (or the value) under a third of them."""
    at = np.repeat(np.arange(len(contacts.person)), rng.integers(0, 4, len(contacts.person)))
    known = land.codes["procedure"]
    disease = land.people.disease[contacts.person[at]]
    primary = at_diseases("procedure", known.drawn(len(at), rng), disease, known, rng)
    under = _values(primary, known, rng)
    seconds = (contacts.ends[at] - contacts.starts[at]).astype(int)
    starts = contacts.starts[at] + (rng.random(len(at)) * (seconds + 1)).astype(int)
    number = contacts.number[at] * 10 + np.arange(len(at)) - np.searchsorted(at, at)
    twice = np.repeat(np.arange(len(at)), 1 + (under >= 0))
    added = np.r_[False, np.diff(twice) == 0]
    unit = contacts.unit[at]
    return pa.table({
        "dw_ek_procedureregistrering": padded(number[twice], 18),
        "dw_ek_kontakt": contacts.id(at[twice]),
        "dw_ek_forloeb": contacts.course_id(at[twice]),
        "pnr": land.people.number.take(pa.array(contacts.person[at[twice]])),
        "proc_kode": known.said(np.where(added, under[twice], primary[twice])),
        "proc_kode_type": pa.array(["P", "+"]).take(pa.array(added.astype(int))),
        "proc_parent_kode": known.said(primary[twice], known=added),
        "proc_starttidspunkt": pa.array(starts[twice]),
        "prod_enh": UNITS.take(pa.array(unit[twice])),
        "proc_indb_tidspunkt": pa.array(starts[twice] + 24 * HOUR),
        "lprindberetningssystem": SYSTEM.take(pa.array(np.zeros(len(twice), int))),
    })  # fmt: skip


def _values(primary: np.ndarray, known: Codes, rng: np.random.Generator) -> np.ndarray:
    """The place of the code under each procedure: its value, for a third of the others a tillægskode; -1 is none."""
    under = np.where(rng.random(len(primary)) < 1 / 3, known.drawn(len(primary), rng), -1)
    valued = {code: span for disease in DISEASES for code, span in disease.procedures.items() if span}
    for code, (low, high) in valued.items():
        rows = np.flatnonzero(primary == known.places[code])
        under[rows] = known.places["VPH0000"] + rng.integers(low, high + 1, len(rows))
    return under


def laboratory(land: Country, block: int) -> pa.Table:
    """The block's results of the Register for Laboratorieresultater."""
    rng = land.stream("lab", block)
    taken = land.times(land.count("lab", block), block, rng)
    person, said = _coded(land, "lab", taken, rng)
    result = np.minimum(rng.lognormal(5.5, 0.9, len(person)).astype(int), len(RESULTS) - 5)
    odd = rng.random(len(person)) < 0.03
    result[odd] = len(RESULTS) - 1 - rng.integers(0, 4, odd.sum())
    return pa.table({
        "pnr": land.people.number.take(pa.array(person)),
        "analysiscode": said,
        "value": RESULTS.take(pa.array(result)),
        "unit": pa.array(["mmol/L", "mmol/mol", "µmol/L"]).take(pa.array(result % 3)),
        "samplingdate": pa.array(taken),
        "laboratorium_idcode": pa.array([f"LAB{n:02d}" for n in range(40)]).take(pa.array(person % 40)),
    })  # fmt: skip


def medicine(land: Country, block: int) -> pa.Table:
    """The block's dispensed prescriptions of Lægemiddelstatistikregisteret."""
    rng = land.stream("medicine", block)
    days = land.times(land.count("medicine", block), block, rng).astype("datetime64[D]")
    person, said = _coded(land, "medicine", days, rng)
    packages = rng.integers(1, 4, len(person))
    return pa.table({
        "pnr": land.people.number.take(pa.array(person)),
        "atc": said,
        "eksd": pa.array(days),
        "apk": pa.array(packages),
        "volume": pa.array(packages * 28.0),
        "vnr": padded(rng.integers(1, 20_000, len(person)), 6),
    })  # fmt: skip


def _coded(land: Country, table: str, times: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, pa.Array]:
    """A living person and a code for each time."""
    person = land.people.drawn(times.astype("datetime64[D]"), rng)
    known = land.codes[table]
    drawn = known.drawn(len(person), rng)
    return person, known.said(at_diseases(table, drawn, land.people.disease[person], known, rng))


def person_rows(land: Country, low: int, high: int) -> pa.Table:
    """The register of persons: those from `low` up to `high`."""
    people, at = land.people, slice(low, high)
    return pa.table({
        "pnr": people.number[low:high],
        "foed_dato": pa.array(people.born[at]),
        "koen": pa.array(["K", "M"]).take(pa.array(people.male[at].astype(int))),
        "doeds_dato": pa.array(people.died[at], mask=people.died[at] == NEVER),
    })  # fmt: skip


def death_rows(land: Country) -> pa.Table:
    """Dødsårsagsregisteret: everybody who died, with one cause (ICD-10 without D)."""
    dead = np.flatnonzero(land.people.died != NEVER)
    dead = dead[np.argsort(land.people.died[dead], kind="stable")]
    causes = land.codes["diagnosis"].said(land.codes["diagnosis"].drawn(len(dead), land.stream("deaths", 0)))
    return pa.table({
        "k_cpr": land.people.number.take(pa.array(dead)),
        "d_dodsdato": pa.array(land.people.died[dead]),
        "c_dodtilgrundl_acme": pa.compute.utf8_slice_codeunits(causes, 1),
    })  # fmt: skip
