"""A record is young until every source that it is made of has settled, on either side."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.spec.model import DatabaseSpec

DAYS = {"kip": 30, "lpr": 45, "lmdb": 60, "lab": 14, "municipal": 90, "wsapi": 7}
MEDICINE = {"lmdb": {"medicine": "C07*", "what": "yes_no"}}


def spec_with(new: str = "lpr", days: Any = DAYS, **variables: Any) -> DatabaseSpec:
    yes_no = {"label": {"da": "Prøve"}, "type": "yes_no"}
    return DatabaseSpec.model_validate({
        "database": "sample", "title": {"da": "Prøve"}, "official": False, "version": "1", "record": "a course",
        "event_date": "start", "sides": {"reported": "kip", "new": new}, "settling_days": days,
        "match": [{"rule": "same", "on": ["person"]}],
        "variables": {"start": {"label": {"da": "Start"}, "type": "date"},
                      **{name: yes_no | said for name, said in variables.items()}},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "settles"),
    [
        (spec_with(), 45),
        (spec_with(treated={"from": MEDICINE}), 60),
        (spec_with(tested={"from": {"lab": {"lab": "NPU27300"}}}), 45),  # no longer than the others
        (spec_with(new="wsapi", treated={"from": MEDICINE}), 30),  # sent by the region, not derived
        (spec_with(treated={"from": MEDICINE, "compare": {"not_comparable": "new"}}), 45),  # nothing waits for it
        (spec_with(days={"kip": 100, "lpr": 45}), 100),  # typing is late too
        (spec_with(days=20, treated={"from": MEDICINE}), 20),
        (spec_with(days={}), 0),
        (spec_with(days=DAYS | {"wsapi": 70}, asked={}), 70),  # no register has it: it is sent
        (spec_with(days=DAYS | {"wsapi": 70}, treated={"from": MEDICINE}), 60),
    ],
)
def test_a_record_settles_with_the_slowest_of_its_sources(spec, settles):
    assert spec.record_settles == settles
