"""DatabaseSpec → Great Expectations suite: the shareable statement of what a delivery is held against.

Ranges, codes, patterns, readability and uniqueness are GX's own expectations on the variable. Everything
else (conditions across columns, person numbers, units, dates against the reference date) GX cannot say on
a pandas frame, or only by carrying person numbers; such a rule is expected of a yes/no column
`<rule>__ok` that `gx_query` computes from the same SQL predicate. No column of the frame identifies a person.
Great Expectations is imported inside functions: it takes seconds.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pipelines.project import InputError
from pipelines.spec.constraint_kinds import Allowed, Castable, Constraint, InRange, Matches
from pipelines.spec.constraints import reason_of
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.record_kinds import OncePerFile

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
    from great_expectations.expectations.expectation import Expectation

OWN_KINDS = (InRange, Allowed, Matches, Castable, OncePerFile)
SEVERITY = {"error": "critical", "warning": "warning"}

# Counts and row numbers only: an unexpected value would carry what a cell says out of the frame.
RESULT_FORMAT = {"result_format": "SUMMARY", "exclude_unexpected_values": True}


def gx_suite(spec: DatabaseSpec, source: str, constraints: Sequence[Constraint]) -> ExpectationSuite:
    """One expectation per rule, with the rule's id and severity in `meta` and its sentence in `notes`."""
    gx = great_expectations()
    return gx.ExpectationSuite(
        name=f"{spec.database}_{source}",
        expectations=[_expectation(rule, reason_of(spec, rule), gx.expectations) for rule in constraints],
        meta={"database": spec.database, "version": spec.version, "source": source},
    )


def gx_query(constraints: Sequence[Constraint], table: str) -> str:
    """SQL for the frame that the suite is run on: the columns its expectations name, nothing more."""
    own = [f'"{_column(rule)}"' for rule in constraints if isinstance(rule, OWN_KINDS)]
    others = [
        f'not coalesce({rule.violation()}, false) as "{_column(rule)}"'
        for rule in constraints
        if not isinstance(rule, OWN_KINDS)
    ]
    return f"select {', '.join([*dict.fromkeys(own), *others])} from {table}"


def suite_json(suite: ExpectationSuite) -> str:
    """The suite as text that changes only when the rules do (no ids, no library version)."""
    said = suite.to_json_dict()
    expectations = [{key: value for key, value in one.items() if key != "id"} for one in said["expectations"]]
    meta = {key: value for key, value in said["meta"].items() if key != "great_expectations_version"}
    stable = {"name": said["name"], "meta": meta, "expectations": expectations}
    return json.dumps(stable, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def run_suite(suite: ExpectationSuite, frame: pd.DataFrame) -> dict[str, int]:
    """Rows that broke each rule, counted by Great Expectations on a frame made by `gx_query`.

    Raises InputError where an expectation could not be evaluated.
    """
    results = validate(suite, frame).results
    return {one.expectation_config.meta["rule"]: one.result["unexpected_count"] for one in results}


def validate(suite: ExpectationSuite, frame: pd.DataFrame) -> ExpectationSuiteValidationResult:
    """GX's own result for the suite, without any value of the frame."""
    context = great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This pattern is interpreted as a regular expression")
        found = batch.validate(suite, result_format=RESULT_FORMAT)
    for one in found.results:
        if "unexpected_count" not in one.result:
            rule = one.expectation_config.meta["rule"]
            raise InputError(f"Great Expectations cannot evaluate {rule}: give it the frame of gx_query.")
    return found


def great_expectations() -> ModuleType:
    """The library, told not to report home before it is imported."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports sre_constants
        import great_expectations as gx
        import great_expectations.expectations
    return gx


def _column(rule: Constraint) -> str:
    """The column that a rule's expectation is about."""
    match rule:
        case Castable():
            return f"{rule.variable}_uncast"
        case OncePerFile():
            return "same_id"
    return rule.variable if isinstance(rule, OWN_KINDS) else f"{rule.id}__ok"


def _expectation(rule: Constraint, reason: str, expectations: ModuleType) -> Expectation:
    said: dict[str, Any] = {
        "column": _column(rule),
        "meta": {"rule": rule.id, "severity": rule.severity},
        "severity": SEVERITY[rule.severity],
        "notes": reason,
    }
    match rule:
        case InRange():
            return expectations.ExpectColumnValuesToBeBetween(min_value=rule.low, max_value=rule.high, **said)
        case OncePerFile():
            return expectations.ExpectColumnValuesToBeBetween(min_value=0, max_value=0, **said)
        case Allowed():
            return expectations.ExpectColumnValuesToBeInSet(value_set=list(rule.codes), **said)
        case Matches():
            # Python's $ would let a line feed stand at the end.
            return expectations.ExpectColumnValuesToMatchRegex(regex=rf"{rule.pattern}(?!\n)", **said)
        case Castable():
            return expectations.ExpectColumnValuesToBeInSet(value_set=[False], **said)
    return expectations.ExpectColumnValuesToBeInSet(value_set=[True], **said)
