"""A region's list as the region opens it, with its password."""

from __future__ import annotations

import io
from pathlib import Path

import msoffcrypto
import openpyxl

from pipelines import flow


def workbook(run: flow.Run, results: Path, region: str) -> openpyxl.Workbook:
    locked = msoffcrypto.OfficeFile(
        io.BytesIO((results / "regions" / region / "fejl-og-mangelliste.xlsx").read_bytes())
    )
    locked.load_key(password=flow.password(run, region))
    opened = io.BytesIO()
    locked.decrypt(opened)
    return openpyxl.load_workbook(opened)
