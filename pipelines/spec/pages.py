"""The room's HTML templates; pages that open without a network."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates() -> Environment:
    """The templates of this room; whatever is put into them is escaped."""
    return Environment(
        loader=PackageLoader("pipelines.spec"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
