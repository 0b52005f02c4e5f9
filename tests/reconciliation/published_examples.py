"""The published examples that the figures are held against: numbers and citations in tests/data/external_truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TRUTH = Path(__file__).parent.parent / "data" / "external_truth"


def truth(name: str) -> dict:
    return json.loads((TRUTH / name).read_text("utf-8"))


def printed(value: float, decimals: int):
    """Equal as far as `decimals` were printed."""
    return pytest.approx(value, abs=0.5 * 10**-decimals + 1e-12)
