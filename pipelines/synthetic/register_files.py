"""Register events as the files that the registers deliver: Parquet tables, by path under `registers/`.

An earlier delivery comes in the layout of LPR_F, the later one in that of LPR_A (expectations/codes/registers).
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from pipelines.synthetic.events import Event

REGIONS = {
    "nordjylland": "1081",
    "midtjylland": "1082",
    "syddanmark": "1083",
    "hovedstaden": "1084",
    "sjaelland": "1085",
}
NOT_FOUND = "Ikke påvist"  # results are text, and some are no number
CAUSE_OF_DEATH = "I219"  # the register gives one underlying cause; no variable of the samples asks for it
Row = dict[str, Any]


def _contact_a(event: Event) -> Row:
    return {
        "dw_ek_kontakt": event.contact, "dw_ek_forloeb": event.course, "pnr": event.person, "kont_ans": event.unit,
        "kont_ans_org_reg": REGIONS.get(event.region or "", "0"), "kont_starttidspunkt": event.starts,
        "kont_sluttidspunkt": event.ends, "kont_type": event.code, "prioritet": event.text,
        "lprindberetningssystem": event.system, "flag_kont_afsluttet": "0" if event.ends is None else "1",
    }  # fmt: skip


def _diagnosis_a(event: Event) -> Row:
    return {
        "dw_ek_kontakt": event.contact, "diag_kode": event.code, "diag_kode_type": event.type,
        "diag_parent_kode": event.parent, "senere_afkraeftet": "Ja" if event.retracted else None,
        "lprindberetningssystem": event.system,
    }  # fmt: skip


def _procedure_a(event: Event) -> Row:
    return {
        "dw_ek_procedureregistrering": event.id, "dw_ek_kontakt": event.contact, "dw_ek_forloeb": event.course,
        "pnr": event.person, "proc_kode": event.code, "proc_kode_type": event.type, "proc_parent_kode": event.parent,
        "proc_starttidspunkt": event.starts, "proc_sluttidspunkt": event.starts, "prod_enh": event.unit,
        "lprindberetningssystem": event.system,
    }  # fmt: skip


def _contact_f(event: Event) -> Row:
    return {
        "dw_ek_kontakt": event.contact, "dw_ek_forloeb": event.course, "cpr": event.person,
        "sorenhed_ans": event.unit, "region_ans": REGIONS.get(event.region or "", "0"),
        "dato_start": event.starts.date(), "tidspunkt_start": event.starts.strftime("%H:%M:%S"),
        "dato_slut": event.ends and event.ends.date(), "tidspunkt_slut": event.ends and event.ends.strftime("%H:%M:%S"),
        "kontakttype": event.code, "prioritet": event.text, "lprindberetningssystem": event.system,
    }  # fmt: skip


def _diagnosis_f(event: Event) -> Row:
    return {
        "dw_ek_kontakt": event.contact, "diagnosekode": event.code, "diagnosetype": event.type,
        "diagnosekode_parent": event.parent, "senere_afkraeftet": "Ja" if event.retracted else "Nej",
        "lprindberetningssystem": event.system,
    }  # fmt: skip


def _procedure_f(event: Event) -> Row:
    return {
        "procedureregistrering_id": event.id, "dw_ek_kontakt": event.contact, "dw_ek_forloeb": event.course,
        "procedurekode": event.code, "proceduretype": event.type, "procedurekode_parent": event.parent,
        "dato_start": event.starts.date(), "tidspunkt_start": event.starts.strftime("%H:%M:%S"),
        "sorenhed_pro": event.unit, "lprindberetningssystem": event.system,
    }  # fmt: skip


def _result_a(event: Event) -> Row:
    return {
        "dw_ek_resultatindberetning": event.id, "dw_ek_kontakt": event.contact, "dw_ek_forloeb": event.course,
        "triggerkode": event.parent, "res_type": event.code, "res_vaerdi_tal": event.number,
        "res_vaerdi_tekst": event.text, "res_udfoert_tidspunkt": event.starts,
        "lprindberetningssystem": event.system,
    }  # fmt: skip


def _result_f(event: Event) -> Row:
    return {
        "resultatnummer": event.id, "dw_ek_kontakt": event.contact, "dw_ek_forloeb": event.course,
        "triggerkode": event.parent, "resultattype": event.code,
        "resultatvaerdi": event.text if event.number is None else f"{event.number:.10g}",
        "dato_resultat": event.starts.date(), "tidspunkt_resultat": event.starts.strftime("%H:%M:%S"),
        "lprindberetningssystem": event.system,
    }  # fmt: skip


def _lab(event: Event) -> Row:
    return {
        "pnr": event.person, "samplingdate": event.starts.date(), "samplingtime": event.starts.strftime("%H:%M:%S"),
        "analysiscode": event.code,
        "value": (event.text or NOT_FOUND) if event.number is None else f"{event.number:.10g}",
        "laboratorium_idcode": f"{(event.unit or 'KPLL')[:4]}-LAB",
    }  # fmt: skip


def _medicine(event: Event) -> Row:
    return {"pnr": event.person, "atc": event.code, "eksd": event.starts.date(), "apk": event.number or 1.0}


def parquet(path: str, rows: Iterable[Row]) -> dict[str, bytes]:
    """One file; none where there are no rows. Rows stand in the order of their cells."""
    rows = sorted(rows, key=lambda row: [str(cell) for cell in row.values()])
    if not rows:
        return {}
    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if kind == pl.Null]
    written = io.BytesIO()
    frame.with_columns(empty).write_parquet(written, compression="zstd", statistics=False)
    return {f"registers/{path}": written.getvalue()}


LAYOUTS_A: dict[str, tuple[str, Callable[[Event], Row]]] = {
    "contact": ("lpr/national/lpr_a_kontakt", _contact_a), "diagnosis": ("lpr/national/lpr_a_diagnose", _diagnosis_a),
    "procedure": ("lpr/national/lpr_a_procregistrering", _procedure_a),
    "result": ("lpr/national/lpr_a_resultater", _result_a), "lab": ("lab/national/lab_forsker", _lab),
    "medicine": ("lmdb/national/lmdb", _medicine),
}  # fmt: skip
LAYOUTS_F = LAYOUTS_A | {
    "contact": ("lpr/national/lpr_f_kontakter", _contact_f),
    "diagnosis": ("lpr/national/lpr_f_diagnoser", _diagnosis_f),
    "procedure": ("lpr/national/lpr_f_procedurer_kirurgi", _procedure_f),
    "result": ("lpr/national/lpr_f_resultater", _result_f),
}  # fmt: skip


def delivery(
    events: Sequence[Event], layouts: dict[str, tuple[str, Callable[[Event], Row]]], content_date: dt.date
) -> dict[str, bytes]:
    """The tables of one delivery, with its content date in their names."""
    files: dict[str, bytes] = {}
    for table, (name, row_of) in layouts.items():
        rows = [row_of(event) for event in events if event.table == table]
        files |= parquet(f"{name}_{content_date}.parquet", rows)
    return files


def withdrawn_file(events: Sequence[Event], content_date: dt.date) -> dict[str, bytes]:
    """Procedures that were reported by mistake, by their ids."""
    ids = sorted({event.id for event in events})
    rows = [{"dw_ek_procedureregistrering": number} for number in ids]
    return parquet(f"lpr/national/lpr_a_procregistrering_aflys_{content_date}.parquet", rows)


def persons_file(persons: pl.DataFrame, died: Mapping[str, dt.datetime], content_date: dt.date) -> dict[str, bytes]:
    """The register of persons, with deaths; a person has one sex and one day of birth, those of the number."""
    rows = [
        {
            "pnr": one["person"], "foed_dato": one["birth_date"], "koen": "M" if one["sex"] == "male" else "K",
            "kom": one["municipality"], "udrejse_dato": one["emigrated"],
            "doeds_dato": died[one["person"]].date() if one["person"] in died else None,
        }
        for one in persons.iter_rows(named=True)
    ]  # fmt: skip
    return parquet(f"cpr/national/cpr_person_{content_date}.parquet", rows)


def changed_numbers_file(changed: Mapping[str, str], content_date: dt.date) -> dict[str, bytes]:
    """Present and former number of the persons who have had two."""
    rows = [{"gammelt_pnr": former, "gaeldende_pnr": present} for present, former in changed.items()]
    return parquet(f"cpr/national/cpr_skift_{content_date}.parquet", rows)


def deaths_file(died: Mapping[str, dt.datetime], content_date: dt.date) -> dict[str, bytes]:
    """The register of causes of death: ICD-10 without the D of SKS."""
    rows = [
        {"k_cpr": person, "d_dodsdato": when.date(), "c_dodtilgrundl_acme": CAUSE_OF_DEATH}
        for person, when in died.items()
    ]
    return parquet(f"dar/national/t_dodsaarsag_2_{content_date}.parquet", rows)
