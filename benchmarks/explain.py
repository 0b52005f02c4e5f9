"""How well are planted faults explained? Prints found, named, rank and false alarms per kind.

`python -m benchmarks.explain --quick` takes a few minutes; without it about a hundred cases of each kind.
Cases are drawn from invented databases (pipelines/synthetic/invented.py): no case is in the sample data.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.explain_cases import KINDS, World, case, in_slice, planted
from pipelines.explain.cause import Cause
from pipelines.explain.causes import explain
from pipelines.reconciliation.reconcile import reconcile
from pipelines.synthetic.invented import invented
from pipelines.synthetic.plain_faults import Truth
from pipelines.synthetic.plain_sides import REFERENCE_DATE, agreeing, noisy

SAME_ROWS = 0.9  # Jaccard of the records that two slices describe: what scattered days cannot tell apart
SAME_NUMBER = 0.02  # relative
SAME_DAYS = 10  # of a lag, which is read off a curve


@dataclass(frozen=True)
class Verdict:
    """`rank` of the rightly named cause (0: not named), of the right kind at all (0: not found)."""

    kind: str
    size: int
    named: int
    found: int
    causes: int
    carried: float
    wrongly: float
    faults: int = 1


def world_of(seed: int, n: int) -> World:
    spec = invented(seed)
    return World(spec, noisy(spec, agreeing(spec, n, seed), seed), np.random.default_rng([seed, n]))


def explained(world: World):
    found = reconcile(world.spec, *world.sides.finished(world.spec), REFERENCE_DATE)
    return found, explain(world.spec, found)


def judged(world: World, truths: list[Truth], found, explanation) -> list[Verdict]:
    ids = found.discrepancies.join(explanation.cause_ids(), on="discrepancy_id", how="left")
    verdicts = []
    for truth in truths:
        made = _made(ids, truth)
        named = [rank for rank, cause in enumerate(explanation.causes, 1) if names(world, cause, truth)]
        kinds = [rank for rank, cause in enumerate(explanation.causes, 1) if of_kind(cause, truth)]
        own = [explanation.causes[rank - 1].id for rank in named[:1]]
        carried = made["cause_id"].is_in(own).fill_null(False).mean() if len(made) else 1.0
        claimed = ids.filter(pl.col("cause_id").is_in(own))
        other = claimed.join(made, on="discrepancy_id", how="anti")
        wrongly = len(other) / len(claimed) if len(claimed) else 0.0
        verdicts.append(Verdict(truth.kind, truth.size, (named or [0])[0], (kinds or [0])[0], len(explanation.causes),
                                carried, wrongly, len(truths)))  # fmt: skip
    return verdicts


def _made(ids: pl.DataFrame, truth: Truth) -> pl.DataFrame:
    """The discrepancies that the fault made."""
    about = pl.col("variable").is_in(list(truth.variables)) if truth.variables else pl.col("variable").is_null()
    if "days" in truth.parameters:  # a moved event date leaves records without a partner
        about = about | pl.col("variable").is_null()
    of = pl.col("reported_id").is_in(list(truth.reported)) | pl.col("new_id").is_in(list(truth.new))
    return ids.filter(about & of.fill_null(False))


def of_kind(cause: Cause, truth: Truth) -> bool:
    return cause.kind in truth.accepted and set(cause.variables) == set(truth.variables)


def names(world: World, cause: Cause, truth: Truth) -> bool:
    return of_kind(cause, truth) and same_slice(world, cause, truth) and same_parameters(cause, truth)


def same_slice(world: World, cause: Cause, truth: Truth) -> bool:
    """The same attributes and values, or a description as short of the same records."""
    told, true = dict(cause.where), dict(truth.slice)
    if truth.kind in ("submission_twice", "unit_mapped_wrong"):
        return True  # the parameters say it
    frame = pl.concat([world.sides.new, world.sides.reported])
    told_rows, true_rows = (in_slice(world, _dated(where), frame) for where in (told, true))
    alike = (told_rows & true_rows).sum() / max((told_rows | true_rows).sum(), 1)
    same_values = {k: v for k, v in told.items() if k != "period"} == {k: v for k, v in true.items() if k != "period"}
    if truth.kind in ("population_too_wide", "boundary_off", "test_persons", "retracted_kept", "late_arrival"):
        return same_values or set(told) <= {*true, *map(str, cause.variables), *world.names("sks", "integer"), "period"}
    return alike >= SAME_ROWS if same_values else alike >= 0.98 and len(told) <= len(true)


def _dated(where: dict) -> dict:
    if "period" not in where:
        return where
    return where | {"period": {end: dt.date.fromisoformat(str(day)) for end, day in where["period"].items()}}


def same_parameters(cause: Cause, truth: Truth) -> bool:
    if cause.kind != truth.kind:
        return True  # a more general kind has parameters of its own
    told = {k: v for k, v in cause.parameters.items() if not isinstance(v, dict) or k == "edge"}
    true = {k: v for k, v in truth.parameters.items() if not isinstance(v, dict) or k == "edge"}
    keys = set(true) - {"from", "to"} if truth.kind in ("unit_not_reporting", "period_gap") else set(true)
    mapping = truth.parameters.get("mapping")
    if (
        mapping
        and "mapping" in cause.parameters
        and any((cause.parameters.get("mapping") or {}).get(k, "absent") != v for k, v in mapping.items())
    ):
        return len(cause.parameters.get("mapping") or {}) >= len(mapping) - 1 and truth.size < 200
    return all(_same(told.get(key), true[key], SAME_DAYS if key == "lag" else 0) for key in keys)


def _same(told, true, slack: float) -> bool:
    if isinstance(true, int | float) and isinstance(told, int | float):
        return abs(told - true) <= max(slack, SAME_NUMBER * abs(true))
    return told == true


def singles(kinds: list[str], sizes: list[int], seeds: range, n: int) -> Iterator[tuple[World, list[Truth]]]:
    for kind in kinds:
        for size in sizes:
            for seed in seeds:
                world = world_of(seed, n)
                if drawn := case(world, kind, size):
                    after, truth = planted(world, *drawn, seed)
                    if truth.size >= 20:
                        yield after, [truth]


def groups(seeds: range, n: int) -> Iterator[tuple[World, list[Truth]]]:
    """Three to six faults of different kinds and variables at once."""
    for seed in seeds:
        world, truths, taken = world_of(seed, n), [], frozenset()
        for kind in world.rng.permutation(KINDS)[: int(world.rng.integers(3, 7))].tolist():
            if kind in ("late_arrival", "boundary_off"):
                continue
            drawn = case(world, kind, int(world.rng.choice([100, 200, 600])), taken=taken)
            if drawn:
                world, truth = planted(world, *drawn, seed)
                taken |= set(truth.variables)
                truths += [truth] if truth.size >= 20 else []
        if len(truths) >= 2:
            yield world, truths


def confounded(seeds: range, n: int) -> Iterator[tuple[World, list[Truth]]]:
    """Faults of a version, a system or a unit, which share most of their records with regions and months."""
    for seed in seeds:
        world = world_of(seed, n)
        name = world.one(["schema_version", "source_system", "unit"])
        drawn = case(world, world.one(["unit_factor", "date_shift", "missing_in_new", "code_recoded"]), 2000, (name,))
        after, truth = planted(world, *drawn, seed)
        yield after, [truth]


def run(cases: Iterator[tuple[World, list[Truth]]], show: bool) -> list[Verdict]:
    verdicts = []
    for world, truths in cases:
        found, explanation = explained(world)
        judged_ = judged(world, truths, found, explanation)
        verdicts += judged_
        if show and (
            any(not v.named or v.named > len(truths) for v in judged_) or len(explanation.causes) > len(truths)
        ):
            for truth, verdict in zip(truths, judged_, strict=True):
                print(
                    "  true",
                    truth.kind,
                    truth.variables,
                    dict(truth.slice),
                    dict(truth.parameters),
                    truth.size,
                    verdict.named,
                )
            for cause in explanation.causes[:8]:
                print(
                    "     told",
                    cause.kind,
                    cause.variables,
                    cause.where,
                    cause.parameters,
                    cause.explained,
                    cause.in_slice,
                )
    return verdicts


def table(verdicts: list[Verdict]) -> str:
    lines = [
        "| kind | size | cases | found | named | first | made, carried | wrongly claimed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by = defaultdict(list)
    for v in verdicts:
        by[v.kind, "200 or more" if v.size >= 200 else "20 to 199"].append(v)
        by["all", "200 or more" if v.size >= 200 else "20 to 199"].append(v)
    for (kind, size), some in sorted(by.items(), key=lambda item: (item[0][0] == "all", item[0])):
        named = [v for v in some if v.named and v.named <= v.faults + 2]
        first = [v for v in some if v.named and v.named <= v.faults]
        shares = (len(named) / len(some), len(first) / len(some))
        found = sum(1 for v in some if v.found) / len(some)
        carried = np.mean([v.carried for v in named]) if named else 0.0
        wrongly = np.mean([v.wrongly for v in named]) if named else 0.0
        counted = f"{len(some)} | {found:.0%} | {shares[0]:.0%} | {shares[1]:.0%} | {carried:.1%} | {wrongly:.1%}"
        lines.append(f"| {kind} | {size} | {counted} |")
    return "\n".join(lines)


def clean(seeds: range, n: int, show: bool) -> str:
    false = 0
    for seed in seeds:
        _, explanation = explained(world_of(1000 + seed, n))
        false += bool(explanation.causes)
        for cause in explanation.causes if show else ():
            print(
                "  clean",
                seed,
                cause.kind,
                cause.variables,
                cause.where,
                cause.parameters,
                cause.explained,
                cause.in_slice,
            )
    return f"{len(seeds) - false} of {len(seeds)} clean runs without a cause"


def speed(n: int) -> str:
    """The time of an explanation beside that of the comparison that it explains."""
    world = world_of(1, n)
    sides = world.sides.finished(world.spec)
    started = time.perf_counter(), time.process_time()
    found = reconcile(world.spec, *sides, REFERENCE_DATE)
    compared = time.perf_counter(), time.process_time()
    explain(world.spec, found)
    done = time.perf_counter(), time.process_time()
    wall, cpu = ((d - c) / (c - s) for s, c, d in zip(started, compared, done, strict=True))
    seconds = compared[0] - started[0]
    return f"{n} courses: explain takes {wall:.2f} x the time of reconcile ({seconds:.1f} s), {cpu:.2f} x its CPU"


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--show", action="store_true", help="tell every case that was not named first")
    asked.add_argument("--kinds", nargs="*", default=list(KINDS))
    asked.add_argument("--sizes", nargs="*", type=int, default=[20, 200, 2000])
    asked.add_argument("--seeds", type=int, nargs=2, default=None)
    asked.add_argument("--n", type=int, default=None)
    asked.add_argument("--parts", nargs="*", default=["single", "groups", "confounded", "clean"])
    said = asked.parse_args()
    n = said.n or (6000 if said.quick else 20000)
    seeds = range(*said.seeds) if said.seeds else range(2 if said.quick else 34)
    many = range(seeds.start, seeds.start + len(seeds) * (10 if said.quick else 3))
    started = time.perf_counter()
    if "single" in said.parts:
        print("One fault\n\n" + table(run(singles(said.kinds, said.sizes, seeds, n), said.show)) + "\n", flush=True)
    if "groups" in said.parts:
        print("Three to six faults at once\n\n" + table(run(groups(many, n), said.show)) + "\n", flush=True)
    if "confounded" in said.parts:
        print("Confounded\n\n" + table(run(confounded(many, n), said.show)) + "\n", flush=True)
    if "clean" in said.parts:
        print(clean(many, n, said.show))
    if "speed" in said.parts:
        print(speed(n))
    print(f"{time.perf_counter() - started:.0f} s, {n} courses each")


if __name__ == "__main__":
    main()
