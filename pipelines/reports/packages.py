"""What leaves the building: the country's page, and for each region its page and its fejl- og mangelliste.

A region's workbook holds its own patients' rows with CPR, encrypted with a password of its own; the pages hold
figures only, and the receipts (kvitteringer) of its submissions no value at all.
regions/<region>/{rapport.html, fejl-og-mangelliste.xlsx, kvitteringer/<receipt>.{json,html}}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.reports.country import country_report
from pipelines.reports.kvittering import kvitteringer
from pipelines.reports.places import PlaceNames
from pipelines.reports.publish import write_json
from pipelines.reports.region import cause_sentences, region_report
from pipelines.reports.region_rows import region_rows
from pipelines.reports.workbook import region_workbook
from pipelines.spec.model import DatabaseSpec
from pipelines.warehouse.registers import NATIONAL

WORKBOOK = "fejl-og-mangelliste.xlsx"
PAGE = "rapport.html"
RECEIPTS = "kvitteringer"


@dataclass(frozen=True)
class Package:
    """What one report is made from: the run's folder, the specification, and the names of places."""

    folder: Path
    spec: DatabaseSpec
    names: PlaceNames

    def region_folder(self, region: str) -> Path:
        folder = self.folder / "regions" / region
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def regions(self) -> list[str]:
        """The regions that the results know of."""
        known = pl.read_parquet(self.folder / "coverage.parquet", columns=["region"])["region"]
        return sorted(known.drop_nulls().unique())


def write_pages(package: Package) -> list[Path]:
    """report.html and each region's page, from the contract files alone."""
    country = package.folder / "report.html"
    country.write_text(country_report(package.spec, package.folder, package.names), "utf-8")
    return [country, *(_region_page(package, region) for region in package.regions())]


def _region_page(package: Package, region: str) -> Path:
    page = package.region_folder(region) / PAGE
    page.write_text(region_report(package.spec, package.folder, region, package.names), "utf-8")
    return page


def write_workbooks(
    package: Package,
    found: Reconciliation,
    persons: pl.DataFrame,
    password: Callable[[str], str],
    note: Callable[[str, pl.Series], None] = lambda region, whose: None,
) -> list[Path]:
    """Each region's encrypted list. `persons`: receipt_id, line, person of every typed row, for the findings.

    `note` is told whose rows a region's list holds, before it is written.
    """
    records = found.records.with_columns(event_date=pl.col(package.spec.event_date).cast(pl.Date))
    written = []
    for region in package.regions():
        sentences = cause_sentences(package.spec, package.folder, region, package.names)
        rows = region_rows(package.folder, package.names, records, persons, sentences, region)
        note(region, pl.concat([rows.discrepancies["person"], rows.findings["person"]]))
        path = package.region_folder(region) / WORKBOOK
        path.write_bytes(region_workbook(package.spec, rows, region, password(region), package.names))
        written.append(path)
    return written


def write_receipts(package: Package) -> list[Path]:
    """The kvittering of every submission, for the region that sent it: JSON, and the same as a page.

    What the national registers deliver is no region's.
    """
    senders = pl.read_parquet(package.folder / "receipts.parquet", columns=["region"])["region"]
    written = []
    for region in sorted(set(senders) - {NATIONAL}):
        folder = package.region_folder(region) / RECEIPTS
        folder.mkdir(exist_ok=True)
        for receipt in kvitteringer(package.spec, package.folder, region):
            page = folder / f"{receipt.name}.html"
            write_json(page.with_suffix(".json"), receipt.contract())
            page.write_text(receipt.page(), "utf-8")
            written.append(page)
    return written
