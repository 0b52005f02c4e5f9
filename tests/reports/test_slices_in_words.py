"""Where a cause lies, in the words of a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.reports.messages import read_messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.sections.causes import slice_text
from pipelines.reports.view import View
from pipelines.spec.reading import read_spec

SPEC = read_spec(Path(__file__).parents[2] / "expectations" / "dhd" / "specification.yaml")


@pytest.mark.parametrize(
    ("said", "language", "words"),
    [
        ({"weekday": ["saturday", "sunday"]}, "da", "ugedag: lørdag / søndag"),
        ({"weekday": "saturday"}, "en", "weekday: saturday"),
        ({"hour_band": "15-23"}, "da", "klokken: 15-23"),
        ({"nyha": "2"}, "da", f"{SPEC.variables['nyha'].label.da}: 2 ({SPEC.variables['nyha'].domain['2']})"),
        ({"schema_version": "1.1"}, "da", "skemaversion: 1.1"),
    ],
)
def test_weekdays_and_codes_are_told_in_the_language_of_the_page(said, language, words):
    assert slice_text(View(SPEC, None, read_messages(language), PlaceNames()), said) == words
