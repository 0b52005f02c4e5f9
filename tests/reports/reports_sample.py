"""A plausible results directory of the sample dhd, with every contract file, made from a fixed seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
from reports_sample_said import CAUSES, gate, summary

ROOT = Path(__file__).parents[2]
SPECIFICATION = ROOT / "expectations" / "dhd" / "specification.yaml"
REGIONS = ("hovedstaden", "midtjylland", "nordjylland", "sjaelland", "syddanmark")
VARIABLES = (
    "start_date",
    "diagnosis",
    "echo",
    "lvef",
    "nyha",
    "systolic_bp",
    "weight",
    "smoking",
    "ace_arb",
    "training",
)
MONTHS = ("2025-11", "2025-12", "2026-01", "2026-02", "2026-03")
CODED = {
    "echo": ["yes", "no", "unknown"],
    "nyha": ["1", "2", "3", "4", None],
    "smoking": ["never", "former", "smoker"],
}


def write_results(folder: Path, units: dict[str, str]) -> Path:
    """Write every contract file into `folder`."""
    random = np.random.default_rng(7)
    coverage = _coverage(random, units)
    frames = {
        "coverage": coverage,
        "agreement": _agreement(random, units),
        "figures": _figures(random),
        "transitions": _transitions(random),
        "offsets": _offsets(random),
        "unmatched": _unmatched(random, units),
        "discrepancies": _discrepancies(random, units),
        "indicators": _indicators(random),
        "indicator_differences": _indicator_differences(),
        "receipts": _receipts(),
        "findings": _findings(random),
        "control_charts": _control_charts(),
        "changeover": _changeover(),
        "coverage_adjusted": _coverage_adjusted(),
    }
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    for name, said in {
        "summary": summary(),
        "causes": {"causes": CAUSES, "unexplained": 81},
        "gate": gate(),
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(said, ensure_ascii=False), "utf-8")
    return folder


def wilson(k: int, n: int) -> tuple[float | None, float | None]:
    """Only to make the sample look right; the product's intervals are computed elsewhere."""
    if n == 0:
        return None, None
    z, p = 1.96, k / n
    middle, half = (p + z * z / 2 / n), z * (p * (1 - p) / n + z * z / 4 / n / n) ** 0.5
    return round((middle - half) / (1 + z * z / n), 6), round(min(1.0, (middle + half) / (1 + z * z / n)), 6)


def _places(units: dict[str, str]) -> list[tuple[str | None, str | None]]:
    return [(None, None), *((r, None) for r in REGIONS), *((region, unit) for unit, region in units.items())]


def _size(region: str | None, unit: str | None) -> int:
    if unit == "4001021":
        return 14  # Bornholm is small: its cells must be hidden
    return 110 if unit else 420 if region else 2100


def _coverage(random, units) -> pl.DataFrame:
    rows = []
    for region, unit in _places(units):
        for period in (None, *MONTHS):
            union = _size(region, unit) // (1 if period is None else len(MONTHS))
            gap = region == "sjaelland" and period == "2026-02" and unit is None
            only_reported = int(union * (0.85 if gap else random.uniform(0.01, 0.05)))
            only_new = int((union - only_reported) * random.uniform(0.01, 0.04))
            both = union - only_reported - only_new
            row = {
                "region": region,
                "unit": unit,
                "period": period,
                "reported": both + only_reported,
                "new": both + only_new,
                "both": both,
                "only_reported": only_reported,
                "only_new": only_new,
                "union": union,
            }
            shares = {
                "completeness_of_new": both + only_new,
                "completeness_of_reported": both + only_reported,
                "overlap": both,
            }
            for name, part in shares.items():
                low, high = wilson(part, union)
                row |= {name: part / union, f"{name}_low": low, f"{name}_high": high}
            rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def _agreement(random, units) -> pl.DataFrame:
    rows = []
    for variable in VARIABLES:
        for region, unit in _places(units):
            for level in (None, "3") if variable == "diagnosis" else (None,):
                known = int(_size(region, unit) * 0.9)
                bad = variable == "nyha" and region in (None, "midtjylland")
                differ = int(known * (0.2 if bad else random.uniform(0.004, 0.04)))
                within = int(known * 0.05) if variable in ("lvef", "systolic_bp", "weight") else 0
                low, high = wilson(known - differ, known)
                rows.append(
                    {
                        "variable": variable,
                        "region": region,
                        "unit": unit,
                        "period": None,
                        "level": level,
                        "relevant": _size(region, unit),
                        "both_known": known,
                        "agree": known - differ - within,
                        "agree_within": within,
                        "differ": differ,
                        "missing_differs": 2,
                        "reported_missing": 3,
                        "new_missing": 4,
                        "both_missing": 1,
                        "not_applicable": 0,
                        "share": (known - differ) / known,
                        "share_low": low,
                        "share_high": high,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def _figures(random) -> pl.DataFrame:
    rows = []
    for region in (None, *REGIONS):
        for variable in VARIABLES:
            numeric = variable in ("lvef", "systolic_bp", "weight")
            names = (
                ("mean_difference", "loa_low", "loa_high", "ccc")
                if numeric
                else ("kappa", "pabak", "sensitivity", "ppv")
            )
            for name in names:
                value = float(np.round(random.uniform(0.7, 0.98), 4))
                alone = variable == "echo" and name == "kappa"
                rows.append(
                    {
                        "variable": variable,
                        "region": region,
                        "unit": None,
                        "period": None,
                        "level": None,
                        "figure": name,
                        "value": None if alone else value,
                        "low": None if alone else value - 0.03,
                        "high": None if alone else value + 0.02,
                        "n": 400,
                        "reason": "one category only" if alone else None,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def _transitions(random) -> pl.DataFrame:
    rows = [
        {
            "variable": variable,
            "region": region,
            "reported_value": reported,
            "new_value": new,
            "n": int(random.integers(60, 200)) if reported == new else int(random.integers(0, 9)) or 1,
        }
        for region in (None, *REGIONS)
        for variable, codes in CODED.items()
        for reported in codes
        for new in codes
    ]
    for row in rows:
        if (
            row["variable"] == "nyha"
            and row["region"] in (None, "midtjylland")
            and (row["reported_value"], row["new_value"]) == ("2", "3")
        ):
            row["n"] = 118
    return pl.DataFrame(rows, infer_schema_length=None)


def _offsets(random) -> pl.DataFrame:
    rows = [
        {"variable": variable, "region": region, "offset": float(offset), "n": int(random.integers(1, 30))}
        for region in (None, *REGIONS)
        for variable in ("start_date", "systolic_bp", "lvef")
        for offset in (-10, -3, -1, 0, 1, 2, 10)
    ]
    for row in rows:
        if row["variable"] == "start_date" and row["region"] in (None, "nordjylland") and row["offset"] == 1:
            row["n"] = 61
    return pl.DataFrame(rows)


def _unmatched(random, units) -> pl.DataFrame:
    codes = list(units)
    rows = [
        {
            "side": side,
            "record_id": f"{side}-{number}",
            "region": units[unit],
            "unit": unit,
            "period": "2026-01",
            "reason": reason,
        }
        for side, reason, n in (
            ("reported", "period_gap", 40),
            ("reported", "unknown", 12),
            ("new", "duplicate_record", 3),
        )
        for number in range(n)
        for unit in [codes[int(random.integers(len(codes)))]]
    ]
    return pl.DataFrame(rows)


def _discrepancies(random, units) -> pl.DataFrame:
    by_cause = {"c1": 118, "c2": 61, "c3": 40, None: 81}
    rows = []
    for cause, n in by_cause.items():
        for number in range(n):
            unit = _unit_of(random, units, cause)
            whole = cause == "c3"
            rows.append(
                {
                    "discrepancy_id": f"d{cause}{number:04}",
                    "pair_id": None if whole else f"p{cause}{number}",
                    "reported_id": f"k{cause}{number}",
                    "new_id": None if whole else f"w{cause}{number}",
                    "variable": {"c1": "nyha", "c2": "start_date", "c3": None}.get(cause, "smoking"),
                    "kind": "only_reported" if whole else "differ" if number % 5 else "new_missing",
                    "reported_value": {"c1": "2", "c2": "2026-01-05", "c3": None}.get(cause, "former"),
                    "new_value": {"c1": "3", "c2": "2026-01-06", "c3": None}.get(cause, "smoker"),
                    "region": units[unit],
                    "unit": unit,
                    "period": "2026-01",
                    "cause_id": cause,
                    "first_seen": "2026-03-31",
                    "state": "new" if number % 3 else "persisting",
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _unit_of(random, units, cause: str | None) -> str:
    region = {"c1": "midtjylland", "c3": "sjaelland"}.get(cause or "")
    if cause == "c2":
        return "8001101"
    codes = [unit for unit, place in units.items() if region in (None, place)]
    return codes[int(random.integers(len(codes)))]


def _indicators(random) -> pl.DataFrame:
    rows = []
    for indicator in ("echocardiography", "nyha_classified", "beta_blocker_reduced"):
        for region in (None, *REGIONS):
            for side in ("reported", "new"):
                denominator = 2000 if region is None else 400
                numerator = int(denominator * random.uniform(0.85, 0.97))
                low, high = wilson(numerator, denominator)
                rows.append(
                    {
                        "indicator": indicator,
                        "region": region,
                        "unit": None,
                        "side": side,
                        "numerator": numerator,
                        "denominator": denominator,
                        "unknown": 12,
                        "value": numerator / denominator,
                        "low": low,
                        "high": high,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def _indicator_differences() -> pl.DataFrame:
    rows = [
        {
            "indicator": indicator,
            "region": region,
            "unit": None,
            "difference": -0.021,
            "low": -0.034,
            "high": -0.008,
            "coverage": -0.004,
            "eligibility": 0.001,
            "unknown": -0.006,
            "value": -0.012,
            "crosses_standard": indicator == "nyha_classified",
        }
        for indicator in ("echocardiography", "nyha_classified")
        for region in (None, *REGIONS)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _receipts() -> pl.DataFrame:
    rows = [
        {
            "receipt_id": f"r-{region}-{source}",
            "file": f"{source}_{region}_2026-03.csv",
            "sha256": "ab" * 32,
            "source": source,
            "region": region,
            "schema_version": "4" if source == "kip" else "1.1",
            "submission": f"{region}-017",
            "received_at": "2026-04-01T08:00:00",
            "verdict": "partly" if region == "midtjylland" else "accepted",
            "rows_in": 440,
            "rows_accepted": 437 if region == "midtjylland" else 440,
            "rows_quarantined": 3 if region == "midtjylland" else 0,
            "reason": None,
        }
        for region in REGIONS
        for source in ("kip", "wsapi")
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _findings(random) -> pl.DataFrame:
    rules = (
        ("lvef.range", "lvef", "warning", 23),
        ("echo_date_needs_echo", "echo_date", "error", 7),
        ("person.check_digit", None, "warning", 2),
    )
    rows = [
        {
            "receipt_id": f"r-{REGIONS[int(random.integers(len(REGIONS)))]}-wsapi",
            "line": number + 2,
            "record_id": f"w{number}",
            "variable": variable,
            "rule": rule,
            "severity": severity,
            "reason": "skal ligge fra 5 til 80",
        }
        for rule, variable, severity, n in rules
        for number in range(n)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _control_charts() -> pl.DataFrame:
    """Agreement on nyha falls in the newest months, at Aalborg and in the whole country; one tiny unit falls too."""
    places = [(None, None, 300), ("nordjylland", "8001101", 40), ("hovedstaden", "4001021", 6)]
    rows = [
        {
            "variable": "nyha", "region": region, "unit": unit, "period": month, "chart": "agreement",
            "value": 0.95 - 0.2 * late, "low": 0.88, "high": 1.0, "expected": 0.95, "n": n,
            "rule": "month" if late else None,
        }
        for region, unit, n in places
        for number, month in enumerate(MONTHS)
        for late in [number >= 3]
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _changeover() -> pl.DataFrame:
    said = {"new_from": "2025-10-01", "kip_until": "2026-12-31", "settles_days": 60, "reported": 420, "new": 400}
    found = {"midtjylland": "2025-11", "nordjylland": None}
    rows = [
        said | {"region": r, "unit": None, "found_from": (f := found.get(r, "2025-10")), "agrees": f and f == "2025-10"}
        for r in REGIONS
    ]
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"unit": pl.String, "agrees": pl.Boolean})


def _coverage_adjusted() -> pl.DataFrame:
    rows = [
        {"region": region, "period": month, "reported": 100, "new": new, "both": new, "arrived": new / 95,
         "completeness_of_new": new / 100, "completeness_of_new_adjusted": 0.95}
        for region in (None, *REGIONS) for month, new in zip(MONTHS[-2:], (90, 60), strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)
