"""The contract files of one results directory, read and held against their columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.project import InputError

_TEXT, _COUNT, _NUMBER = pl.String, pl.Int64, pl.Float64


def _columns(kind: pl.DataType, names: str) -> dict[str, pl.DataType]:
    return dict.fromkeys(names.split(), kind)


_PLACE = _columns(_TEXT, "region unit period")
_INTERVALS = ("completeness_of_new", "completeness_of_reported", "overlap")

# The columns that reports read, by file; a file may have more (record values are never read here).
CONTRACT: dict[str, dict[str, pl.DataType]] = {
    "receipts": _columns(_TEXT, "receipt_id file sha256 source region schema_version submission")
    | _columns(_TEXT, "received_at verdict")
    | _columns(_COUNT, "rows_in rows_accepted rows_quarantined")
    | {"reason": _TEXT},
    "findings": {"receipt_id": _TEXT, "line": _COUNT} | _columns(_TEXT, "record_id variable rule severity reason"),
    "unmatched": _columns(_TEXT, "side record_id region unit period reason"),
    "coverage": _PLACE
    | _columns(_COUNT, "reported new both only_reported only_new union")
    | {f"{name}{end}": _NUMBER for name in _INTERVALS for end in ("", "_low", "_high")},
    "agreement": {"variable": _TEXT, **_PLACE, "level": _TEXT}
    | _columns(_COUNT, "relevant both_known agree agree_within differ missing_differs reported_missing")
    | _columns(_COUNT, "new_missing both_missing not_applicable")
    | _columns(_NUMBER, "share share_low share_high"),
    "figures": {"variable": _TEXT, **_PLACE, "level": _TEXT, "figure": _TEXT}
    | _columns(_NUMBER, "value low high")
    | {"n": _COUNT, "reason": _TEXT},
    "transitions": _columns(_TEXT, "variable region reported_value new_value") | {"n": _COUNT},
    "offsets": _columns(_TEXT, "variable region") | {"offset": _NUMBER, "n": _COUNT},
    "indicators": _columns(_TEXT, "indicator region unit side")
    | _columns(_COUNT, "numerator denominator unknown")
    | _columns(_NUMBER, "value low high"),
    "indicator_differences": _columns(_TEXT, "indicator region unit")
    | _columns(_NUMBER, "difference low high coverage eligibility unknown value")
    | {"crosses_standard": pl.Boolean},
    "control_charts": {"variable": _TEXT, **_PLACE, "chart": _TEXT, "rule": _TEXT}
    | _columns(_NUMBER, "value low high expected")
    | {"n": _COUNT},
    "changeover": _columns(_TEXT, "region unit new_from kip_until found_from")
    | {"agrees": pl.Boolean}
    | _columns(_COUNT, "settles_days reported new"),
    "coverage_adjusted": _columns(_TEXT, "region period")
    | _columns(_COUNT, "reported new both")
    | _columns(_NUMBER, "arrived completeness_of_new completeness_of_new_adjusted"),
    "discrepancies": _columns(_TEXT, "discrepancy_id variable kind region unit period cause_id state"),
    "published": _columns(_TEXT, "table column region unit") | _columns(_COUNT, "least most"),
    "signals": {"variable": _TEXT, **_PLACE, "chart": _TEXT} | _columns(_NUMBER, "value low high") | {"rule": _TEXT},
}


@dataclass(frozen=True)
class Results:
    """One results directory: `frame` by file name, and the three JSON files."""

    folder: Path

    def frame(self, name: str) -> pl.DataFrame:
        """The table `name`.parquet with the columns reports read; a run that did not make it has no rows.

        Raises InputError where the file cannot be read or lacks a column.
        """
        path, columns = self.folder / f"{name}.parquet", CONTRACT[name]
        if not path.is_file():
            return pl.DataFrame(schema=columns)
        try:
            return pl.read_parquet(path).select(pl.col(c).cast(kind) for c, kind in columns.items())
        except pl.exceptions.ColumnNotFoundError:
            raise InputError(f"{path} lacks a column of its contract: run the reconciliation again.") from None
        except (pl.exceptions.PolarsError, OSError):
            raise InputError(f"{path} cannot be read as Parquet: run the reconciliation again.") from None

    @cached_property
    def summary(self) -> dict[str, Any]:
        """summary.json; without it the directory is no results directory (InputError)."""
        found = self._json("summary")
        if found is None:
            raise InputError(f"{self.folder} holds no summary.json: name the results directory of a run.")
        return found

    @cached_property
    def causes(self) -> dict[str, Any]:
        """causes.json; a run without it has found no causes."""
        return self._json("causes") or {"causes": [], "unexplained": 0}

    @cached_property
    def gate(self) -> dict[str, Any] | None:
        """gate.json; None where no gate was judged."""
        return self._json("gate")

    def _json(self, name: str) -> dict[str, Any] | None:
        path = self.folder / f"{name}.json"
        try:
            return json.loads(path.read_text("utf-8")) if path.is_file() else None
        except ValueError:
            raise InputError(f"{path} is not JSON: run the reconciliation again.") from None
