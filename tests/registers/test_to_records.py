"""From the registers' files to the records of a database: both variants of LPR say the same, traced to their lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from deliveries import CODES, JUNE, Register
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reconciliation.derive import derive
from pipelines.spec.reading import read_spec

CONTACTS = "dw_ek_kontakt,dw_ek_forloeb,pnr,kont_starttidspunkt,kont_type,kont_ans,kont_ans_org_reg"
CONTACT = f"{CONTACTS}\n1,F1,0101501234,2026-01-05 09:00:00,ALCA00,3800A41,85"
SAID = ("contact_id, course_id, person, unit, region, starts, ends, contact_type", "contact_id, person, code, type",
        "procedure_id, contact_id, person, code, type, parent_code, starts")  # fmt: skip


@pytest.fixture(scope="module")
def spec():
    return read_spec(CODES.parent / "dhd" / "specification.yaml")


def test_a_record_is_made_of_register_lines_and_traced_to_them(tmp_path: Path, spec) -> None:
    register = Register(tmp_path).deliver("lpr_a_kontakt", CONTACT)
    register.deliver("lpr_a_diagnose", "dw_ek_kontakt,diag_kode,diag_kode_type\n7,DI509,A\n1,DI509,A").settled()
    derived = derive(register.connection, spec)
    assert derived.records.select("person", "unit", "region").rows() == [("0101501234", "3800A41", "sjaelland")]
    found = derived.trace(derived.records["record_id"][0]).select("table", "receipt_id", "line").rows()
    assert sorted(found) == [("contact", "lpr_a_kontakt", 2), ("diagnosis", "lpr_a_diagnose", 3)]


def test_a_diagnosis_retracted_later_takes_its_record_away(tmp_path: Path, spec) -> None:
    header = "dw_ek_kontakt,diag_kode,diag_kode_type,senere_afkraeftet\n"
    register = Register(tmp_path).deliver("lpr_a_kontakt", CONTACT)
    register.deliver("lpr_a_diagnose", header + "1,DI509,A,").settled()
    assert derive(register.connection, spec).records.height == 1
    register.deliver("lpr_a_diagnose", header + "1,DI509,A,Ja", JUNE, "later").settled()
    assert derive(register.connection, spec).records.height == 0


day = st.dates(min_value=JUNE.replace(year=2019), max_value=JUNE)
clock = st.times().map(lambda time: time.strftime("%H:%M:%S"))
facts = st.lists(
    st.fixed_dictionaries({
        "day": day, "clock": clock, "end": st.none() | day, "person": st.sampled_from(["P1", "P2"]),
        "region": st.sampled_from(["81", "82", "83", "84", "85", ""]), "type": st.sampled_from(["ALCA00", "2", ""]),
        "code": st.sampled_from(["DI509", "DE119"]), "retracted": st.sampled_from(["Ja", "Nej", ""]),
        "procedure": st.sampled_from(["KNFB20", "UXUC80"]),
    }),
    min_size=1, max_size=6,
)  # fmt: skip


def in_lpr_a(register: Register, rows: list[dict]) -> Register:
    contacts = [f"K{n},F{n},{r['person']},{r['day']} {r['clock']},{r['end'] or ''}{' 10:00:00' if r['end'] else ''}"
                f",{r['type']},6620141,{r['region']}" for n, r in enumerate(rows)]  # fmt: skip
    head = "dw_ek_kontakt,dw_ek_forloeb,pnr,kont_starttidspunkt,kont_sluttidspunkt,kont_type,kont_ans,kont_ans_org_reg"
    register.deliver("lpr_a_kontakt", "\n".join([head, *contacts]))
    diagnoses = [f"K{n},{r['code']},A,{r['retracted']}" for n, r in enumerate(rows)]
    register.deliver(
        "lpr_a_diagnose", "\n".join(["dw_ek_kontakt,diag_kode,diag_kode_type,senere_afkraeftet", *diagnoses])
    )
    procedures = [f"{n},K{n},{r['procedure']},P,,{r['day']} {r['clock']}\n{n},K{n},TUL1,+,{r['procedure']},"
                  for n, r in enumerate(rows)]  # fmt: skip
    head = "dw_ek_procedureregistrering,dw_ek_kontakt,proc_kode,proc_kode_type,proc_parent_kode,proc_starttidspunkt"
    return register.deliver("lpr_a_procregistrering", "\n".join([head, *procedures])).settled()


def in_lpr_f(register: Register, rows: list[dict]) -> Register:
    contacts = [f"K{n},F{n},{r['person']},{r['day']},{r['clock']},{r['end'] or ''},{'10:00:00' if r['end'] else ''}"
                f",{r['type']},6620141,{r['region']}" for n, r in enumerate(rows)]  # fmt: skip
    times = "dato_start,tidspunkt_start,dato_slut,tidspunkt_slut"
    head = f"DW_EK_KONTAKT,dw_ek_forloeb,cpr,{times},kontakttype,sorenhed_ans,region_ans"
    register.deliver("kontakter", "\n".join([head, *contacts]))
    diagnoses = [f"K{n},{r['code']},A,{r['retracted']}" for n, r in enumerate(rows)]
    register.deliver("diagnoser", "\n".join(["dw_ek_kontakt,Diagnosekode,diagnosetype,senere_afkraeftet", *diagnoses]))
    procedures = [f"{n},,F{n},{r['procedure']},P,,{r['day']},{r['clock']}\n{n},,F{n},TUL1,+,{r['procedure']},,"
                  for n, r in enumerate(rows)]  # fmt: skip
    keys, codes = (
        "procedureregistrering_id,dw_ek_kontakt,dw_ek_forloeb",
        "procedurekode,proceduretype,procedurekode_parent",
    )
    head = f"{keys},{codes},dato_start,tidspunkt_start"
    return register.deliver("procedurer_kirurgi", "\n".join([head, *procedures])).settled()


@settings(deadline=None, max_examples=8)
@given(rows=facts)
def test_the_two_variants_of_lpr_say_the_same(tmp_path_factory, rows: list[dict]) -> None:
    """The same facts as LPR_A and as LPR_F (split times, no contact on procedures) give the same events."""
    a = in_lpr_a(Register(tmp_path_factory.mktemp("a")), rows)
    f = in_lpr_f(Register(tmp_path_factory.mktemp("f")), rows)
    for event, said in zip(("contact", "diagnosis", "procedure"), SAID, strict=True):
        said = said.replace("procedure_id, contact_id", "procedure_id")
        query = f"select {said} from {event} order by all"
        assert a.rows(query) == f.rows(query)
    kept = [row for row in rows if row["retracted"] != "Ja"]
    assert a.rows("select count(*) from diagnosis") == [(len(kept),)]
