"""What docs/peers.md says of Sammenhold on the five cases that other tools get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peer_cases import CASES
from benchmarks.peers import DOCUMENT, ours, words

TOLD = {
    "one person, several contacts": (3, 0, 1, {"code": "3/3", "day": "3/3, 1 of them within"}),
    "shifted dates": (4, 0, 0, {"code": "3/4", "day": "4/4, 3 of them within"}),
    "codes of different depth": (4, 0, 0, {"code": "3/4, 3 of them within", "day": "4/4"}),
    "honest missingness": (5, 0, 0, {"day": "5/5", "lvef": "1/1, 1 missing differs, 1 new missing, 2 both missing"}),
    "a repeated key, rows in another order": (3, 0, 0, {"code": "3/3", "day": "3/3", "side": "1/3"}),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_page_says_what_is_right(case) -> None:
    told = ours(case)
    assert (*(told[name] for name in ("pairs", "only_reported", "only_new")), told["same"]) == TOLD[case.name]
    assert told.get("ambiguous", 0) == (2 if case.name.startswith("a repeated key") else 0)
    assert "in_other_order" not in told, "the same whatever the order of rows"
    assert words(told) in Path(DOCUMENT).read_text("utf-8")
