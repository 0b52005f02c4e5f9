"""Every rule of the specification as the result of an asset check, grouped so that the page can be read."""

from collections.abc import Iterable, Iterator, Mapping

import dagster as dg

from pipelines.orchestration.metadata import table
from pipelines.orchestration.partitions import SOURCES, check_spec
from pipelines.reports.rounding import rounded
from pipelines.reports.suppression import is_small, shown_count
from pipelines.validation.check import RuleResult, Validation

# Group → what it asks, and the kinds of rule (spec/constraint_kinds.py, spec/record_kinds.py) in it.
GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "record": (
        "Er posten identificeret, står den én gang, og hører den til afsenderen?",
        ("present", "unique", "format", "check_digit", "test_person", "known", "region"),
    ),
    "completeness": ("Er det udfyldt, som skal udfyldes?", ("required",)),
    "types": ("Kan værdierne læses som det, de skal være?", ("castable",)),
    "domains": ("Ligger koder og tekster i udfaldsrummet?", ("allowed", "pattern")),
    "plausibility": ("Er værdier og datoer mulige?", ("range", "valid", "future")),
    "conditions": ("Passer variablene til hinanden?", ("condition",)),
}
NAMES = {"manual": "Manuel indberetning"}  # the others go by their own names, in capitals
HEADINGS = ("regel", "variabel", "alvor", "brudt", "kan brydes", "status", "hvad reglen siger", "første linjer")
STATUS = {
    "passed": "overholdt",
    "failed": "brudt",
    "not_applicable": "ikke relevant",
    "error": "kan ikke vurderes",
}
SEVERITY = {"error": "fejl", "warning": "advarsel"}


def rule_check_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """One check per source and group of rules."""
    return [
        check_spec(asset, f"{source}_{group}", f"**{NAMES.get(source, source.upper())}.** {question}")
        for source in SOURCES
        for group, (question, _) in GROUPS.items()
    ]


def rule_check_results(found: Mapping[str, Validation], threshold: int) -> Iterator[dg.AssetCheckResult]:
    """What validation found, check by check. Where fewer than `threshold` rows break a rule, it is not said how many or
    which."""
    for source in SOURCES:
        for group, (_, kinds) in GROUPS.items():
            name = f"{source}_{group}"
            if source in found:
                yield _result(name, [rule for rule in found[source].rules if rule.kind in kinds], threshold)
            else:
                yield _of_no_use(name)


def _of_no_use(name: str) -> dg.AssetCheckResult:
    """Dagster asks every check for a result; that of a source which the database does not use is no alarm."""
    return dg.AssetCheckResult(
        check_name=name, passed=True, description="Databasen bruger ikke kilden: der er intet at efterprøve."
    )


def _result(name: str, rules: list[RuleResult], threshold: int) -> dg.AssetCheckResult:
    """Passed where rules were held and none was broken; nothing to hold a rule against is never a pass."""
    stopped = [rule for rule in rules if rule.status in ("failed", "error")]
    judged = [rule for rule in rules if rule.status != "not_applicable"]
    serious = any(rule.severity == "error" or rule.status == "error" for rule in stopped)
    return dg.AssetCheckResult(
        check_name=name,
        passed=bool(judged) and not stopped,
        severity=dg.AssetCheckSeverity.ERROR if serious else dg.AssetCheckSeverity.WARN,
        description=_sentence(rules, judged, stopped),
        metadata={
            "regler": len(rules),
            "regler brudt": len(stopped),
            "brud, afrundet": rounded([sum(rule.violated or 0 for rule in rules)], threshold)[0],
            "alle regler": table(HEADINGS, (_row(rule, threshold) for rule in _broken_first(rules))),
        },
    )


def _sentence(rules: list[RuleResult], judged: list[RuleResult], stopped: list[RuleResult]) -> str:
    if not judged:
        return "Ikke relevant: ingen poster, som en regel gælder for. Det tæller ikke som overholdt."
    aside = len(rules) - len(judged)
    held = f"{len(judged) - len(stopped)} af {len(judged)} regler er overholdt"
    return f"{held}; {aside} er ikke relevante." if aside else f"{held}."


def _broken_first(rules: list[RuleResult]) -> Iterable[RuleResult]:
    order = ("error", "failed", "passed", "not_applicable")
    return sorted(rules, key=lambda rule: (order.index(rule.status), rule.severity))


def _row(rule: RuleResult, threshold: int) -> tuple[str | int, ...]:
    few = is_small(rule.violated or 0, threshold)
    return (
        rule.rule,
        rule.variable or "",
        SEVERITY[rule.severity],
        shown_count(rule.violated, threshold),
        shown_count(rule.eligible, threshold),
        STATUS[rule.status],
        rule.reason,
        "" if few else ", ".join(map(str, rule.first_lines)),
    )
