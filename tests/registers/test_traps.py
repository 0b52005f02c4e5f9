"""The known traps of LPR and the laboratory register: naive SQL beside the event tables, and what goes wrong.

The traps are numbered as in the registers-guide of Steno Diabetes Center Aarhus and its pitfalls.
"""

from __future__ import annotations

import pytest
from deliveries import Register

from pipelines.warehouse.delays import reporting_delays


@pytest.fixture
def register(tmp_path) -> Register:
    return Register(tmp_path)


def test_1_contacts_of_lpr2_that_lpr_a_repeats_count_once(register: Register) -> None:
    register.deliver("lpr_adm", "recnum,pnr,d_inddto\n7,P1,2018-03-01").deliver(
        "lpr_a_kontakt",
        """dw_ek_kontakt, pnr, kont_starttidspunkt, lprindberetningssystem
           A7,           P1,  2018-03-01 09:00:00, LPR2
           A8,           P1,  2020-03-01 09:00:00, LPR3
           A9,           P1,  2020-04-01 09:00:00, MiniPAS
           A10,          P1,  2020-05-01 09:00:00, """,
    ).deliver("lpr_a_diagnose", "dw_ek_kontakt,diag_kode,diag_kode_type\nA7,DI509,A\nA8,DI509,A").settled()
    assert register.rows("select count(*) from contact_history") == [(5,)], "naive: the course of 2018 twice"
    assert register.rows("select contact_id from contact order by starts") == [("7",), ("A8",), ("A9",), ("A10",)]
    assert register.rows("select contact_id from diagnosis") == [("A8",)], "nor its diagnosis"


def test_2_later_retracted_goes_and_null_stays(register: Register) -> None:
    register.deliver("lpr_a_kontakt", "dw_ek_kontakt,pnr,kont_starttidspunkt\n1,P1,2026-01-01 10:00:00").deliver(
        "lpr_a_diagnose",
        """dw_ek_kontakt, diag_kode, diag_kode_type, senere_afkraeftet
           1,             DI500,     A,              Nej
           1,             DI501,     B,              Ja
           1,             DI509,     B,              """,
    ).settled()
    naive = "select code from diagnosis_history where retracted <> true"
    assert register.rows(naive) == [("DI500",)], "naive: the null is lost"
    assert register.rows("select code from diagnosis order by 1") == [("DI500",), ("DI509",)]
    assert register.rows("select count(*) from diagnosis_history") == [(3,)], "the history keeps the retracted one"


def test_3_a_procedure_without_contact_is_found_through_its_course(register: Register) -> None:
    register.deliver("forloeb", "dw_ek_forloeb,cpr,dato_start\nF1,P1,2026-01-01\nF2,P2,2026-01-01").deliver(
        "kontakter", "dw_ek_kontakt,dw_ek_forloeb,cpr,dato_start\nK2,F2,P2,2026-01-02"
    ).deliver(
        "procedurer_kirurgi",
        """procedureregistrering_id, dw_ek_kontakt, dw_ek_forloeb, procedurekode, proceduretype, dato_start
           1,                        ,              F1,            KNFB20,        P,             2026-01-03
           2,                        K2,            ,              KNFJ40,        P,             2026-01-04
           3,                        ,              ,              KNFJ40,        P,             2026-01-05""",
    ).settled()
    assert register.rows("select count(*) from procedure join contact using (contact_id)") == [(1,)], "naive"
    found = register.rows("select procedure_id, person, course_id from procedure order by 1")
    assert found == [("1", "P1", "F1"), ("2", "P2", "F2"), ("3", None, None)]
    assert register.found("event.no_contact") == [("procedurer_kirurgi", 2), ("procedurer_kirurgi", 4)]
    assert register.found("event.no_person") == [("procedurer_kirurgi", 4)]


def test_4_additional_codes_are_children_and_no_procedures(register: Register) -> None:
    register.deliver("lpr_a_kontakt", "dw_ek_kontakt,pnr,kont_starttidspunkt\n1,P1,2026-01-01 10:00:00").deliver(
        "lpr_a_procregistrering",
        """dw_ek_procedureregistrering, dw_ek_kontakt, proc_kode, proc_kode_type, proc_parent_kode
           11,                          1,             ZZV020P,   P,
           11,                          1,             VPH0055,   +,              ZZV020P
           12,                          1,             TUL1,      +,              KNFB20""",
    ).settled()
    assert register.rows("select count(*) from procedure") == [(3,)], "naive: three procedures"
    assert register.rows("select count(*) from procedure where type = 'P'") == [(1,)]
    pair = """select child.code from procedure child join procedure parent
              using (procedure_id) where parent.code = 'ZZV020P' and child.parent_code = parent.code"""
    assert register.rows(pair) == [("VPH0055",)], "the value belongs to its procedure"
    assert register.found("event.no_parent") == [("lpr_a_procregistrering", 4)]


def test_5_one_course_of_lpr2_is_many_contacts_of_lpr3_and_still_one_course(register: Register) -> None:
    register.deliver(
        "lpr_a_kontakt",
        """dw_ek_kontakt, dw_ek_forloeb, pnr, kont_starttidspunkt
           1,             F1,            P1,  2019-04-01 09:00:00
           2,             F1,            P1,  2019-05-01 09:00:00
           3,             F1,            P1,  2019-06-01 09:00:00""",
    ).deliver("lpr_a_diagnose", "dw_ek_kontakt,diag_kode,diag_kode_type\n1,DI509,A\n2,DI509,A\n3,DI509,A").settled()
    assert register.rows("select count(*) from diagnosis") == [(3,)], "naive: a spike in 2019"
    assert register.rows("select count(distinct course_id) from diagnosis") == [(1,)]


def test_6_the_report_time_is_not_when_it_happened(register: Register) -> None:
    register.deliver(
        "lpr_a_kontakt",
        """dw_ek_kontakt, pnr, kont_starttidspunkt, kont_sluttidspunkt,  kont_indb_tidspunkt
           1,             P1,  2026-03-30 09:00:00, 2026-03-30 10:00:00, 2026-04-02 00:00:00
           2,             P2,  2026-03-31 09:00:00, 2026-03-31 10:00:00, 2026-05-10 00:00:00
           3,             P3,  2026-05-30 09:00:00, 2026-05-30 10:00:00, 2026-05-31 00:00:00""",
    ).settled()
    naive = register.rows("select strftime(reported, '%Y-%m'), count(*) from contact group by 1 order by 1")
    assert naive == [("2026-04", 1), ("2026-05", 2)]
    delays = reporting_delays(register.connection, "contact")
    assert delays.rows() == [("2026-03", 2, 3, 40), ("2026-05", 1, 1, 1)]


def test_7_an_open_contact_has_no_end_and_is_not_lost(register: Register) -> None:
    register.deliver(
        "lpr_a_kontakt",
        """dw_ek_kontakt, pnr, kont_starttidspunkt, kont_sluttidspunkt,  flag_kont_afsluttet
           1,             P1,  2026-03-30 09:00:00, 2026-03-30 10:00:00, 1
           2,             P2,  2026-03-31 09:00:00, ,                    0
           3,             P3,  2026-03-31 09:00:00, ,                    Ja""",
    ).settled()
    assert register.rows("select contact_id from contact where ends < '2026-05-01'") == [("1",)], "naive"
    known = "select contact_id from contact where starts < '2026-05-01' and ends is null and not closed"
    assert register.rows(known) == [("2",)]
    assert register.found("event.no_end") == [("lpr_a_kontakt", 4)]


def test_8_private_providers_came_in_person_too(register: Register) -> None:
    register.deliver(
        "lpr_a_kontakt",
        """dw_ek_kontakt, pnr, kont_starttidspunkt, kont_type, lprindberetningssystem
           1,             P1,  2026-03-30 09:00:00, ALCA00,    LPR3
           2,             P2,  2026-03-31 09:00:00, 2,         MiniPAS
           3,             P2,  2026-03-31 09:00:00, ALCA20,    LPR3""",
    ).settled()
    text = (register.folder / "lpr_a_kontakt.csv").read_text()
    assert sum(",ALCA00," in line for line in text.splitlines()) == 1, "naive: MiniPAS is dropped"
    in_person = "select contact_id, system from contact where contact_type = 'ALCA00' order by 1"
    assert register.rows(in_person) == [("1", "LPR3"), ("2", "MiniPAS")]


def test_9_a_laboratory_value_is_text(register: Register) -> None:
    register.deliver(
        "lab_forsker",
        """pnr, samplingdate, samplingtime, analysiscode, value,        unit
           P1,  2026-03-01,   08:30,        NPU27300,     48,           mmol/mol
           P1,  2026-03-02,   0931,         NPU27300,     <20,          mmol/mol
           P1,  2026-03-03,   ,             NPU27300,     not detected, mmol/mol
           P1,  2026-03-04,   ,             NPU27300,     ≥ 7.5e1,      mmol/mol
           P1,  2026-03-05,   ,             NPU4998,      -1.5,         µmol/l""",
    ).settled()
    assert register.rows("select avg(try_cast(text as double)) from lab where code = 'NPU27300'") == [(48.0,)], "naive"
    found = register.rows("select text, operator, number, code from lab order by taken")
    assert found == [
        ("48", None, 48.0, "NPU27300"),
        ("<20", "<", 20.0, "NPU27300"),
        ("not detected", None, None, "NPU27300"),
        ("≥ 7.5e1", ">=", 75.0, "NPU27300"),
        ("-1.5", None, -1.5, "NPU04998"),
    ]
    assert register.rows("select hour(taken), minute(taken) from lab order by taken limit 2") == [(8, 30), (9, 31)]
    assert register.found("event.operator") == [("lab_forsker", 3), ("lab_forsker", 5)]
    assert register.found("event.not_a_number") == [("lab_forsker", 4)]
    assert register.found("event.mended") == [("lab_forsker", 6)]


def test_10_a_code_must_be_valid_on_the_day_for_the_sex_and_the_age(register: Register) -> None:
    register.deliver("bef", "pnr,koen,foed_dato\nP1,1,1960-01-01\nP2,2,1960-01-01").deliver(
        "lpr_a_kontakt",
        """dw_ek_kontakt, pnr, kont_starttidspunkt
           1,             P1,  2026-03-30 09:00:00
           2,             P2,  2020-02-28 09:00:00
           3,             P2,  2020-02-29 09:00:00""",
    ).deliver(
        "lpr_a_diagnose",
        """dw_ek_kontakt, diag_kode, diag_kode_type
           1,             DI509,     A
           1,             DO80,      B
           2,             DB972,     B
           3,             DB972,     B
           3,             DO80,      B
           3,             DC61,      B
           3,             DXXX,      B""",
    ).settled()
    naive = "select count(*) from diagnosis join sks_codes using (code)"
    assert register.rows(naive) == [(6,)], "naive: known codes are taken for right ones"
    assert register.found("code.not_valid") == [("lpr_a_diagnose", 5)]
    assert register.found("code.sex") == [("lpr_a_diagnose", 3), ("lpr_a_diagnose", 7)]
    assert register.found("code.age") == [("lpr_a_diagnose", 3)]
    assert register.found("code.unknown") == [("lpr_a_diagnose", 8)]
    assert register.rows("select count(*) from diagnosis") == [(7,)], "nothing is lost"
