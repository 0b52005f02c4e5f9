"""Persons with changed numbers, deaths, medicine, services, units: what each register's rows become."""

from __future__ import annotations

import datetime as dt

import pytest
from deliveries import JUNE, Register

CONTACT = "dw_ek_kontakt,pnr,kont_starttidspunkt,kont_ans,kont_ans_org_reg\n"


@pytest.fixture
def register(tmp_path) -> Register:
    return Register(tmp_path)


def test_a_person_is_called_by_the_present_number_however_often_it_changed(register: Register) -> None:
    register.deliver("cpr_skift", "gammelt_pnr,gaeldende_pnr\nOLD,MID\nMID,NEW").deliver(
        "cpr_person",
        "pnr,foed_dato,koen,doeds_dato,udrejse_dato\nNEW,1950-02-03,K,2026-03-01,\nX,1960-01-01,M,,2020-05-06",
    ).deliver("lpr_a_kontakt", CONTACT + "1,OLD,2020-01-01 09:00:00,,\n2,NEW,2026-01-01 09:00:00,,").deliver(
        "lpr_a_diagnose", "dw_ek_kontakt,diag_kode,diag_kode_type\n1,DI509,A"
    ).deliver("lmdb", "pnr,eksd,atc\nMID,2026-01-02,C07AB02").settled()
    assert register.rows("select count(*) from contact_history join person using (person)") == [(1,)], "naive"
    assert register.rows("select contact_id, person from contact order by 1") == [("1", "NEW"), ("2", "NEW")]
    assert register.rows("select person from diagnosis union all select person from medicine") == [("NEW",)] * 2
    assert register.rows("select person, birth_date, sex, died, emigrated, current_person from person order by 1") == [
        ("NEW", dt.date(1950, 2, 3), "female", dt.date(2026, 3, 1), None, "NEW"),
        ("X", dt.date(1960, 1, 1), "male", None, dt.date(2020, 5, 6), "X"),
    ]
    assert register.rows("select person from contact_history order by contact_id") == [("OLD",), ("NEW",)]


def test_the_register_of_persons_may_name_the_present_number_itself(register: Register) -> None:
    register.deliver("cpr_person", "pnr,foed_dato,gaeldende_pnr\nOLD,1950-02-03,NEW\nNEW,1950-02-03,NEW").deliver(
        "lmdb", "pnr,eksd,atc\nOLD,2026-01-02,C07AB02"
    ).settled()
    assert register.rows("select person from medicine") == [("NEW",)]
    assert register.rows("select person, current_person from person order by 1") == [("NEW", "NEW"), ("OLD", "NEW")]


def test_numbers_that_change_in_a_ring_or_to_two_stay_as_they_are(register: Register) -> None:
    register.deliver("cpr_skift", "gammelt_pnr,gaeldende_pnr\nA,B\nB,A\nC,D\nC,E").deliver(
        "lmdb", "pnr,eksd,atc\nA,2026-01-02,X\nC,2026-01-02,X"
    ).settled()
    assert register.rows("select person from medicine order by 1") == [("A",), ("C",)]
    assert register.found("person.changed_twice") == [("cpr_skift", 4), ("cpr_skift", 5)]


def test_causes_of_death_get_the_letter_that_sks_has(register: Register) -> None:
    register.deliver(
        "t_dodsaarsag_2",
        "K_CPR,D_DODSDATO,D_STATDATO,C_DODTILGRUNDL_ACME,C_DOD_1A\nP1,2026-01-02,2026-02-01,I509,J189\nP2,2026-01-03,,,J189",
    ).settled()
    assert register.rows("select count(*) from death where 'I509' = cause") == [(0,)]
    assert register.rows("select person, cause from death order by 1") == [("P1", "DI509"), ("P2", "DJ189")]


def test_a_week_is_the_monday_of_its_iso_week(register: Register) -> None:
    rows = ["P1,0,54001,2053", "P2,1,54001,9901", "P3,0,54001,0554", "P4,0,54001,0501"]
    register.deliver("sssy", "pnr,barnmak,speciale,honuge\n" + "\n".join(rows)).settled()
    assert register.rows("select person, week, of_child from service order by 1") == [
        ("P1", dt.date(2020, 12, 28), False),
        ("P2", dt.date(1999, 1, 4), True),
        ("P3", None, False),
        ("P4", dt.date(2005, 1, 3), False),
    ]
    assert register.found("event.type") == [("sssy", 4)]


def test_a_sor_unit_is_known_by_its_shak_and_its_region_of_that_day(register: Register) -> None:
    register.deliver(
        "lpr_a_kontakt",
        CONTACT + "1,P1,2026-12-31 09:00:00,223601000016004,\n2,P1,2027-01-01 09:00:00,223601000016004,\n"
        "3,P1,2026-01-01 09:00:00,6620141,82\n4,P1,2026-01-01 09:00:00,223601000016040,\n"
        "5,P1,2010-01-01 09:00:00,588351000016004,",
    ).settled()
    assert register.rows("select contact_id, unit, region from contact order by 1") == [
        ("1", "3800A80", "sjaelland"),
        ("2", "3800A80", "oestdanmark"),
        ("3", "6620141", "midtjylland"),
        ("4", "223601000016040", None),
        ("5", "588351000016004", None),
    ]
    assert register.found("unit.check_digit") == [("lpr_a_kontakt", 5)]


def test_a_result_has_one_of_four_typed_values(register: Register) -> None:
    register.deliver(
        "lpr_a_resultater",
        """dw_ek_resultatindberetning, dw_ek_kontakt, triggerkode, res_type, res_vaerdi_tal, res_vaerdi_tekst
           1,                          K1,            AVAA,        RXA1,     12.5,
           2,                          K1,            AVAA,        RXA2,     ,               <3""",
    ).deliver("lpr_a_kontakt", CONTACT + "K1,P1,2026-01-01 09:00:00,,").settled()
    found = register.rows("select person, trigger_code, code, text, operator, number from result order by code")
    assert found == [("P1", "AVAA", "RXA1", "12.5", None, 12.5), ("P1", "AVAA", "RXA2", "<3", "<", 3.0)]


# Per source: the table, rows of which the last is wrong, the rule that tells, and the rows that must be there.
BAD = [
    ("lpr_a_kontakt", CONTACT + "1,P1,2026-01-01 09:00:00,,\n2,P1,2026-02-30 09:00:00,,", "event.type", "contact"),
    ("lpr_a_kontakt", CONTACT + "1,P1,2026-01-01 09:00:00,,81\n2,P1,2026-02-03 09:00:00,,99", "event.unknown_value",
     "contact"),
    ("kontakter", "dw_ek_kontakt,cpr,dato_start,tidspunkt_start\n1,P1,2026-01-01,09:00\n2,P1,2026-01-01,29:00",
     "event.type", "contact"),
    ("lpr_diag", "recnum,c_diag,c_diagtype\n1,DI509,A\n2,,A", "event.missing", "diagnosis"),
    ("lab_forsker", "pnr,samplingdate,analysiscode,value\nP1,2026-01-01,NPU1,5\nP1,2026-01-01,NPU1,>5",
     "event.operator", "lab"),
    ("lab_forsker", "pnr,samplingdate,analysiscode,value\nP1,2026-01-01,NPU1,5\nP1,01-02-2026,NPU1,5", "event.type",
     "lab"),
    ("lmdb", "pnr,eksd,atc,volume\nP1,2026-01-01,C07AB02,1\nP1,2026-01-01,C07AB02,tolv", "event.type", "medicine"),
    ("bef", "pnr,koen,foed_dato\nP1,1,1950-01-01\nP2,9,1950-01-01", "event.unknown_value", "person"),
    ("t_dodsaarsag_2", "k_cpr,d_dodsdato\nP1,2026-01-01\nP2,", "event.missing", "death"),
    ("sysi", "pnr,barnmak,speciale,honuge\nP1,0,54001,0501\nP2,0,54001,05W1", "event.type", "service"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "text", "rule", "event"), BAD, ids=[f"{t}-{r}" for t, _, r, _ in BAD])
def test_bad_input_is_a_finding_with_line_and_reason_and_nothing_is_lost(
    register: Register, table: str, text: str, rule: str, event: str
) -> None:
    register.deliver(table, text).settled()
    assert register.rows(f"select line from {event} order by line") == [(2,), (3,)]
    found = register.findings().filter(rule=rule)
    assert found.select("receipt_id", "line").rows() == [(table, 3)]
    assert found["reason"].item().endswith(".") and found["variable"].item()
    values = set(text.splitlines()[-1].split(",")) - {""}
    assert not any(value in found["reason"].item().split() for value in values), "a finding never shows a value"


def test_what_was_right_before_has_no_findings(register: Register) -> None:
    for table, text, _, _ in {case[0]: case for case in BAD}.values():
        register.deliver(table, "\n".join(text.splitlines()[:2]), JUNE)
    register.deliver("lpr_adm", "recnum,pnr,d_inddto\n1,P1,2015-01-01").settled()
    assert register.findings().filter(severity="error").height == 0


def test_a_withdrawn_code_list_judges_nothing(register: Register) -> None:
    register.connection.execute("delete from sks_codes")
    register.deliver("lpr_a_kontakt", CONTACT + "1,P1,2026-01-01 09:00:00,,").deliver(
        "lpr_a_diagnose", "dw_ek_kontakt,diag_kode,diag_kode_type\n1,NOSUCH,A"
    ).settled()
    assert register.findings().height == 0
