"""Bad input, one test per cell of a table of registers and kinds: told with line and reason, the rest taken in.

What a register cannot get wrong has no row: laboratory and medicine have no SKS codes, procedures or units, and
only results and laboratory values have operators.
"""

from __future__ import annotations

import datetime as dt

import pytest
from deliveries import LAYOUTS, Register

from pipelines.project import Project
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.key import make_key
from pipelines.warehouse.registers import prepare_registers, receive_register

# Of a contact in 2019 and a person that the children of the tables below belong to.
CONTACT = {
    "lpr_a": ("lpr_a_kontakt", "dw_ek_kontakt,pnr,kont_starttidspunkt,kont_ans", "K1,P1,2019-06-01 09:00:00,6620141"),
    "lpr_f": ("kontakter", "dw_ek_kontakt,cpr,dato_start,tidspunkt_start,sorenhed_ans",
              "K1,P1,2019-06-01,09:00,6620141"),
}  # fmt: skip
# A table of each register: its columns and a row in which nothing is wrong.
RIGHT = {
    "lpr_a_kontakt": ("dw_ek_kontakt,pnr,kont_starttidspunkt,kont_ans,kont_ans_org_reg",
                      "K8,P1,2019-06-01 09:00:00,223601000016004,81"),
    "lpr_a_diagnose": ("dw_ek_kontakt,diag_kode,diag_kode_type", "K1,DI509,A"),
    "lpr_a_procregistrering": ("dw_ek_procedureregistrering,dw_ek_kontakt,proc_kode,proc_kode_type,proc_starttidspunkt",
                               "R8,K1,UXUC80,P,2019-06-01 09:10:00"),
    "lpr_a_resultater": ("dw_ek_resultatindberetning,dw_ek_kontakt,triggerkode,res_type,res_vaerdi_tekst",
                         "1,K1,AVAA,RXA1,5"),
    "kontakter": ("dw_ek_kontakt,cpr,dato_start,tidspunkt_start,sorenhed_ans,region_ans",
                  "K8,P1,2019-06-01,09:00,223601000016004,81"),
    "diagnoser": ("dw_ek_kontakt,diagnosekode,diagnosetype", "K1,DI509,A"),
    "procedurer": ("procedureregistrering_id,dw_ek_kontakt,procedurekode,proceduretype,dato_start,tidspunkt_start",
                   "R8,K1,UXUC80,P,2019-06-01,09:10"),
    "resultater": ("resultatnummer,dw_ek_kontakt,triggerkode,resultattype,resultatvaerdi", "1,K1,AVAA,RXA1,5"),
    "lab_forsker": ("pnr,samplingdate,analysiscode,value,unit", "P1,2019-06-01,NPU27300,48,mmol/mol"),
    "lmdb": ("pnr,eksd,atc,volume", "P1,2019-06-01,C07AB02,1"),
    "cpr_person": ("pnr,foed_dato,koen,doeds_dato", "P1,1950-01-01,K,"),
}  # fmt: skip
# Register, kind, table, row, and the rules that tell of it.
WRONG = """
lpr_a | unknown code          | lpr_a_diagnose         | K1,DNOSUCH,A                       | code.unknown
lpr_a | code outside validity | lpr_a_diagnose         | K1,DB342A,B                        | code.not_valid
lpr_a | unknown region        | lpr_a_kontakt          | K9,P1,2019-06-01 09:00:00,6620141,99 | event.unknown_value
lpr_a | value with operator   | lpr_a_resultater       | 2,K1,AVAA,RXA1,<5                  | event.operator
lpr_a | not a number          | lpr_a_resultater       | 2,K1,AVAA,RXA1,spor                | event.not_a_number
lpr_a | procedure, no contact | lpr_a_procregistrering | R9,K7,UXUC80,P,2019-06-01 | event.no_contact event.no_person
lpr_a | unreadable date       | lpr_a_kontakt          | K9,P1,2019-02-30 09:00:00,6620141,81 | event.type
lpr_a | unknown unit          | lpr_a_kontakt          | K9,P1,2019-06-01 09:00:00,440711000016004, | unit.unknown
lpr_a | unit with wrong digit | lpr_a_kontakt          | K9,P1,2019-06-01 09:00:00,223601000016005, | unit.check_digit
lpr_f | unknown code          | diagnoser              | K1,DNOSUCH,A                       | code.unknown
lpr_f | code outside validity | diagnoser              | K1,DB342A,B                        | code.not_valid
lpr_f | unknown region        | kontakter              | K9,P1,2019-06-01,09:00,6620141,99  | event.unknown_value
lpr_f | value with operator   | resultater             | 2,K1,AVAA,RXA1,<5                  | event.operator
lpr_f | procedure, no contact | procedurer | R9,K7,UXUC80,P,2019-06-01,09:10 | event.no_contact event.no_person
lpr_f | unreadable date       | kontakter              | K9,P1,01-06-2019,09:00,6620141,81  | event.type
lpr_f | unreadable clock      | kontakter              | K9,P1,2019-06-01,29:00,6620141,81  | event.type
lpr_f | unknown unit          | kontakter              | K9,P1,2019-06-01,09:00,440711000016004, | unit.unknown
lab   | misspelt code         | lab_forsker            | P1,2019-06-01,NPU4998,5,%          | event.mended
lab   | value with operator   | lab_forsker            | P1,2019-06-01,NPU27300,<5,mmol/mol | event.operator
lab   | unreadable date       | lab_forsker            | P1,01-06-2019,NPU27300,5,mmol/mol  | event.type
lmdb  | missing code          | lmdb                   | P1,2019-06-01,,1                   | event.missing
lmdb  | value with operator   | lmdb                   | P1,2019-06-01,C07AB02,<5           | event.type
lmdb  | unreadable date       | lmdb                   | P1,2019-13-01,C07AB02,1            | event.type
cpr   | unknown code          | cpr_person             | P2,1950-01-01,9,                   | event.unknown_value
cpr   | unreadable date       | cpr_person             | P2,1950-02-30,K,                   | event.type
"""


def cells() -> list[tuple[str, ...]]:
    """The rows of the table as drawn."""
    return [tuple(cell.strip() for cell in line.split("|")) for line in WRONG.strip().splitlines()]


@pytest.mark.parametrize(
    ("register", "table", "row", "rule"),
    [(register, table, row, rule) for register, _, table, row, rule in cells()],
    ids=[f"{register}-{kind}" for register, kind, *_ in cells()],
)
def test_bad_input_is_told_with_line_and_reason_and_the_rest_is_taken_in(tmp_path, register, table, row, rule) -> None:
    header, right = RIGHT[table]
    warehouse = Register(tmp_path)
    if register in CONTACT:
        name, columns, contact = CONTACT[register]
        warehouse.deliver(name, f"{columns}\n{contact}", receipt="context")
    warehouse.deliver(table, f"{header}\n{row}\n{right}\n", receipt="r").settled()
    event = next(layout.tables[table].event for layout in LAYOUTS if table in layout.tables)
    assert warehouse.rows(f"select line from {event} where receipt_id = 'r' order by 1") == [(2,), (3,)]
    found = warehouse.findings().filter(receipt_id="r")
    assert found.select("line", "rule").rows() == [(2, one) for one in rule.split()], (
        "nothing else is told, and nothing of the right row"
    )
    values = set(row.split(",")) - {""}
    assert all(reason.endswith(".") and not values & set(reason.split()) for reason in found["reason"])


@pytest.mark.parametrize(("table", "position"), [(t, n) for t in RIGHT for n in range(2)])
def test_a_missing_column_refuses_the_file_and_is_named(tmp_path, table, position) -> None:
    header, row = (line.split(",") for line in RIGHT[table])
    layout = next(layout.tables[table] for layout in LAYOUTS if table in layout.tables)
    needed = [name for name in header if any(name in layout.columns[event].names for event in layout.needed)]
    gone = needed[position] if position < len(needed) else needed[0]
    kept = [n for n, name in enumerate(header) if name != gone]
    path = tmp_path / f"{table}_2026-05-31.csv"
    path.write_text("".join(",".join(line[n] for n in kept) + "\n" for line in (header, row)), "utf-8")
    project = Project(tmp_path / "home", tmp_path, tmp_path / "keys" / "key")
    make_key(project)
    with open_warehouse(project, "registers") as warehouse:
        prepare_registers(warehouse)
        receipt = receive_register(warehouse, LAYOUTS, path, dt.datetime(2026, 6, 1, 12))
    asked = {layout.columns[event].names[0] for event in layout.needed}
    assert receipt.verdict == "refused" and receipt.reason.startswith("missing_column: ")
    assert any(f"Kolonnen {name} mangler" in receipt.reason for name in asked)
