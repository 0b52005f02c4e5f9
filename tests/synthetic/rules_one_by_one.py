"""Every rule of the specification held against typed rows, one row at a time."""

from __future__ import annotations

from pipelines.spec.constraints import constraints_of


def broken(world, frame, source, severity=None):
    """(rule id, record_id) of every violation, of both severities unless one is named."""
    rules = [c for c in constraints_of(world.spec, source, world.reference) if severity in (None, c.severity)]
    owner = {unit["unit"]: unit["region"] for unit in world.units}
    texts = [name.removesuffix("_text") for name in frame.columns if name.endswith("_text")]
    found = set()
    for row in frame.filter(frame["action"] != "delete" if "action" in frame.columns else True).iter_rows(named=True):
        row |= {"channel_region": row["region"], "unit_region": owner.get(row["unit"])}
        row |= {f"{name}_uncast": row[f"{name}_text"] is not None for name in texts}
        found |= {(rule.id, row["record_id"]) for rule in rules if rule.violated(row)}
    return found
