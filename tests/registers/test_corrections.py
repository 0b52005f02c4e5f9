"""Later deliveries replace what they correct, whatever the order of arrival; the history stays readable."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from deliveries import JUNE, MAY, Register
from hypothesis import given, settings
from hypothesis import strategies as st

PROCEDURES = "dw_ek_procedureregistrering,dw_ek_kontakt,proc_kode,proc_kode_type,proc_parent_kode,proc_indb_tidspunkt"
CONTACTS = "dw_ek_kontakt,pnr,kont_starttidspunkt,kont_ans,kont_indb_tidspunkt"
CONTACT = f"{CONTACTS}\n1,P1,2026-05-01 09:00:00,3800A80,2026-05-02 00:00:00"

# Table, rows, content date, receipt (whose names go against the order of events):
# a contact corrected twice, a procedure corrected and another withdrawn.
DELIVERIES = [
    ("lpr_a_kontakt", CONTACT, MAY, "k9"),
    ("lpr_a_kontakt", f"{CONTACTS}\n1,P1,2026-05-01 10:00:00,3800A81,2026-06-02 00:00:00", JUNE, "k5"),
    ("lpr_a_kontakt", f"{CONTACTS}\n1,P1,2026-05-01 11:00:00,3800A82,2026-06-12 00:00:00", JUNE, "k1"),
    (
        "lpr_a_procregistrering",
        f"{PROCEDURES}\n5,1,KNFB20,P,,2026-05-02 00:00:00\n5,1,TUL1,+,KNFB20,2026-05-02 00:00:00"
        "\n6,1,KNFJ40,P,,2026-05-02 00:00:00",
        MAY,
        "p9",
    ),
    ("lpr_a_procregistrering", f"{PROCEDURES}\n5,1,KNFB40,P,,2026-06-02 00:00:00", JUNE, "p5"),
    ("lpr_a_procregistrering_aflys", f"{PROCEDURES}\n6,1,KNFJ40,P,,2026-05-02 00:00:00", JUNE, "p1"),
]


@pytest.fixture
def register(tmp_path) -> Register:
    return Register(tmp_path)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_latest_report_of_a_contact_stands(register: Register, order: tuple[int, ...]) -> None:
    for number in order:
        register.deliver(*DELIVERIES[number])
    register.settled()
    assert register.rows("select unit, hour(starts), receipt_id from contact") == [("3800A82", 11, "k1")]
    assert register.rows("select receipt_id from contact_history order by 1") == [("k1",), ("k5",), ("k9",)]


@settings(deadline=None, max_examples=10)
@given(order=st.permutations(range(len(DELIVERIES))))
def test_what_stands_does_not_depend_on_the_order_of_arrival(tmp_path_factory, order: list[int]) -> None:
    register = Register(tmp_path_factory.mktemp("order"))
    for number in order:
        register.deliver(*DELIVERIES[number])
    register.settled()
    assert register.rows("select unit, receipt_id, line from contact") == [("3800A82", "k1", 2)]
    standing = register.rows("select procedure_id, code, person, receipt_id from procedure")
    assert standing == [("5", "KNFB40", "P1", "p5")], "the tillægskode of the corrected one is gone with it"


def test_before_the_correction_came_the_first_report_stood(register: Register) -> None:
    register.deliver(*DELIVERIES[0]).deliver(*DELIVERIES[3]).settled()
    codes = register.rows("select code from procedure order by code")
    assert codes == [("KNFB20",), ("KNFJ40",), ("TUL1",)]
    register.deliver(*DELIVERIES[5]).settled()
    assert register.rows("select code from procedure order by code") == [("KNFB20",), ("TUL1",)]
    assert register.rows("select code, deleted from procedure_history where procedure_id = '6' order by 2") == [
        ("KNFJ40", False),
        ("KNFJ40", True),
    ]


def test_a_withdrawal_of_the_same_day_and_report_wins(register: Register) -> None:
    table, rows, _, _ = DELIVERIES[5]
    register.deliver(*DELIVERIES[3]).deliver(table, rows, MAY, "a").settled()
    assert register.rows("select distinct procedure_id from procedure") == [("5",)]


def test_a_withdrawn_procedure_that_is_reported_again_later_stands(register: Register) -> None:
    register.deliver(*DELIVERIES[3]).deliver(*DELIVERIES[5])
    again = f"{PROCEDURES}\n6,1,KNFJ70,P,,2026-07-02 00:00:00"
    register.deliver("lpr_a_procregistrering", again, dt.date(2026, 7, 31), "p4").settled()
    assert register.rows("select code from procedure where procedure_id = '6'") == [("KNFJ70",)]


def test_a_contacts_diagnoses_are_replaced_together(register: Register) -> None:
    header = "dw_ek_kontakt,diag_kode,diag_kode_type"
    register.deliver(*DELIVERIES[0])
    register.deliver("lpr_a_diagnose", f"{header}\n1,DI500,A\n1,DE119,B\n2,DJ449,A", MAY, "d1")
    register.deliver("lpr_a_diagnose", f"{header}\n1,DI509,A", JUNE, "d2").settled()
    naive = "select contact_id, code from diagnosis_history order by all"
    assert len(register.rows(naive)) == 4, "naive: the removed diagnosis lives on"
    assert register.rows("select contact_id, code from diagnosis order by all") == [("1", "DI509"), ("2", "DJ449")]


def test_both_variants_of_lpr_give_one_contact(register: Register) -> None:
    register.deliver(*DELIVERIES[0])
    register.deliver("lpr_a_diagnose", "dw_ek_kontakt,diag_kode,diag_kode_type\n1,DI500,A", MAY, "a")
    register.deliver("kontakter", "DW_EK_KONTAKT,CPR,DATO_START,TIDSPUNKT_START\n1,P1,2026-05-01,09:00:00", MAY, "f1")
    register.deliver("diagnoser", "dw_ek_kontakt,diagnosekode,diagnosetype\n1,DI500,A", MAY, "f2").settled()
    assert register.rows("select count(*) from contact_history") == [(2,)], "naive: two contacts"
    assert register.rows("select count(*), min(starts) from contact") == [(1, dt.datetime(2026, 5, 1, 9))]
    assert register.rows("select count(*) from diagnosis") == [(1,)]


def test_a_row_said_twice_in_one_delivery_stands_once(register: Register) -> None:
    register.deliver("lpr_a_kontakt", CONTACT + "\n" + CONTACT.splitlines()[1]).settled()
    assert register.rows("select line from contact") == [(2,)]


def test_two_dispensings_of_one_day_are_two(register: Register) -> None:
    register.deliver(
        "lmdb", "pnr,eksd,atc,apk,volume\nP1,2026-05-01,C07AB02,1,30\nP1,2026-05-01,C07AB02,1,30"
    ).settled()
    assert register.rows("select count(*) from medicine") == [(2,)]
    register.deliver("lmdb", "pnr,eksd,atc,apk,volume\nP1,2026-05-01,C07AB02,1,30", JUNE, "later").settled()
    assert register.rows("select receipt_id from medicine") == [("later",)]


def test_a_contact_without_its_key_is_never_replaced(register: Register) -> None:
    row = "dw_ek_kontakt,pnr,kont_starttidspunkt\n,P1,2026-05-01 09:00:00\n,P2,2026-05-02 09:00:00"
    register.deliver("lpr_a_kontakt", row).deliver("lpr_a_kontakt", row, JUNE, "later").settled()
    assert register.rows("select person from contact order by 1") == [("P1",), ("P1",), ("P2",), ("P2",)]
    assert register.found("event.missing")[2:] == [("lpr_a_kontakt", 2), ("lpr_a_kontakt", 3)]
