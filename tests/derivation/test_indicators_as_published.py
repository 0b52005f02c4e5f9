"""The indicators of the sample databases count what the published sentences say, record by record.

Variables that no register holds (pain, nutrition, osteoporosis, CAS, NYHA, training) are typed or sent: what a
sentence says of them is which record is in the denominator, which in the numerator and which is uoplyst.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from pipelines.reconciliation.indicators import indicators
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.reading import read_spec

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
DATABASES = ("dhd", "dhrd", "drkol", "ddid", "drhofte")
SPECS = {name: read_spec(EXPECTATIONS / name / "specification.yaml") for name in DATABASES}
TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}
# Database, indicator, what the record says (`missing:` a code), and whether it is counted: in the numerator,
# in the denominator only, uoplyst, or not at all.
SENTENCES = """
dhd | echocardiography | echo=yes | counted
dhd | echocardiography | echo=yes exclusion=DHDA10 | outside
dhd | nyha_classified | nyha=2 | counted
dhd | nyha_classified | nyha=missing:unknown | not counted
dhd | ace_arb_reduced | lvef=40 ace_arb=yes | counted
dhd | ace_arb_reduced | lvef=41 ace_arb=yes | outside
dhd | beta_blocker_reduced | lvef=40 beta_blocker=yes | counted
dhd | mra_reduced | lvef=40 mra=missing:not_indicated | outside
dhd | mra_reduced | lvef=40 mra=yes | counted
dhd | sglt2_reduced | lvef=40 sglt2=yes | counted
dhd | physical_training | nyha=3 training=yes | counted
dhd | physical_training | nyha=4 training=yes | outside
dhd | patient_education | education=yes | counted
dhd | readmission_4_weeks | readmission=yes | counted
dhd | mortality_1_year | dead_one_year=yes | counted
dhrd | participation | participated=yes | counted
dhrd | work_capacity | participated=yes work_capacity_start=100 work_capacity_end=111 | counted
dhrd | work_capacity | participated=yes work_capacity_start=100 work_capacity_end=109 | not counted
dhrd | smoking_cessation | participated=yes smoking=smoker smoking_end=former | counted
dhrd | diet | participated=yes diet_treatment=yes | counted
dhrd | ldl_reached | participated=yes ldl=1.8 | counted
dhrd | ldl_reached_one_year | dead_one_year=no ldl_one_year=1.9 | not counted
dhrd | ldl_reached_one_year | dead_one_year=no ldl_one_year=1.8 | counted
dhrd | blood_pressure | participated=yes systolic_bp=139 diastolic_bp=89 | counted
dhrd | blood_pressure | participated=yes systolic_bp=140 diastolic_bp=89 | not counted
dhrd | diabetes | diabetes_screened=yes | counted
dhrd | depression | participated=yes depression_screened=yes | counted
dhrd | antiplatelet_treatment | antiplatelet=yes | counted
dhrd | statin_treatment | statin=yes | counted
dhrd | beta_blocker_treatment | index_event=ami beta_blocker=yes | counted
dhrd | beta_blocker_treatment | index_event=pci beta_blocker=yes | outside
drkol | fev1_measured | setting=amb fev1=62 | counted
drkol | bmi_measured | setting=amb bmi=25 | counted
drkol | mrc_measured | setting=amb mrc=3 | counted
drkol | smoking_status | setting=amb smoking=missing:unknown | not counted
drkol | rehabilitation | setting=amb mrc=3 rehab_asked=yes | counted
drkol | rehabilitation | setting=amb mrc=2 rehab_asked=yes | outside
drkol | rehabilitation | setting=amb mrc=missing:unknown rehab_asked=yes | unknown
drkol | long_acting | setting=amb mrc=4 lama=no laba=yes | counted
drkol | inhaled_steroid | setting=amb mrc=4 laba=yes exacerbations=2 ics=yes | counted
drkol | inhaled_steroid | setting=amb mrc=4 laba=yes exacerbations=1 ics=yes | outside
drkol | ventilation | setting=ind respiratory_failure=yes niv=yes | counted
drkol | readmission_30_days | setting=ind dead_30_days_discharge=no readmission=yes | counted
drkol | readmission_30_days | setting=ind dead_30_days_discharge=yes readmission=yes | outside
drkol | mortality_30_days | setting=ind dead_30_days=yes | counted
ddid | hba1c_low | hba1c=59 status_date=2017-02-28 | counted
ddid | hba1c_low | hba1c=59 status_date=2017-03-01 | not counted
ddid | hba1c_high | hba1c=75 status_date=2026-01-01 | counted
ddid | blood_pressure | systolic_bp=130 diastolic_bp=80 | counted
ddid | albuminuria_examined | albuminuria=yes | counted
ddid | eye_examined | eye_exam_date=2024-01-02 status_date=2026-01-01 | counted
ddid | eye_examined | eye_exam_date=2024-01-01 status_date=2026-01-01 | not counted
ddid | foot_examined | foot_exam_date=2024-01-02 status_date=2026-01-01 | counted
drhofte | pain                     | pain_assessed=yes                                      | counted
drhofte | pain                     | pain_assessed=no                                       | not counted
drhofte | pain                     | pain_assessed=missing:unknown                          | unknown
drhofte | mobilisation             | mobilised=yes                                          | counted
drhofte | mobilisation             | mobilised=missing:not_relevant                         | outside
drhofte | nutrition_risk           | nutrition=yes                                          | counted
drhofte | nutrition_risk           | nutrition=no                                           | not counted
drhofte | nutrition_risk           | nutrition=missing:not_relevant                         | outside
drhofte | nutrition_risk           | nutrition=missing:unknown                              | unknown
drhofte | osteoporosis             | osteoporosis_plan=yes                                  | counted
drhofte | osteoporosis             | osteoporosis_plan=no                                   | not counted
drhofte | osteoporosis             | osteoporosis_plan=missing:not_relevant                 | outside
drhofte | falls                    | fall_prevention=yes                                    | counted
drhofte | falls                    | fall_prevention=missing:unknown                        | unknown
drhofte | rehabilitation           | rehab_plan=yes                                         | counted
drhofte | function_before          | cas_before=6                                           | counted
drhofte | function_before          | cas_before=missing:not_done                            | not counted
drhofte | function_discharge       | cas_discharge=0                                        | counted
drhofte | function_discharge       | cas_discharge=missing:unknown                          | not counted
drhofte | surgery_24_hours         | delay=24                                               | counted
drhofte | surgery_24_hours         | delay=24.1                                             | not counted
drhofte | surgery_36_hours         | delay=36                                               | counted
drhofte | survival_30_days         | dead_30_days=yes                                       | not counted
drhofte | readmission_30_days      | dead_30_days=yes readmission=yes                       | outside
drhofte | readmission_30_days      | dead_30_days=no readmission=yes                        | counted
drhofte | reoperation_undisplaced  | fracture=DS720 displaced=no method=ost reoperation=yes | counted
drhofte | reoperation_displaced    | fracture=DS720 displaced=no method=ost reoperation=yes | outside
drhofte | reoperation_trochanteric | fracture=DS722 method=ost reoperation=no               | not counted
drhofte | reoperation_arthroplasty | fracture=DS720 method=prot reoperation=yes             | counted
"""


def sentences() -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in line.split("|")) for line in SENTENCES.strip().splitlines()]


def one_record(spec: DatabaseSpec, said: str) -> pl.DataFrame:
    """A record that says this and nothing else, its columns typed as the canonical frame of a side."""
    cells = dict(part.split("=") for part in said.split())
    columns: dict[str, pl.Series] = {name: pl.Series([None], dtype=pl.String) for name in ("region", "unit")}
    for name, variable in spec.variables.items():
        value, _, code = cells.pop(name, "").partition("missing:")
        text = pl.Series([value or None], dtype=pl.String)
        kind = TYPES.get(variable.type, pl.String)
        columns[name] = text.str.strptime(kind, "%Y-%m-%d") if kind.is_temporal() else text.cast(kind)
        columns[f"{name}_missing"] = pl.Series([code or None], dtype=pl.String)
    assert not cells, "every variable that a sentence names is the specification's"
    return pl.DataFrame(columns)


@cache
def figures(database: str) -> pl.DataFrame:
    """The indicators of one database: each sentence's record is alone in a region of that sentence's name."""
    said = sorted({text for name, _, text, _ in sentences() if name == database})
    records = pl.concat(one_record(SPECS[database], text).with_columns(region=pl.lit(text)) for text in said)
    return indicators(SPECS[database], {"reported": records, "new": records.clear()}).filter(side="reported")


@pytest.mark.parametrize(("database", "indicator", "said", "counts"), sentences())
def test_an_indicator_counts_what_its_sentence_says(database, indicator, said, counts) -> None:
    found = figures(database).filter(region=said, indicator=indicator).select("numerator", "denominator", "unknown")
    expected = {"counted": (1, 1, 0), "not counted": (0, 1, 0), "unknown": (0, 0, 1), "outside": (0, 0, 0)}
    assert found.rows()[0] == expected[counts]


@pytest.mark.parametrize("database", SPECS)
def test_every_indicator_has_its_sentence(database) -> None:
    spec = SPECS[database]
    assert {indicator for name, indicator, *_ in sentences() if name == database} == set(spec.indicators)


def test_functional_level_is_cas_only_from_2013() -> None:
    assert str(SPECS["drhofte"].variables["cas_before"].valid.from_) == "2013-01-01"
