"""What is known of the regions that send: the prefix of their ids and their electronic patient journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipelines.spec.model import DatabaseSpec

Regions = Mapping[str, Mapping[str, Any]]


def read_regions(spec: DatabaseSpec, folder: Path) -> Regions:
    """`regions.yaml` beside the file of units; empty where there is none."""
    path = (folder / spec.units).parent / "regions.yaml" if spec.units else None
    return yaml.safe_load(path.read_text("utf-8")) if path and path.is_file() else {}


def short_name(region: str, regions: Regions) -> str:
    """Two letters such as NJ, with which a region's record and submission ids begin."""
    return regions.get(region, {}).get("short", region[:2].upper())
