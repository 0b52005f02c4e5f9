"""The two HTML reports: what they say (snapshots), that nothing is active, and whose figures they hold."""

from __future__ import annotations

import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from reports_sample import REGIONS, write_results
from reports_sample_rows import HOSTILE, PERSON

from pipelines.project import InputError
from pipelines.reports.country import country_report
from pipelines.reports.look import without_person_numbers
from pipelines.reports.region import region_report
from pipelines.spec.model import Label

# Where a person number might come from outside.
PLANTED = {
    "discrepancies": ["reported_value", "new_value", "reported_id"],
    "transitions": ["new_value"],
    "receipts": ["file", "submission", "reason"],
    "findings": ["record_id", "reason"],
}
SNAPSHOTS = Path(__file__).parent / "snapshots"


class Page(HTMLParser):
    """The texts of a page, and everything in it that could act or fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.active: list[str] = []
        self.inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.inside.append(tag)
        if tag in ("script", "iframe", "object", "embed", "form", "base", "link", "img", "foreignObject"):
            self.active.append(tag)
        for name, value in attributes:
            fetches = name in ("src", "href", "xlink:href", "action") and not (value or "").startswith("#")
            if name.startswith("on") or fetches:
                self.active.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if data.strip() and not {"svg", "style"} & set(self.inside):
            self.texts.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def country(spec, results, names):
    return country_report(spec, results, names)


@pytest.fixture(scope="module")
def region(spec, results, names):
    return region_report(spec, results, "midtjylland", names)


@pytest.mark.parametrize("which", ["country", "region"])
def test_the_report_says_what_it_said(which, request):
    """A missing snapshot fails; RENEW_SNAPSHOTS=1 writes it anew, to be read before it is committed."""
    said = "\n".join(Page(request.getfixturevalue(which)).texts) + "\n"
    path = SNAPSHOTS / f"{which}.txt"
    if os.environ.get("RENEW_SNAPSHOTS") == "1":
        path.write_text(said, "utf-8")
    assert path.is_file(), f"{path.name} is missing: renew the snapshots and read them"
    assert said == path.read_text("utf-8")


@pytest.mark.parametrize("which", ["country", "region"])
def test_nothing_in_a_report_is_active_or_fetched(which, request):
    assert Page(request.getfixturevalue(which)).active == []


def test_the_check_for_active_content_sees_what_is_active():
    assert Page('<a href="https://example.org">x</a><p onclick="x()">y</p><script>z</script>').active != []


def test_the_same_results_give_the_same_bytes(spec, results, names, country):
    assert country_report(spec, results, names) == country


def test_hostile_texts_stay_texts(spec, units, tmp_path, names):
    folder = write_results(tmp_path, units)
    evil = " ".join(HOSTILE)
    _poison(folder, evil)
    labelled = {n: v.model_copy(update={"label": Label(da=f"{evil} {n}")}) for n, v in spec.variables.items()}
    hostile = spec.model_copy(update={"variables": labelled, "title": Label(da=evil)})
    for html in (
        country_report(hostile, folder, names),
        region_report(hostile, folder, "midtjylland", names),
    ):
        assert Page(html).active == []
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "<script" not in html and "<img" not in html


def _poison(folder: Path, evil: str) -> None:
    causes = json.loads((folder / "causes.json").read_text("utf-8"))
    for cause in causes["causes"]:
        cause |= {"sentence": {"da": evil}, "owner": evil, "slice": {"source_file": evil}}
    (folder / "causes.json").write_text(json.dumps(causes), "utf-8")
    receipts = pl.read_parquet(folder / "receipts.parquet").with_columns(file=pl.lit(evil), submission=pl.lit(evil))
    receipts.write_parquet(folder / "receipts.parquet")
    moved = pl.read_parquet(folder / "transitions.parquet").with_columns(new_value=pl.lit(evil), n=pl.lit(99))
    moved.write_parquet(folder / "transitions.parquet")


def test_no_person_number_and_no_row_value_gets_into_a_report(spec, units, tmp_path, names):
    folder = write_results(tmp_path, units)
    for file, columns in PLANTED.items():
        frame = pl.read_parquet(folder / f"{file}.parquet")
        planted = frame.with_columns(pl.lit(f"x {PERSON} y").alias(column) for column in columns)
        planted.write_parquet(folder / f"{file}.parquet")
    for html in (country_report(spec, folder, names), region_report(spec, folder, "midtjylland", names)):
        assert PERSON not in html
        assert not re.search(r"(?<![\d.,])\d{6}-?\d{4}(?![\d.,])", re.sub(r"<svg.*?</svg>", "", html, flags=re.S))


def test_the_last_guard_blacks_out_person_numbers_only():
    assert without_person_numbers("fil 010170-1234.csv, 0101701234, 010170 1AB2") == (
        "fil ██████-████.csv, ██████-████, ██████-████"
    )
    assert without_person_numbers("1.234.567 og 12345678901") == "1.234.567 og 12345678901"


def test_a_sample_says_so_and_an_official_specification_does_not(spec, results, country):
    notice = "Eksempel, ikke SundK&#39;s egen specifikation"
    assert notice in country
    assert notice not in country_report(spec.model_copy(update={"official": True}), results)


def test_a_region_reads_of_its_own_causes_only(region):
    said = Page(region).texts
    assert any("NYHA-klasse II bliver til III" in text for text in said)
    assert not any("Aalborg" in text or "Region Sjælland" in text for text in said)


def test_a_region_reads_no_other_regions_figures(spec, units, tmp_path, names, region):
    """Other regions' rows change; the region's report does not."""
    folder = write_results(tmp_path, units)
    others = [name for name in REGIONS if name != "midtjylland"]
    for path in folder.glob("*.parquet"):
        frame = pl.read_parquet(path)
        if "region" in frame.columns:
            frame.filter(~pl.col("region").is_in(others).fill_null(False)).write_parquet(path)
    assert region_report(spec, folder, "midtjylland", names) == region


def test_a_cause_of_the_whole_country_concerns_every_region(spec, units, tmp_path, names):
    folder = write_results(tmp_path, units)
    causes = json.loads((folder / "causes.json").read_text("utf-8"))
    causes["causes"][0] |= {"slice": {}, "cause_id": "none of theirs"}
    (folder / "causes.json").write_text(json.dumps(causes), "utf-8")
    assert "NYHA-klasse II bliver til III" in region_report(spec, folder, "syddanmark", names)


def test_small_cells_are_hidden_from_the_country_but_not_from_the_region(country, region):
    assert "&lt;5" in country
    assert "&lt;5" not in region


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [("passed", "Bestået"), ("cannot_be_judged", "Kan ikke vurderes"), ("error", "Kan ikke vurderes")],
)
def test_a_gate_is_shown_as_judged(spec, units, tmp_path, names, outcome, shown):
    folder = write_results(tmp_path, units)
    gate = json.loads((folder / "gate.json").read_text("utf-8")) | {"outcome": outcome}
    gate["conditions"] = [c | {"outcome": outcome} for c in gate["conditions"][:2]]
    (folder / "gate.json").write_text(json.dumps(gate), "utf-8")
    html = country_report(spec, folder, names)
    assert f'<span class="badge {"good" if outcome == "passed" else "unsure"}">{shown}</span>' in html


def test_without_a_gate_nothing_is_passed(spec, results, tmp_path, names):
    folder = shutil.copytree(results, tmp_path / "run", dirs_exist_ok=True)
    (folder / "gate.json").unlink()
    html = country_report(spec, folder, names)
    assert "Kan ikke vurderes" in html and "badge good" not in html


def test_a_run_of_plain_files_without_most_tables_has_a_report(spec, results, tmp_path):
    for name in ("summary.json", "coverage.parquet"):
        shutil.copy(results / name, tmp_path / name)
    html = country_report(spec, tmp_path)
    assert "Der er ikke fundet nogen fælles årsag" in html and "Der er intet at vise" in html


def test_wrong_directories_and_regions_are_refused_in_one_sentence(spec, results, tmp_path):
    with pytest.raises(InputError, match=r"summary\.json"):
        country_report(spec, tmp_path)
    with pytest.raises(InputError, match="no region 'atlantis'"):
        region_report(spec, results, "atlantis")


def test_a_table_that_lacks_a_column_is_refused_by_file(spec, results, tmp_path):
    folder = shutil.copytree(results, tmp_path / "run", dirs_exist_ok=True)
    pl.read_parquet(folder / "agreement.parquet").drop("differ").write_parquet(folder / "agreement.parquet")
    with pytest.raises(InputError, match=r"agreement\.parquet lacks a column"):
        country_report(spec, folder)


def test_the_report_can_be_had_in_english(spec, results, names):
    assert "Mended by" in country_report(spec, results, names, language="en")


def test_what_decided_the_gate_stands_before_what_had_no_data(spec, units, tmp_path, names):
    folder = write_results(tmp_path, units)
    gate = json.loads((folder / "gate.json").read_text("utf-8"))
    gate["conditions"].insert(0, gate["conditions"][-1] | {"of": "height", "n": 0, "reason": "nothing to judge"})
    (folder / "gate.json").write_text(json.dumps(gate), "utf-8")
    said = "\n".join(Page(country_report(spec, folder, names)).texts)
    order = ["Overensstemmelse: NYHA-klasse", "Overensstemmelse: SGLT-2-hæmmer", "Overensstemmelse: Højde"]
    assert [said.index(name) for name in order] == sorted(said.index(name) for name in order)
