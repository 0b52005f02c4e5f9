"""Two hundred payloads in every field: in no page, workbook or Dagster's page does one of them do anything."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg
import openpyxl
import polars as pl
import pytest
from nasty import FOLDER, project_in, run_of

from pipelines.orchestration import metadata
from pipelines.plain_files import reconcile_files
from pipelines.reports import look, workbook
from pipelines.reports.kvittering import kvitteringer
from pipelines.reports.region import region_report
from pipelines.reports.rows import DISCREPANCIES, FINDINGS, RegionRows
from pipelines.spec.reading import read_spec

pytestmark = pytest.mark.trust

SPEC = read_spec(FOLDER / "specification.yaml")
REGION = "1084"
BASES = (
    "=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://x.example","k")',
    "http://x.example/k", "mailto:a@x.example", "file:///etc/passwd", "internal:'Ark'!A1", "external:x.xlsx",
    "<script>ejet()</script>", "<img src=x onerror=ejet()>", "<svg onload=ejet()>", "<iframe src=//x.example>",
    "<a href='javascript:ejet()'>k</a>", "</td></table><script src=//x.example></script>",
    "<style>*{display:none}</style>",
    "<base href=//x.example>", "<meta http-equiv=refresh content='0;url=//x.example'>", "<form action=//x.example>",
    "'\"><script>ejet()</script>", "{{ 7*7 }}", "{% raw %}", "${7*7}", "<!--", "]]>", "&lt;script&gt;ejet()",
    "[k](javascript:ejet())", "![k](http://x.example/k.png)", "<https://x.example>", "# Overskrift", "| a | b |",
    "```", "<details ontoggle=ejet() open>", "\u202e=1+1", "＝1+1", "<ScRiPt>ejet()</sCrIpT>",
)  # fmt: skip
WRAPPED = ("{}", " {}", "a {}", "{} b", "{}{}")
PAYLOADS = [form.format(base, base) for form in WRAPPED for base in BASES]
CODES = [base for base in BASES if "ejet" in base][:8]  # each so often that its count is not hidden
TEXTS = ("record_id", "unit", "hospital", "submission", "source_file", "schema_version", "source_system", "age_band")
SAFE_TAGS = {"script", "iframe", "object", "embed", "form", "base", "img", "link", "input", "button", "video", "audio"}


def side(path: Path, new: bool) -> Path:
    """One record per payload, which stands in every text and code it has; the new side's texts and codes differ."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["person", "region", "started", *TEXTS, "diagnosis", "procedure", "letter", "number"])
        for number, payload in enumerate(PAYLOADS):
            texts = [f"{payload} {number}", *[payload] * (len(TEXTS) - 1)]
            code = CODES[number % len(CODES)]
            values = [f"{said} ny" if new else said for said in (payload, payload, code)]
            rows.writerow([f"{number % 28 + 1:02}0170{1000 + number}", REGION, "2024-03-01 10:00", *texts, *values, 1])
    return path


def with_codes(folder: Path) -> Path:
    """The specification with a variable of codes beside the texts: what is no code of it is compared all the same."""
    copy = Path(shutil.copytree(FOLDER, folder / "nasty")) / "specification.yaml"
    said = copy.read_text("utf-8")
    text, code = "{label: {da: Kode}, type: text}", "{label: {da: Kode}, type: code, values: {A: Første, B: Anden}}"
    assert text in said
    copy.write_text(said.replace(text, code), "utf-8")
    return copy


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inert")
    out = folder / "out"
    sides = (side(folder / "old.csv", False), side(folder / "new.csv", True))
    reconcile_files(with_codes(folder), *sides, out, dt.date(2025, 6, 1))
    receipts = pl.read_parquet(out / "receipts.parquet")
    named = ("file", "reason", "submission", "schema_version")
    hostile = [
        receipts.head(1).with_columns(
            *(pl.lit(payload).alias(name) for name in named),
            receipt_id=pl.lit(f"r{number}"), region=pl.lit(REGION), verdict=pl.lit("refused"),
        )
        for number, payload in enumerate(PAYLOADS)
    ]  # fmt: skip
    pl.concat(hostile).write_parquet(out / "receipts.parquet")
    return out


def refreshes(attributes: dict[str, str | None]) -> bool:
    """A page may say what it lets itself load (its own policy), and nothing else to the browser."""
    return attributes.get("http-equiv") not in (None, "Content-Security-Policy")


class Active(HTMLParser):
    """What a page would do: tags that fetch or run, handlers, addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in SAFE_TAGS or (tag == "meta" and refreshes(dict(attrs))) else []
        for name, value in attrs:
            address = name in ("href", "src", "action", "xlink:href", "formaction", "srcset")
            outward = address and not re.fullmatch(r"#[\w-]*|data:[\w/+;=,%-]*", value or "")
            self.found += [f"{name}={value}"] if name.startswith("on") or outward else []

    def handle_data(self, said: str) -> None:
        self.texts.append(said)


def page_of_region(results: Path) -> str:
    return region_report(read_spec(results.parent / "nasty" / "specification.yaml"), results, REGION)


def pages(results: Path) -> Iterator[str]:
    yield (results / "report.html").read_text("utf-8")
    yield page_of_region(results)
    yield from (receipt.page() for receipt in kvitteringer(SPEC, results, REGION))


def test_no_page_does_what_a_cell_says(results):
    told = [Active(page) for page in pages(results)]
    assert len(told) > len(PAYLOADS)
    assert [found for page in told for found in page.found] == []
    assert any("<script>ejet()" in text for page in told for text in page.texts)  # it stands there, as text
    for page in told[:2]:
        assert all(any(f"{code} ny" in text for text in page.texts) for code in CODES)  # and so do codes


def test_pages_that_are_not_escaped_would_be_caught(results, monkeypatch):
    """The broken variant is the same templates, which take every text for markup."""
    environment = look.Environment
    monkeypatch.setattr(look, "Environment", lambda **said: environment(**said | {"autoescape": False}))
    look.templates.cache_clear()
    try:
        assert {"script", "onload=ejet()", "ontoggle=ejet()"} <= set(Active(page_of_region(results)).found)
    finally:
        look.templates.cache_clear()


def test_an_unescaped_payload_would_be_caught():
    caught = [payload for payload in PAYLOADS if "<" in payload and Active(f"<td>{payload}</td>").found]
    assert len(caught) > 50


def rows_of_payloads() -> RegionRows:
    count = len(PAYLOADS)
    fixed = {
        "region": REGION, "kind": "differ", "variable": "procedure", "event_date": dt.date(2024, 3, 1), "shared": False,
        "own_side": None, "state": "new", "source_line_new": "1", "source_line_reported": "1",
    }  # fmt: skip
    told = {name: [fixed[name]] * count if name in fixed else PAYLOADS for name in DISCREPANCIES}
    finding = {
        name: [2] * count if name == "line" else ["error"] * count if name == "severity" else PAYLOADS
        for name in FINDINGS
    }
    return RegionRows(pl.DataFrame(told), pl.DataFrame(finding | {"variable": ["procedure"] * count}))


def active_in(book: bytes) -> list[str]:
    """Formulas, links, and parts of the file that run or fetch."""
    opened = openpyxl.load_workbook(io.BytesIO(book))
    cells = [cell for sheet in opened for row in sheet.iter_rows() for cell in row]
    found = [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]
    names = zipfile.ZipFile(io.BytesIO(book)).namelist()
    return found + [name for name in names if "external" in name.lower() or "vba" in name.lower()]


def test_no_cell_of_a_workbook_is_a_formula_or_a_link():
    assert active_in(workbook.plain_workbook(SPEC, rows_of_payloads(), REGION)) == []


def test_a_workbook_of_the_librarys_own_ways_would_be_caught(monkeypatch):
    monkeypatch.setattr(workbook, "_INERT", {})
    monkeypatch.setattr(workbook.Worksheet, "write_string", workbook.Worksheet.write)
    assert len(active_in(workbook.plain_workbook(SPEC, rows_of_payloads(), REGION))) > 20


def test_dagsters_page_gets_no_payload_as_markdown(results, tmp_path):
    run = run_of(project_in(tmp_path))
    view = metadata.view_of(run, results)
    told = [metadata.coverage_table(view), metadata.worst_agreement_table(view), metadata.agreement_chart(view),
            metadata.causes_table(view), metadata.receipts_table(view), metadata.refused_table(view)]  # fmt: skip
    markdown = [one.md_str for one in told if isinstance(one, dg.MarkdownMetadataValue)]
    assert all(re.fullmatch(r"!\[[^\[\]()<>]*\]\(data:image/svg\+xml;base64,[\w+/=]*\)", one) for one in markdown)
    shown = [str(value) for table in told if isinstance(table, dg.TableMetadataValue)
             for record in table.records for value in record.data.values()]  # fmt: skip
    assert any("ejet" in text for text in shown)  # in tables, which Dagster shows as text


def test_a_run_leaves_no_file_that_a_spreadsheet_would_read_cell_by_cell(results):
    assert not [path for path in results.rglob("*") if path.suffix in (".csv", ".tsv", ".txt")]
