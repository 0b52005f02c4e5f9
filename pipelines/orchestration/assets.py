"""The flow as assets: READ THIS FIRST in this room. Each opens the run, calls one verb, tells what it said.

Every asset is made by `step`, so that none is without the redacting boundary, the warehouse's pool, or the sign that
its process lives.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from pipelines import flow
from pipelines.orchestration import checks, metadata
from pipelines.orchestration.installation import Installation
from pipelines.orchestration.partitions import CHANNELS, DATABASES
from pipelines.orchestration.redaction import redacted
from pipelines.orchestration.rule_checks import rule_check_results, rule_check_specs
from pipelines.orchestration.stale_runs import alive
from pipelines.reports.runs import latest_run
from pipelines.reports.sections.gate import gate_result

GROUP = "sammenhold"
# One process at a time writes a warehouse (warehouse/database.py).
POOL = "warehouse"
# Which gate a run judges, and as of which day. Tags of a job or a request follow the run however it is
# started, and when it is started again; configuration does not (a run from the command line gets none).
GATE_TAG, FIRST_DATA = "sammenhold/gate", "first_data"
DAY_TAG = "sammenhold/reference_date"


def step(**said: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """An asset of the flow, per database where nothing else is said."""
    usual = {"partitions_def": DATABASES, "group_name": GROUP, "pool": POOL}
    return lambda function: dg.asset(**(usual | said))(redacted(alive(function)))


def run_of(context: dg.AssetExecutionContext, installation: Installation) -> flow.Run:
    """The run of the flow that this step is part of, for the database of its partition."""
    key = context.partition_key
    database = key.keys_by_dimension["database"] if isinstance(key, dg.MultiPartitionKey) else key
    return installation.run(database, context.run.tags.get(DAY_TAG))


@step(
    partitions_def=None,
    kinds={"duckdb"},
    description="**Registrene.** De landsdækkende registres filer, én gang for alle databaser: hvad der er sagt, og "
    "hvad der står nu efter rettelser og sletninger. Databaserne læser dem kun.",
)
def registers(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    summary = flow.registers(installation.project, installation.now())
    return dg.MaterializeResult(metadata=metadata.counts(summary))


@step(
    partitions_def=CHANNELS,
    kinds={"duckdb"},
    description="**Modtaget.** Filerne i en regions indbakke, rå rækker som tekst med kvittering og linje, "
    "eller afvist hele med én grund. Den samme fil to gange ændrer intet.",
)
def received(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    region = context.partition_key.keys_by_dimension["region"]
    summary = flow.receive(run_of(context, installation), region)
    return dg.MaterializeResult(metadata=metadata.counts(summary))


@step(
    deps=[received, registers],
    kinds={"duckdb"},
    description="**Læst.** Tekst til værdier efter kildens egen skemaversion. Det, der ikke kan læses, er tomt "
    "og mærket, så ingen række går tabt. En side, der er lavet af registre, udledes af dem.",
)
def conformed(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    summary = flow.conform(run_of(context, installation))
    rows = {"dagster/row_count": sum(summary.values())}
    return dg.MaterializeResult(metadata=rows | metadata.counts(summary))


@step(
    deps=[conformed],
    check_specs=rule_check_specs("validated"),
    kinds={"duckdb"},
    description="**Efterprøvet.** Hver række holdt op mod hver regel i databasespecifikationen. En række, der "
    "bryder en regel af alvoren *fejl*, holdes tilbage; en *advarsel* følger med videre.",
)
def validated(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    run = run_of(context, installation)
    found, few = flow.validate(run), run.spec.small_cells
    return dg.MaterializeResult(
        metadata=metadata.rows_by_source(found, few), check_results=list(rule_check_results(found, few))
    )


@step(
    deps=[validated],
    kinds={"greatexpectations", "html"},
    description="**Dokumenteret.** De samme rækker og regler efter Great Expectations, som sider der kan deles. "
    "De bevidner; det er tallene i *validated*, der afgør.",
)
def evidence(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    pages = flow.evidence(run_of(context, installation))
    return dg.MaterializeResult(metadata={page.stem: dg.MetadataValue.path(page) for page in pages})


@step(
    deps=[validated],
    check_specs=checks.RECONCILED,
    kinds={"polars"},
    description="**Sammenholdt.** Nye indberetninger ved siden af de manuelle: hvem er par, hvad er ens, hvad "
    "er forskelligt. Ingen af siderne er facit.",
)
def reconciled(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    run = run_of(context, installation)
    summary = flow.reconcile(run)
    return dg.MaterializeResult(
        metadata=metadata.of_reconciliation(run, summary),
        check_results=[
            checks.every_record_once(run.building, summary),
            checks.regions_add_up(run.building, run.spec.small_cells),
        ],
    )


@step(
    deps=[reconciled],
    kinds={"polars"},
    description="**Forklaret.** Uoverensstemmelsernes årsager: hvad er galt, hvor, hvor meget det forklarer, og "
    "hvem der retter det.",
)
def explained(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    run = run_of(context, installation)
    summary = flow.explain(run)
    view = metadata.view_of(run)
    causes = {"årsager, vigtigste først": metadata.causes_table(view)}
    return dg.MaterializeResult(metadata=metadata.few_hidden(view, summary) | causes)


@step(
    deps=[explained],
    kinds={"html", "excel"},
    description="**Rapporteret.** Landets side, og til hver region dens side og dens krypterede fejl- og "
    "mangelliste med egne patienter.",
)
def reported(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    summary = flow.report(run_of(context, installation))
    return dg.MaterializeResult(metadata=metadata.counts(summary))


@step(
    deps=[reported],
    check_specs=checks.DECIDED,
    description="**Afgjort.** Godkendelsestrinnet på kørslens egne tal. Resultatet udgives under sit eget navn "
    "og ændres aldrig siden.",
)
def decided(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    run = run_of(context, installation)
    decision = flow.decide(run, context.run.tags.get(GATE_TAG, FIRST_DATA))
    view = metadata.view_of(run, latest_run(run.project.results(run.database)))
    return dg.MaterializeResult(
        metadata=metadata.of_decision(view),
        check_results=[checks.gate_passed(decision, gate_result(view).sentence)],
    )


FLOW = [registers, received, conformed, validated, evidence, reconciled, explained, reported, decided]
