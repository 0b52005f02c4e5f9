"""Great Expectations' Data Docs as one file that opens without a network.

GX renders each section; its own page is not used, since that one loads styles, scripts and a logo from
five hosts and asks the reader to subscribe. The page around the sections is ours, and its policy
(Content-Security-Policy) lets the browser load nothing at all.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pipelines.spec.pages import templates
from pipelines.spec.to_gx import validate

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult

# GX numbers its foldable parts at random; the same inputs must give the same bytes.
RANDOM_ID = re.compile("-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Evidence:
    """The page that was written, and GX's own count of broken rows per rule."""

    page: Path
    counts: dict[str, int]


def data_docs(suite: ExpectationSuite, frame: pd.DataFrame, out_dir: Path, reference_date: dt.date) -> Evidence:
    """Write `<suite>.html`: what was expected of the rows and how many broke it, never what they hold.

    `frame` is what `to_gx.gx_query` selects. The date on the page is the reference date.
    """
    found = validate(suite, frame)
    rules = _rules(suite, found)
    page = (
        templates()
        .get_template("data_docs.html.j2")
        .render(
            suite=suite,
            rows=len(frame),
            reference_date=reference_date,
            rules=rules,
            sections=[Markup(section) for section in _sections(found)],
        )
    )
    path = out_dir / f"{suite.name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(page, encoding="utf-8")
    os.replace(unfinished, path)
    return Evidence(path, {rule["rule"]: rule["broken"] for rule in rules})


def _rules(suite: ExpectationSuite, found: ExpectationSuiteValidationResult) -> list[dict[str, Any]]:
    """The rules in the suite's order; GX answers in another."""
    counts = {one.expectation_config.meta["rule"]: one.result for one in found.results}
    return [
        {
            "rule": one.meta["rule"],
            "severity": one.meta["severity"],
            "sentence": one.notes,
            "broken": counts[one.meta["rule"]]["unexpected_count"],
        }
        for one in suite.expectations
    ]


def _sections(found: ExpectationSuiteValidationResult) -> list[str]:
    """GX's own account, one section per column, without when and on what machine it was made."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaSectionView

    found.meta = {}
    _, *sections = ValidationResultsPageRenderer().render(found).sections
    view = DefaultJinjaSectionView()
    made = [
        view.render({"section": section.to_json_dict(), "section_loop": {"index": number}})
        for number, section in enumerate(sections, 1)
    ]
    return [RANDOM_ID.sub("", html) for html in made]
