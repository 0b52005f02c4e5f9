"""The files of an inbox: their bytes, their names, their truth; and the committed sample."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path

import polars as pl
import pytest
from rules_one_by_one import broken

from pipelines.project import InputError
from pipelines.synthetic.faults import Fault
from pipelines.synthetic.generate import generate, newest_form
from pipelines.synthetic.kip_files import kip_files
from pipelines.synthetic.wsapi_files import wsapi_files


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def small(world, out, *faults, seed=3):
    return generate(
        world.spec, world.folder, out, seed=seed, scale=0.03, from_date=world.from_date,
        reference_date=world.reference, faults=faults,
    )  # fmt: skip


@pytest.fixture(scope="module")
def clean(world, tmp_path_factory):
    """The small inbox without faults."""
    folder = tmp_path_factory.mktemp("clean")
    small(world, folder)
    return files_under(folder / "dhd")


def truth_of(folder):
    return list(csv.DictReader(io.StringIO((folder / "truth.csv").read_text("utf-8"))))


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(world, clean, tmp_path):
    small(world, tmp_path / "same")
    small(world, tmp_path / "other", seed=4)
    assert files_under(tmp_path / "same" / "dhd") == clean
    assert files_under(tmp_path / "other" / "dhd") != clean


def test_the_committed_sample_is_what_its_plan_makes(world, sample_plan, tmp_path):
    plan = sample_plan
    made = generate(
        world.spec, world.folder, tmp_path, seed=plan.seed, scale=plan.scale, from_date=plan.from_date,
        reference_date=plan.reference_date, faults=plan.faults, takes_up=plan.takes_up,
        truth_file=tmp_path / "truth.csv",
    )  # fmt: skip
    sample = world.root / "sample_data"
    assert files_under(tmp_path / "dhd") == files_under(sample / "inbox" / "dhd"), "make the sample again"
    of_all = (sample / "truth.csv").read_text("utf-8").splitlines(keepends=True)
    assert [*of_all[:1], *(line for line in of_all if line.startswith("dhd,"))] == (
        (tmp_path / "truth.csv").read_text("utf-8").splitlines(keepends=True)
    )
    assert sum(path.stat().st_size for path in sample.rglob("*") if path.is_file()) < 6_000_000
    of_causes = [truth for truth in made.truth if truth.reported_in == "causes"]
    assert min(truth.comparable for truth in of_causes if truth.kind in LARGE) >= 60


LARGE = (
    "unit_factor", "date_shift", "code_recoded", "missing_in_new", "unit_not_reporting", "unit_mapped_wrong",
)  # fmt: skip


def test_the_sample_breaks_no_rule_that_its_truth_does_not_say(world, sample_plan, planted_by):
    in_records = [fault for fault in sample_plan.faults if "file" not in fault.parameters]
    sides, truth = planted_by(*in_records)
    expected = {
        (t.rule, record) for t in truth if t.reported_in == "findings" and t.side == "new" for record in t.records
    }
    assert broken(world, sides["new"], "wsapi", "error") == expected
    assert broken(world, sides["reported"], "kip", "error") == set()


def test_a_kip_file_says_the_values_in_the_words_of_the_form(world):
    form = newest_form(world.spec, world.schemas)
    files = kip_files(world.spec, form, world.sides["reported"])
    assert sorted({Path(path).name for path in files}) == [
        "kip_2024_2.csv", "kip_2025_1.csv", "kip_2025_2.csv", "kip_2026_1.csv", "kip_2026_2.csv"
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(files["kip/nordjylland/kip_2025_2.csv"].decode()), delimiter=";"))
    assert list(rows[0]) == [*form.identity.values(), *form.fields]
    by_id = {row["record_id"]: row for row in world.sides["reported"].iter_rows(named=True)}
    for row in rows:
        typed = by_id[row["skema_id"]]
        assert row["foerste_kontakt_dato"] == typed["start_date"].strftime("%d-%m-%Y")
        weight = typed["weight"]
        words = {"not_done": "Ikke udført", "unknown": "Uoplyst", None: ""}[typed["weight_missing"]]
        assert row["vaegt_kg"] == (words if weight is None else f"{weight}".replace(".", ","))
        assert (
            row["nyha_klasse"] == {"1": "I", "2": "II", "3": "III", "4": "IV", None: row["nyha_klasse"]}[typed["nyha"]]
        )


def test_a_submission_is_json_with_a_line_for_each_record(world):
    files = wsapi_files(world.spec, world.schemas, world.sides["new"])
    for path, content in files.items():
        envelope = json.loads(content)
        region, submission = path.split("/")[1], Path(path).stem
        assert (envelope["database"], envelope["region"]) == ("dhd", region)
        assert envelope["submissionId"] == submission
        lines = [line.strip().rstrip(",") for line in content.decode().splitlines() if '"recordId"' in line]
        assert [json.loads(line) for line in lines] == envelope["records"]
        fields = world.schemas["wsapi", envelope["schemaVersion"]].fields
        known = {"action", *world.schemas["wsapi", "1.1"].identity.values(), *fields}
        assert all(set(record) <= known for record in envelope["records"])


def test_submissions_are_numbered_in_the_order_they_were_sent(world):
    files = wsapi_files(world.spec, world.schemas, world.sides["new"])
    for region in world.spec.changeover:
        envelopes = [json.loads(content) for path, content in files.items() if f"/{region}/" in path]
        sent = [e["sentAt"] for e in sorted(envelopes, key=lambda e: e["sequenceNumber"])]
        assert sent == sorted(sent)
        assert [e["sequenceNumber"] for e in envelopes] == list(range(1, len(envelopes) + 1))
        assert dt.datetime.fromisoformat(max(sent)).date() <= world.reference


def test_a_region_sends_the_version_it_has_taken_up(world):
    new = world.sides["new"].filter(pl.col("sent") >= dt.date(2026, 1, 1))
    versions = dict(new.group_by("region").agg(pl.col("schema_version").unique()).iter_rows())
    newest = {region for region, used in versions.items() if used == ["1.1"]}
    assert newest == {"nordjylland", "midtjylland"}


def test_corrections_and_deletions_follow_their_record(world):
    new = world.sides["new"]
    first = dict(new.filter(action="create").select("record_id", "sequence").iter_rows())
    later = new.filter(pl.col("action") != "create").select("record_id", "sequence")
    assert later.height > 20
    assert all(sequence > first[record] for record, sequence in later.iter_rows())


def test_no_person_number_stands_in_a_name_or_an_id(world, tmp_path):
    small(world, tmp_path)
    persons = set(world.courses["person"])
    names = " ".join(files_under(tmp_path))
    assert not re.search(r"\d{10}", names)
    for side in world.sides.values():
        assert not any(person in record for record, person in side.select("record_id", "person").iter_rows())
        assert not re.search(r"\d{10}", " ".join(side["record_id"]))
    assert not any(person in (tmp_path / "dhd" / "truth.csv").read_text("utf-8") for person in persons)


def test_the_truth_lists_exactly_what_was_planted(world, tmp_path):
    faults = [
        Fault(kind="unit_factor", variable="weight", slice={"region": "syddanmark"}, parameters={"factor": 1000}),
        Fault(kind="cast_error", variable="lvef", slice={"region": "hovedstaden"}, parameters={"n": 2}),
        Fault(kind="broken_json", parameters={"file": "wsapi/midtjylland/MJ-000002.json"}),
    ]
    small(world, tmp_path, *faults)
    lines = truth_of(tmp_path / "dhd")
    said = [(line["fault_id"], line["kind"], line["reported_in"], line["rule"]) for line in lines]
    assert said == [
        ("F01", "unit_factor", "causes", ""),
        ("F02", "cast_error", "findings", "lvef.castable"),
        ("F03", "broken_json", "receipts", "refused"),
        ("S01", "missing_in_new", "causes", ""),
    ]
    assert json.loads(lines[0]["parameters"]) == {"factor": 1000}
    assert json.loads(lines[0]["records"]) == int(lines[0]["n"])
    text = "".join(p.read_text("utf-8") for p in (tmp_path / "dhd" / "wsapi" / "hovedstaden").iterdir())
    written = re.findall(r'"recordId": "([^"]+)"[^}]*"lvef": "se journal"', text)
    assert sorted(written) == json.loads(lines[1]["records"])


def test_without_faults_only_what_a_schema_lacks_is_true(world, tmp_path):
    made = small(world, tmp_path)
    assert [(t.kind, t.variable, t.slice) for t in made.truth] == [
        ("missing_in_new", "sglt2", {"schema_version": "1.0"})
    ]


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("same_file_twice", "wsapi/midtjylland/MJ-000002.json"),
        ("unknown_schema_version", "wsapi/midtjylland/MJ-000002.json"),
        ("broken_json", "wsapi/midtjylland/MJ-000002.json"),
        ("wrong_delimiter", "kip/sjaelland/kip_2025_1.csv"),
    ],
)
def test_a_file_fault_strikes_one_file(world, clean, tmp_path, kind, file):
    small(world, tmp_path, Fault(kind=kind, parameters={"file": file}))
    planted = files_under(tmp_path / "dhd")
    touched = {path for path in planted if path != "truth.csv" and clean.get(path) != planted[path]}
    if kind == "same_file_twice":
        assert planted[file] == clean[file] == planted[touched.pop()]
        assert len(planted) == len(clean) + 1
    else:
        assert touched == {file}
        assert set(planted) == set(clean)


def test_a_file_that_is_not_made_cannot_be_struck(world, tmp_path):
    with pytest.raises(InputError, match="not made"):
        small(world, tmp_path, Fault(kind="broken_json", parameters={"file": "wsapi/x.json"}))


def test_a_folder_with_files_is_left_alone(world, tmp_path):
    (tmp_path / "dhd").mkdir()
    (tmp_path / "dhd" / "mine.csv").write_text("x")
    with pytest.raises(InputError, match="empty folder"):
        small(world, tmp_path)
