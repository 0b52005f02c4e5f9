"""The causes: what is wrong, how much it explains, where, who mends it, and a picture where one helps."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import polars as pl

from pipelines.explain.sentences import COUNTED, value_in_words
from pipelines.reports.numbers import NOTHING, count, day, figure, share, whole_percent
from pipelines.reports.parts import CauseCard
from pipelines.reports.rounding import rounded
from pipelines.reports.sections.cause_pictures import cause_picture, region_of
from pipelines.reports.view import View


def cause_cards(view: View) -> tuple[CauseCard, ...]:
    """The causes that concern this view, in their rank; ranks are those of the country."""
    causes = sorted(view.results.causes["causes"], key=lambda cause: cause["rank"])
    own = _explained_here(view)
    return tuple(_card(view, c, own.get(c["cause_id"], 0)) for c in causes if concerns(view, c, own))


def unexplained(view: View) -> str:
    """How many discrepancies no cause explains: in the country rounded, in a region its own."""
    n = view.results.causes["unexplained"] if view.region is None else _explained_here(view).get(None, 0)
    shown = count(n) if view.region else _rounded_text(view, n, _rounded_explained(view)[None])
    told = view.text("report.unexplained", n=shown) if n else view.text("report.nothing_unexplained")
    return told[0].upper() + told[1:]


def concerns(view: View, cause: dict[str, Any], own: dict[str | None, int]) -> bool:
    """A region is told of a cause that explains a discrepancy of its own, that names it, or is the country's."""
    told_of_all = view.region is None or not cause["slice"]
    return told_of_all or own.get(cause["cause_id"], 0) > 0 or _names(cause["slice"].get("region"), view.region)


def _names(said: Any, region: str) -> bool:
    return region in (said if isinstance(said, list) else [said])


def _explained_here(view: View) -> dict[str | None, int]:
    """Discrepancies of this view per cause (None: without a cause)."""
    frame = view.results.frame("discrepancies")
    own = frame if view.region is None else frame.filter(pl.col("region") == view.region)
    return dict(own.group_by("cause_id").len().iter_rows())


def _card(view: View, cause: dict[str, Any], here: int) -> CauseCard:
    return CauseCard(
        rank=cause["rank"],
        kind=view.messages.word("kind", cause["kind"]),
        sentence=cause_sentence(view, cause),
        facts=tuple((view.text(f"cause.{name}"), text) for name, text in _facts(view, cause, here)),
        owner=view.messages.word("owner", cause.get("owner")),
        picture=cause_picture(view, cause),
    )


def cause_sentence(view: View, cause: dict[str, Any]) -> str:
    """The cause in one sentence; its two numbers are rounded, but for a region's of its own."""
    language = view.messages.language if view.messages.language in cause["sentence"] else "da"
    counted = COUNTED[language].format(explained=cause["explained"], in_slice=cause["in_slice"])
    return cause["sentence"][language].replace(f"({counted})", f"({_part_of_slice(view, cause)})")


def _is_own(view: View, cause: dict[str, Any]) -> bool:
    """A region's own figures are shown to it as they are; those of a cause beyond it are not."""
    said = cause["slice"]
    return view.region is not None and view.region in (said.get("region"), region_of(view, said.get("unit")))


def _base(view: View) -> int:
    return view.spec.small_cells if view.region else view.threshold


def _rounded_explained(view: View) -> dict[str | None, int]:
    """Cause (None: without one) → how many it explains, rounded as the parts of all discrepancies."""
    causes = view.results.causes
    parts = {cause["cause_id"]: cause["explained"] for cause in causes["causes"]} | {None: causes["unexplained"]}
    return dict(zip(parts, rounded(list(parts.values()), _base(view)), strict=True))


def _rounded_text(view: View, n: int, multiple: int) -> str:
    """A rounded count in words: "ca. 335", or that they are few."""
    if n == multiple == 0:
        return count(0)
    return view.text("words.about", text=count(multiple)) if multiple else f"<{_base(view)}"


def _in_slice(view: View, cause: dict[str, Any]) -> tuple[int, int]:
    """How many a cause explains, and of how many; both rounded unless they are the region's own."""
    explained, rest = cause["explained"], cause["in_slice"] - cause["explained"]
    if _is_own(view, cause):
        return explained, explained + rest
    multiple = _rounded_explained(view)[cause["cause_id"]]
    return multiple, multiple + rounded([rest], _base(view))[0]


def _part_of_slice(view: View, cause: dict[str, Any]) -> str:
    """ "112 af 122", "ca. 110 af 120", "<5 af ca. 40"."""
    explained, whole = _in_slice(view, cause)
    if _is_own(view, cause):
        return view.text("words.of", part=count(explained), whole=count(whole))
    part = _rounded_text(view, cause["explained"], explained)
    return view.text("words.of", part=part, whole=count(whole)) if whole else part


def _facts(view: View, cause: dict[str, Any], here: int) -> list[tuple[str, str]]:
    explained = view.text("cause.discrepancies", n=explained_text(view, cause))
    own = [("explained", explained)]
    if view.region is not None:
        own = [
            ("explained_here", view.text("cause.discrepancies", n=count(here))),
            ("explained_country", explained),
        ]
    return [
        *own,
        ("share", share_in_slice(view, cause)),
        ("lift", _lift(view, cause)),
        ("slice", slice_text(view, cause["slice"])),
    ]


def share_in_slice(view: View, cause: dict[str, Any]) -> str:
    """How much of its slice a cause explains: its share with its numbers, both rounded where they are not its own."""
    explained, whole = _in_slice(view, cause)
    of = _part_of_slice(view, cause)
    if _is_own(view, cause) or whole == 0 or explained == 0:
        return f"{share(cause['share'])} ({of})" if _is_own(view, cause) else of
    return f"{whole_percent(explained / whole)} ({of})"


def explained_text(view: View, cause: dict[str, Any]) -> str:
    """How many discrepancies a cause explains, as this view is told."""
    explained, _ = _in_slice(view, cause)
    return count(explained) if _is_own(view, cause) else _rounded_text(view, cause["explained"], explained)


def _lift(view: View, cause: dict[str, Any]) -> str:
    """How much oftener than outside the slice; null where nothing of the kind is seen outside it."""
    if not cause["slice"]:
        return NOTHING
    lift = cause["lift"]
    if lift is None or not math.isfinite(lift):
        return view.text("words.only_here")
    return view.text("words.times", times=figure(lift, 1 if _is_own(view, cause) or lift < 10 else 0))


def slice_text(view: View, said: dict[str, Any]) -> str:
    """A slice in words: "Region Midtjylland, fra 01-03-2026"."""
    if not said:
        return view.text("cause.whole_country")
    return ", ".join(_slice_part(view, name, value) for name, value in said.items())


def _slice_part(view: View, name: str, value: Any) -> str:
    """Regions and units are known by their names alone; other attributes are named."""
    shown = _slice_value(view, name, value)
    if name in ("region", "unit", "period"):
        return shown
    named = view.label(name) if name in view.spec.variables else view.messages.word("slice", name)
    return f"{named}: {shown}"


def _slice_value(view: View, name: str, value: Any) -> str:
    if isinstance(value, dict):
        ends = [(end, value.get(key)) for key, end in (("from", "from_day"), ("to", "until_day"))]
        return " ".join(view.text(f"slice.{end}", day=_day(text)) for end, text in ends if text)
    other = partial(value_in_words, view.spec, name, language=view.messages.language)
    named = {"region": view.names.region, "unit": view.names.unit}.get(name, other)
    return " / ".join(named(v) for v in (value if isinstance(value, list) else [value]))


def _day(text: str) -> str:
    try:
        return day(text)
    except ValueError:
        return text
