"""A concrete code for a pattern of a specification, such as `C07*` → C07AA01 and `DJ13..DJ18` → DJ13."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.spec.derivation import range_of
from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.events import fits

ATC = "A01AA01"  # the shape of a whole ATC code
OPERATION = "KAAA00"  # and of an operation in SKS


def candidates(spec: DatabaseSpec, patterns: Iterable[str]) -> Iterator[str]:
    """Codes that the patterns choose: first those that the specification publishes, then the patterns' own."""
    patterns = tuple(patterns)
    published = (code for v in spec.variables.values() if v.published for code in v.published.share or {})
    yield from dict.fromkeys(
        code for code in published if len(code) > 2 and "*" not in patterns and fits(code, patterns)
    )
    for pattern in patterns:
        ends = range_of(pattern)
        yield whole(ends[0] if ends else pattern.rstrip("*"))


def whole(head: str) -> str:
    """A code of full length where the kind of code has one; other codes may stand as they begin."""
    shape = next((one for one in (ATC, OPERATION) if _begins(head, one)), head)
    return head + shape[len(head) :]


def _begins(head: str, shape: str) -> bool:
    """Whether letters and digits stand where they do in the shape."""
    family = shape is ATC or head.startswith("K")
    return family and all(a.isdigit() == b.isdigit() for a, b in zip(head, shape, strict=False)) and len(head) > 2
