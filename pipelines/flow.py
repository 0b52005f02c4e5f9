"""READ FIRST. One short function per verb, in order; the only caller of the rooms below.

    registers, once for all databases; then for each database
    receive → conform → validate → reconcile → explain → report → decide

Each verb but the first takes a Run, does one step for one database, leaves its result where the next step finds it (the
encrypted warehouse, or the run's folder of contract files) and returns a small summary without person data.
The command line and the Dagster assets call these and nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import audit
from pipelines.explain import causes
from pipelines.handover import gate as gates
from pipelines.project import REGISTERS, InputError, Project
from pipelines.reconciliation import reconcile as reconciling
from pipelines.reconciliation.counting import counted_records
from pipelines.reconciliation.derive import EVIDENCE, derive, registers_of
from pipelines.reconciliation.supplement import sent_variables, supplement
from pipelines.reports import packages, publish, runs
from pipelines.reports.released import write_released
from pipelines.reports.workbook import opens
from pipelines.run import Run, alone_with, by_itself, opened
from pipelines.sources.arrivals import arrivals
from pipelines.spec.constraints import constraints_of
from pipelines.spec.gx_docs import data_docs
from pipelines.spec.to_gx import gx_query, gx_suite
from pipelines.validation.check import FINDINGS, Validation, check, mark_quarantined
from pipelines.validation.witness import hold_together, pandera_counts
from pipelines.warehouse import conforming, derived_rows, ledger, national, receiving, releases
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.delays import arrival_delays
from pipelines.warehouse.frames import load, save
from pipelines.warehouse.key import read_key, read_keys, region_password
from pipelines.warehouse.versions import current, held_back

Summary = dict[str, Any]


def registers(project: Project, received_at: dt.datetime) -> Summary:
    """Take in every file of the registers' inbox, and make what stands of them anew where something came.

    Their receipts and findings, of whole registers, are written to results/registers.
    """
    lists = national.read_code_lists(project.expectations / "codes")
    with alone_with(project, REGISTERS), national.open_registers(project) as warehouse:
        arrived = arrivals(project.inbox(REGISTERS))
        taken = [national.receive_national(warehouse, lists, arrival, received_at) for arrival in arrived]
        national.settle_if_new(warehouse, lists)
        findings = pl.concat([load(warehouse, "findings"), ledger.broken_findings(warehouse)], how="diagonal")
        told = {"receipts": ledger.receipts(warehouse), "findings": findings}
        building = project.results(f".{REGISTERS}")
        publish.start(building)
        publish.write_frames(building, told)
        publish.seal(building)
        publish.publish_folder(building, project.results(REGISTERS))
    return {"files": len(taken), **Counter(receipt.verdict for receipt in taken), "findings": len(findings)}


def receive(run: Run, region: str | None = None) -> Summary:
    """Take in every file of the inbox (or of one region's channels): raw rows as text with receipt and line,
    or a refusal with its reason."""
    with opened(run) as warehouse:
        taken = [
            receiving.receive(warehouse, run.spec, run.schemas, a.path, a.source, a.region, run.received_at)
            for a in arrivals(run.project.inbox(run.database))
            if region in (None, a.region)
        ]
        copies = [receipt for receipt in taken if receipt.verdict == "duplicate"]
        known = [_copies_of_others(warehouse, region)] if region else []
        save(warehouse, "receipts", pl.concat([ledger.receipts(warehouse, copies), *known]))
    return {"files": len(taken), **Counter(receipt.verdict for receipt in taken)}


def _copies_of_others(warehouse: Warehouse, region: str) -> pl.DataFrame:
    """The copies that were recognised when other regions' files were received."""
    try:
        return load(warehouse, "receipts").filter(pl.col("region") != region, verdict="duplicate")
    except InputError:  # nothing was received before
        return ledger.receipts(warehouse).clear()


def conform(run: Run) -> Summary:
    """Text to types: what will not cast is null and marked, so that no row is lost. A side that is made of
    registers is derived from what stands of them."""
    with opened(run) as warehouse:
        conforming.conform(warehouse, run.spec, run.schemas)
        if run.register:
            _derive(run, warehouse)
        counts = {s: warehouse.frame(f"select count(*) as n from typed_{s}")["n"].item() for s in run.sources}
    return {f"rows_{source}": n for source, n in counts.items()}


def _derive(run: Run, warehouse: Warehouse) -> None:
    """The records that the specification makes of the registers, with the event rows behind each value."""
    with national.read_registers(run.project, registers_of(run.spec)) as events:
        derived = derive(events.connection, run.spec)
        derived_rows.keep_national(warehouse, *national.receipts_of(events, registers_of(run.spec)))
        save(warehouse, "event_findings", national.findings_behind(events, derived.evidence))
    save(warehouse, "derived", derived.records)
    save(warehouse, "derivation", derived.evidence)
    derived_rows.keep_records(warehouse, run.spec, run.register, derived.records)


def validate(run: Run) -> dict[str, Validation]:
    """Hold every typed row against the specification; a row that breaks an error rule is held back, unless
    somebody released it (pipelines/quarantine.py)."""
    with opened(run) as warehouse:
        found = {source: _validated(run, warehouse, source) for source in run.formats}
        others = [ledger.broken_findings(warehouse)]
        if run.register:
            others += [_supplemented(run, warehouse), load(warehouse, "event_findings")]
            found[run.register] = _validated(run, warehouse, run.register)
        told = pl.concat([*(v.findings for v in found.values()), *others], how="diagonal")
        save(warehouse, "findings", told.with_columns(pl.col("released").fill_null(False)))
        _refresh_receipts(warehouse)
    return found


def _supplemented(run: Run, warehouse: Warehouse) -> pl.DataFrame:
    """Give the derived records what no register holds, of the rows that validation let through; the findings
    are about rows that belong to no derived record."""
    records, findings = load(warehouse, "derived"), []
    from_events = pl.col("table").is_in(run.supplements).not_()
    evidence = [load(warehouse, "derivation").filter(from_events)]
    for source in run.supplements:
        carried = {name for (of, _), schema in run.schemas.items() if of == source for name in schema.variables}
        sent, variables = current(warehouse, run.spec, source), sent_variables(run.spec, carried)
        made = supplement(run.spec, records, sent, source, variables)
        records, findings, evidence = made.records, [*findings, made.findings], [*evidence, made.evidence]
    derived_rows.keep_records(warehouse, run.spec, run.register, records)
    save(warehouse, "derivation", pl.concat(evidence).sort(pl.all()))
    return pl.concat([pl.DataFrame(schema=FINDINGS), *findings])


def _validated(run: Run, warehouse: Warehouse, source: str) -> Validation:
    rules = constraints_of(run.spec, source, run.reference_date)
    table = f"typed_{source}"
    validation = check(warehouse.connection, run.spec, table, rules)
    hold_together(validation, "pandera", pandera_counts(warehouse.connection, run.spec, table, rules))
    # What was held back by an earlier reference date, and is well now, is let go.
    warehouse.connection.execute(f"update {table} set quarantined = false where quarantined")
    findings = releases.judged(warehouse, validation.findings)
    held = mark_quarantined(warehouse.connection, table, findings)
    ledger.recount(warehouse, source)
    accepted = validation.rows_in - held
    return replace(validation, findings=findings, rows_accepted=accepted, rows_quarantined=held)


def _refresh_receipts(warehouse: Warehouse) -> None:
    """The row accounts as validation left them; recognised copies stand only in what was kept."""
    copies = load(warehouse, "receipts").filter(verdict="duplicate")
    save(warehouse, "receipts", pl.concat([ledger.receipts(warehouse), copies]))


def evidence(run: Run) -> list[Path]:
    """Great Expectations' account of the same rows and rules, one page per source, to share with others.

    It witnesses, it does not decide: the counts of `validate` do.
    """
    folder = run.project.results(run.database) / "evidence" / run.reference_date.isoformat()
    with opened(run) as warehouse:
        return [_witnessed(run, warehouse, source, folder) for source in run.sources]


def _witnessed(run: Run, warehouse: Warehouse, source: str, folder: Path) -> Path:
    rules, table = constraints_of(run.spec, source, run.reference_date), f"typed_{source}"
    rows = warehouse.connection.execute(gx_query(rules, table)).df()
    told = data_docs(gx_suite(run.spec, source, rules), rows, folder, run.reference_date)
    hold_together(check(warehouse.connection, run.spec, table, rules), "Great Expectations", told.counts)
    return told.page


@by_itself
def reconcile(run: Run) -> Summary:
    """Hold the new records beside the reported ones; write the contract files of the comparison.

    What another run left unfinished is removed first: its files would not be those of the rows kept now.
    """
    publish.start_run(run.building)
    with opened(run) as warehouse:
        sides = run.spec.sides
        reported, new = (current(warehouse, run.spec, source) for source in (sides.reported, sides.new))
        held = held_back(warehouse, run.spec, sides.new)
        delays = arrival_delays(warehouse, run.spec, sides.new)
        found = reconciling.reconcile(run.spec, reported, new, run.reference_date, held, delays, _expected(run))
        for name, frame in found.frames().items():
            save(warehouse, name, frame)
        arrived = {name: load(warehouse, name) for name in ("receipts", "findings")}
        arrived["derivation"] = load(warehouse, "derivation") if run.register else pl.DataFrame(schema=EVIDENCE)
    arrived["counted"] = counted_records(run.spec, reported, new)
    publish.write_frames(run.building, arrived)
    earlier = runs.previous_run(run.project.results(run.database), run.reference_date)
    publish.write_reconciliation(run.building, found, earlier)
    write_released(run.building, earlier, run.spec.small_cells, run.names.successors, found.counts())
    return found.counts()


def _expected(run: Run) -> pl.DataFrame | None:
    """The records that the registers say there should be, where no side is made of them and they were received."""
    if run.register or not run.spec.population.include:
        return None
    try:
        with national.read_registers(run.project, registers_of(run.spec)) as events:
            return derive(events.connection, run.spec).records
    except InputError:  # without registers nothing is held against them
        return None


@by_itself
def explain(run: Run) -> Summary:
    """Name the causes of the discrepancies; write causes.json, and each discrepancy's cause."""
    with opened(run) as warehouse:
        found = _kept(run, warehouse)
    explanation = causes.explain(run.spec, found)
    publish.write_explanation(run.building, explanation, run.words)
    publish.write_summary(run.building, run.spec, found, explanation)
    return {"causes": len(explanation.causes), "unexplained": explanation.unexplained}


@by_itself
def report(run: Run) -> Summary:
    """Write the country's page, and for each region its page, its encrypted fejl- og mangelliste and the
    receipts (kvitteringer) of what it sent."""
    with opened(run) as warehouse:
        found, persons = _kept(run, warehouse), _persons(run, warehouse)
    key = read_key(run.project)
    workbooks = packages.write_workbooks(
        run.package, found, persons, lambda region: password(run, region, key), partial(_note_workbook, run)
    )
    pages = packages.write_pages(run.package)
    receipts = packages.write_receipts(run.package)
    return {"pages": len(pages), "workbooks": len(workbooks), "receipts": len(receipts)}


def _note_workbook(run: Run, region: str, persons: pl.Series) -> None:
    audit.record(run.project, run.database, f"workbook {region}", f"run as of {run.reference_date}", persons)


@by_itself
def decide(run: Run, gate: str = "first_data") -> gates.Decision:
    """Judge a gate on the run's counts, tell it in the pages, and publish the run by one rename."""
    decision = gates.judge(run.spec, gate, run.building, runs.evidence(run.building))
    publish.write_json(run.building / "gate.json", decision.contract())
    packages.write_pages(run.package)
    audit.record(run.project, run.database, f"gate {gate}: {decision.outcome}", f"run as of {run.reference_date}")
    publish.publish_run(run.building, run.project.results(run.database), run.reference_date)
    return decision


def password(run: Run, region: str, key: bytes | None = None) -> str:
    """The password of a region's workbook of this run; it goes to the region by another channel."""
    day = run.reference_date.isoformat()
    return region_password(key or read_key(run.project), run.database, region, day)


def password_of(run: Run, region: str, results: Path) -> str:
    """The password that opens a region's published workbook, also where the key was changed since.

    That it was asked for is entered in the audit log: whose rows it opens stands at the workbook's own entry.
    """
    book = results / "regions" / region / packages.WORKBOOK
    known = [password(run, region, key) for key in read_keys(run.project)]
    opening = next((said for said in known if opens(book, said)), None)
    if opening is None:
        raise InputError(f"No key of {run.project.key_file} opens {book}: restore the key file from its safe copy.")
    audit.record(run.project, run.database, f"password {region}", f"run {results.name}")
    return opening


def _kept(run: Run, warehouse: Warehouse) -> reconciling.Reconciliation:
    """The reconciliation of this run, as its step left it in the warehouse."""
    if not run.building.is_dir():
        raise InputError(f"No run of {run.database} is under way: start with `reconcile` (or `sammenhold run`).")
    frames = {name: load(warehouse, name) for name in reconciling.FRAMES}
    return reconciling.from_frames(run.spec, run.reference_date, frames)


def _persons(run: Run, warehouse: Warehouse) -> pl.DataFrame:
    """Whose row each line of each receipt is; of a register's row also whose patient that is (region)."""
    sent = "select receipt_id, line, person, null::varchar as region from typed_"
    rows = [warehouse.frame(f"{sent}{source}") for source in run.formats]
    if run.register:
        records = warehouse.frame(f"select record_id, person, region from typed_{run.register}")
        events = load(warehouse, "derivation").filter(~pl.col("table").is_in(run.supplements))
        behind = events.join(records, on="record_id").select("receipt_id", "line", "person", "region")
        rows.append(behind.unique().sort(pl.all()))
    return pl.concat(rows)
