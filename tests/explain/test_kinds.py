"""Each kind of cause that strikes values, planted by hand among noise, is named, with slice and parameters, first."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from planted_sides import DAYS, SPEC, SYD, agreeing, changed, explained, noisy_sides, planted, spec_with, told

from pipelines.explain.kinds import KINDS
from pipelines.explain.sentences import Words, sentence

IN_SYD = {"region": "syd"}
YES_NO = {"yes": "no", "no": "yes"}
ONE_UP = {"1": "2", "2": "3", "3": "4"}


def named(variables: str | tuple[str, ...]) -> tuple[str, ...]:
    """One fault over several variables is one cause."""
    return (variables,) if isinstance(variables, str) else variables


@pytest.mark.parametrize(
    "faults",
    [
        [
            (pl.col("weight") * 1000, "unit_factor", "weight", {"factor": 1000.0}),
            (pl.col("pulse") - 5, "constant_offset", "pulse", {"offset": -5.0}),
            (pl.col("echo_day") - DAYS, "date_shift", "echo_day", {"days": -1}),
            (pl.col("nyha").replace(ONE_UP), "code_recoded", "nyha", {"mapping": ONE_UP}),
            (pl.col("smoker").replace(YES_NO), "inverted", "smoker", {}),
        ],
        [
            ((pl.col("weight") * 2.2046).round(1), "unit_factor", "weight", {"factor": 2.205}),
            (None, "missing_in_new", ("pulse", "smoker"), {}),
            (pl.col("echo_day") + 30 * DAYS, "date_shift", "echo_day", {"days": 30}),
            (pl.col("nyha").replace({"3": "4"}), "code_recoded", "nyha", {"mapping": {"3": "4"}}),
        ],
        [
            (pl.col("weight") + 1.5, "constant_offset", "weight", {"offset": 1.5}),
            (pl.col("pulse") * 60, "unit_factor", "pulse", {"factor": 60.0}),
            (None, "missing_in_new", "nyha", {}),
        ],
        [((pl.col("weight") / 10).round(2), "unit_factor", "weight", {"factor": 0.1})],
    ],
)
def test_values_of_each_variable(faults):
    values = {name: value for value, _, variables, _ in faults for name in named(variables)}
    expected = [(kind, named(variables), IN_SYD, parameters) for _, kind, variables, parameters in faults]
    assert sorted(planted(SYD, **values), key=str) == sorted(expected, key=str)


def test_missing_in_reported():
    reported, new = noisy_sides(2)
    reported = changed(reported, pl.col("unit") == "m2", smoker=None)
    assert told(explained(reported, new)) == [("missing_in_reported", ("smoker",), {"unit": "m2"}, {})]


def test_what_the_specification_accepts_is_no_part_of_a_recoding():
    spec = spec_with(variables={"nyha": {"compare": {"map": {"1": "3"}}}})
    reported, new = noisy_sides(3)
    recoded = changed(new, SYD, nyha=pl.col("nyha").replace({"1": "3", "2": "4"}))
    assert told(explained(reported, recoded, spec)) == [("code_recoded", ("nyha",), IN_SYD, {"mapping": {"2": "4"}})]


def test_a_recoding_explains_only_the_codes_that_moved():
    reported, new = agreeing(3)
    explanation = explained(reported, changed(new, SYD, nyha=pl.col("nyha").replace({"3": "4"})))
    (cause,) = explanation.causes
    threes = new.filter(SYD, nyha="3").height
    assert (cause.explained, cause.in_slice, explanation.unexplained) == (threes, new.filter(SYD).height, 0)


def test_two_faults_of_one_variable_in_two_regions():
    reported, new = noisy_sides(4, 1600)
    both = changed(new, SYD, weight=pl.col("weight") * 1000)
    both = changed(both, pl.col("region") == "nord", weight=None)
    assert sorted(told(explained(reported, both)), key=str) == [
        ("missing_in_new", ("weight",), {"region": "nord"}, {}),
        ("unit_factor", ("weight",), IN_SYD, {"factor": 1000.0}),
    ]
    twice = changed(changed(new, SYD, pulse=pl.col("pulse") + 5), pl.col("region") == "midt", pulse=pl.col("pulse") + 9)
    assert sorted(told(explained(reported, twice)), key=str) == [
        ("constant_offset", ("pulse",), {"region": "midt"}, {"offset": 9.0}),
        ("constant_offset", ("pulse",), IN_SYD, {"offset": 5.0}),
    ]


def test_several_faults_at_once_are_all_told():
    reported, new = noisy_sides(6, 2000)
    new = changed(new, SYD, weight=pl.col("weight") * 1000)
    new = changed(new, pl.col("unit") == "n1", echo_day=pl.col("echo_day") + DAYS)
    new = changed(new, pl.col("schema_version") == "1.1", smoker=None)
    new = new.filter(pl.col("unit") != "m2")
    assert sorted(told(explained(reported, new)), key=lambda cause: cause[0]) == [
        ("date_shift", ("echo_day",), {"unit": "n1"}, {"days": 1}),
        ("missing_in_new", ("smoker",), {"schema_version": "1.1"}, {}),
        ("unit_factor", ("weight",), IN_SYD, {"factor": 1000.0}),
        ("unit_not_reporting", (), {"unit": "m2"}, {"unit": "m2"}),
    ]


# ---------------------------------------------------------------- records


# ---------------------------------------------------------------- what is told


def test_every_discrepancy_has_at_most_one_cause_and_the_rest_is_stated():
    reported, new = noisy_sides(12)
    explanation = explained(reported, changed(new, SYD, weight=None, nyha=None))
    ids = explanation.cause_ids()
    assert ids["discrepancy_id"].n_unique() == len(ids) == sum(cause.explained for cause in explanation.causes)
    assert explanation.unexplained == explanation.discrepancies - len(ids) > 0
    assert [cause.explained for cause in explanation.causes] == sorted(
        (cause.explained for cause in explanation.causes), reverse=True
    )


def test_the_contract_tells_each_cause_in_two_languages_without_values_of_records():
    spec = spec_with()
    reported, new = agreeing(13)
    told_ = explained(reported, changed(new, SYD, weight=pl.col("weight") * 1000)).contract(
        Words(spec, {"syd": "Region Syd"})
    )
    (cause,) = told_["causes"]
    assert told_["unexplained"] == 0
    assert (cause["rank"], cause["owner"], cause["slice"]) == (1, "it_development", IN_SYD)
    n = cause["explained"]
    assert cause["sentence"] == {
        "da": f"Region Syd: Prøve er 1000 gange det manuelt indberettede (anden måleenhed) ({n} af {n}).",
        "en": f"Region Syd: Prøve is 1000 times what was typed (another unit of measurement) ({n} of {n}).",
    }


def test_every_kind_has_a_name_of_its_own_and_an_owner_who_can_mend_it():
    assert all(name == kind.name and kind.da != kind.en for name, kind in KINDS.items())
    assert {kind.owner for kind in KINDS.values()} == {"region", "it_development", "data_warehouse"}


WITH_DIAGNOSIS = spec_with(
    variables={
        "diagnosis": {"type": "sks"},
        "side": {"type": "code", "values": {"1": "Højresidig", "2": "Venstresidig"}},
    }
)


def with_diagnosis(frame: pl.DataFrame) -> pl.DataFrame:
    """The same courses with a diagnosis and a side, which the number of the course decides."""
    number = pl.col("record_id").str.slice(1).cast(pl.Int64)
    codes = pl.Series(["DI210A", "DI210B", "DI500A", "DI501A", "DI489A"])
    return frame.with_columns(
        diagnosis=codes.gather(frame.select(number % 5).to_series()),
        side=pl.when(number % 3 == 0).then(pl.lit("1")).otherwise(pl.lit("2")),
        diagnosis_missing=pl.lit(None, pl.String),
        side_missing=pl.lit(None, pl.String),
    )


def told_of(**values: pl.Expr) -> list[tuple]:
    reported, new = (with_diagnosis(frame) for frame in noisy_sides(1, 900))
    return told(explained(reported, new.with_columns(**values), WITH_DIAGNOSIS))


def only(where: pl.Expr, wrong: pl.Expr | None, name: str) -> pl.Expr:
    return pl.when(where).then(pl.lit(None) if wrong is None else wrong).otherwise(pl.col(name))


def test_a_fault_in_one_diagnosis_is_told_by_its_code():
    ischaemic = pl.col("diagnosis").str.starts_with("DI21")
    assert told_of(weight=only(ischaemic, pl.col("weight") * 1000, "weight")) == [
        ("unit_factor", ("weight",), {"diagnosis": "DI21*"}, {"factor": 1000.0})
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_prefix_that_is_lost_is_no_recoding_of_every_code(seed):
    """The mapping leaves out the rarest codes, of which few were hit, and so fits a little better."""
    reported, new = noisy_sides(seed, 6000)
    number = pl.Series(np.random.default_rng(seed).geometric(0.12, 6000))
    codes = pl.format("DI{}{}", 210 + number // 2, pl.when(number % 2 == 0).then(pl.lit("A")).otherwise(pl.lit("B")))
    of = pl.col("record_id").str.slice(1).cast(pl.Int64)
    named = pl.DataFrame({"at": np.arange(6000)}).with_columns(diagnosis=codes).sort("at")["diagnosis"]
    sides = [
        frame.with_columns(
            diagnosis=named.gather(frame.select(of).to_series()), diagnosis_missing=pl.lit(None, pl.String)
        )
        for frame in (reported, new)
    ]
    common = sides[1].group_by("diagnosis").len().filter(pl.col("len") >= 100)["diagnosis"].implode()
    struck = pl.col("unit").eq("s3") & (pl.col("diagnosis").is_in(common) | (pl.int_range(pl.len()) % 2 > 0))
    lost = changed(sides[1], struck, diagnosis=pl.col("diagnosis").str.slice(1))
    spec = spec_with(variables={"diagnosis": {"type": "sks"}})
    kind, _, where, parameters = told(explained(sides[0], lost, spec))[0]
    assert (kind, where, parameters) == ("code_prefix", {"unit": "s3"}, {"prefix": "D", "change": "lost"})


def test_a_code_that_the_mapping_forgot_is_missing_where_it_was_reported():
    assert told_of(nyha=only(pl.col("nyha") == "3", None, "nyha")) == [("missing_in_new", ("nyha",), {"nyha": "3"}, {})]


def test_a_code_list_of_texts_that_begin_with_the_side_has_its_sides_exchanged():
    assert told_of(side=only(SYD, pl.col("side").replace({"1": "2", "2": "1"}), "side")) == [
        ("side_swapped", ("side",), IN_SYD, {})
    ]


def test_a_date_of_nothing_floods_in():
    assert planted(SYD, echo_day=pl.lit(dt.date(1900, 1, 1))) == [
        ("constant_value", ("echo_day",), IN_SYD, {"value": "1900-01-01"})
    ]


@pytest.mark.parametrize("seed", [1, 4])
def test_what_is_wrong_in_the_whole_country_is_told_whole(seed):
    # In both seeds the part that gains most (yes → no, or one code of three) would say less.
    whole = pl.lit(True)
    wrong = {"smoker": pl.col("smoker").replace(YES_NO), "nyha": pl.col("nyha").replace(ONE_UP)}
    assert sorted(planted(whole, seed, **wrong)) == [
        ("code_recoded", ("nyha",), {}, {"mapping": ONE_UP}),
        ("inverted", ("smoker",), {}, {}),
    ]


def test_units_that_type_better_are_no_place_of_what_is_wrong_everywhere():
    reported, new = noisy_sides(2, 4000)
    worse = pl.col("region").is_in(["nord", "midt"]) & (pl.col("record_id").hash(1) % 9 == 0)
    exchanged = changed(new, ~worse, smoker=pl.col("smoker").replace(YES_NO))
    assert told(explained(reported, exchanged)) == [("inverted", ("smoker",), {}, {})]


@pytest.mark.parametrize("seed", range(4))
def test_whole_metres_are_a_hundredth_of_whole_centimetres(seed):
    reported, new = (
        frame.with_columns((pl.col("pulse") * 1.5 + 60).round().cast(pl.Int64)) for frame in noisy_sides(seed, 1500)
    )
    changed_ones = changed(new, pl.col("unit") == "s3", pulse=(pl.col("pulse") / 100).round().cast(pl.Int64))
    (cause,) = explained(reported, changed_ones).causes
    assert (cause.kind, cause.where, cause.parameters) == ("unit_factor", {"unit": "s3"}, {"factor": 0.01})


@pytest.mark.parametrize("seed", range(4))
def test_what_a_factor_leaves_0_or_1_of_is_no_constant(seed):
    """A thousandth of 640 ± 80: most are 1, but those below 500 are 0, as rounding has it."""
    reported, new = (
        frame.with_columns((pl.col("pulse") * 5.7 + 224).round().cast(pl.Int64)) for frame in noisy_sides(seed, 1500)
    )
    changed_ones = changed(new, SYD, pulse=(pl.col("pulse") / 1000).round().cast(pl.Int64))
    assert told(explained(reported, changed_ones)) == [("unit_factor", ("pulse",), IN_SYD, {"factor": 0.001})]


@pytest.mark.parametrize("seed", range(4))
def test_a_scale_is_told_in_no_more_digits_than_the_data_know(seed):
    """1.999 · r + 7.08 is as near to whole numbers as 2 · r + 7."""
    reported, new = noisy_sides(seed, 1500)
    changed_ones = changed(new, pl.col("unit") == "s3", weight=(pl.col("weight") * 2 + 7).round())
    (cause,) = explained(reported, changed_ones).causes
    assert (cause.kind, cause.where, cause.parameters) == ("unit_linear", {"unit": "s3"}, {"a": 2.0, "b": 7.0})


@pytest.mark.parametrize("seed", range(4))
def test_twenty_exchanged_records_are_found_though_elsewhere_more_differ(seed):
    spec = spec_with(variables={"before": {"type": "decimal"}})
    before = pl.Series(np.random.default_rng(seed).normal(83, 17, 1500).round(1))
    reported, new = (
        frame.with_columns(
            before=before.gather(frame["person"].str.slice(1).cast(pl.Int64)), before_missing=pl.lit(None, pl.String)
        )
        for frame in noisy_sides(seed, 1500)
    )
    new = changed(new, (pl.col("region") == "nord") & (pl.col("sex") == "F"), before=pl.col("before").shuffle(seed))
    here = (pl.col("unit") == "s3") & (pl.col("age_band") == "80+") & (pl.col("sex") == "M")
    exchanged = changed(new, here, weight=pl.col("before"), before=pl.col("weight"))
    assert told(explained(reported, exchanged, spec)) == [
        ("variables_swapped", ("before", "weight"), {"unit": "s3", "age_band": "80+", "sex": "M"}, {})
    ]


@pytest.mark.parametrize("seed", range(3))
def test_one_value_whatever_was_reported_is_no_factor_and_no_boundary(seed):
    """1 is a hundred-and-thirtieth of what was reported, and the lowest value there is; told is neither."""
    reported, new = (frame.with_columns(pulse=pl.col("pulse") + 60) for frame in noisy_sides(seed, 1500))
    assert told(explained(reported, changed(new, SYD, pulse=pl.lit(1)))) == [
        ("constant_value", ("pulse",), IN_SYD, {"value": 1})
    ]


@pytest.mark.parametrize("put_on", ["0", " "])
def test_what_is_put_before_codes_that_had_none_is_told_where_it_is(put_on):
    reported, new = noisy_sides(1, 2500)
    new = changed(new, pl.col("unit") == "s2", nyha=put_on + pl.col("nyha"))
    which = {"0": "leading_zeros", " ": "blanks"}[put_on]
    assert told(explained(reported, new)) == [("text_form", ("nyha",), {"unit": "s2"}, {"which": which})]


def test_the_first_measurement_in_the_place_of_the_last():
    """Scores of few different values: a scale would fit many of them."""
    score = {"type": "integer", "compare": {"absolute": 1}}
    spec = spec_with(variables={"pain_first": score, "pain_last": score})
    rng = np.random.default_rng(8)
    first = rng.integers(0, 11, 20_000)
    last = np.clip(first - rng.integers(0, 5, 20_000), 0, 10)
    reported, new = (
        side.with_columns(
            pl.Series("pain_first", first[number]), pl.Series("pain_last", last[number]),
            pain_first_missing=pl.lit(None, pl.String), pain_last_missing=pl.lit(None, pl.String),
        )
        for side in noisy_sides(8, 2000)
        for number in [side["person"].str.slice(1).cast(pl.Int64).to_numpy()]
    )  # fmt: skip
    picked = new.with_columns(pain_last=pl.when(SYD).then("pain_first").otherwise("pain_last"))
    assert told(explained(reported, new, spec)) == []
    assert told(explained(reported, picked, spec)) == [
        ("wrong_pick", ("pain_last",), {"region": "syd"}, {"which": "first"})
    ]


def test_a_measurement_whose_name_says_nothing_is_told_by_its_label():
    said = [
        sentence("wrong_pick", ("weight",), {}, {"which": which}, 9, 10, Words(SPEC), "da")
        for which in ("pulse", "last")
    ]
    assert [text.partition(" i samme forløb ")[2] for text in said] == ["(Prøve) (9 af 10).", "(den sidste) (9 af 10)."]
