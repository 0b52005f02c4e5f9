"""What regions and units are called."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.reading import read_units


@dataclass(frozen=True)
class PlaceNames:
    """Names by code; a place without a name is called by its code."""

    regions: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    successors: dict[str, str] = field(default_factory=dict)  # region → the one that it becomes part of

    def region(self, code: str | None) -> str:
        """A region's name, its code, or a dash where there is none."""
        return self.regions.get(code, code) if code else "–"

    def unit(self, code: str | None) -> str:
        """A unit's name, its code, or a dash where there is none."""
        return self.units.get(code, code) if code else "–"


def place_names(spec: DatabaseSpec, specification: Path) -> PlaceNames:
    """The names that stand beside a specification file: its units, and the regions in ../codes.

    A specification that stands alone has neither; then codes are shown.
    """
    units = {row["unit"]: row.get("name") or row["unit"] for row in read_units(spec, specification.parent)}
    regions = specification.parent.parent / "codes" / "regions.yaml"
    said = _regions(regions) if regions.is_file() else {}
    successors = {code: region["successor"] for code, region in said.items() if "successor" in region}
    return PlaceNames({code: str(region["name"]) for code, region in said.items()}, units, successors)


def _regions(path: Path) -> dict[str, dict[str, str]]:
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
        return {code: dict(region, name=region["name"]) for code, region in said.items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, UnicodeDecodeError):
        raise InputError(f"{path} is not a list of regions: give each code a name.") from None
