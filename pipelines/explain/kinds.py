"""The kinds of causes: what each is called in a sentence, and who mends it.

How a kind is seen stands in the module of its family: numbers, dates, codes, missing, exchanges (values of
pairs); bridges, copies, absences (whole records).
"""

from __future__ import annotations

from dataclasses import dataclass

IT, REGION, WAREHOUSE = "it_development", "region", "data_warehouse"


@dataclass(frozen=True)
class Kind:
    """A kind of the catalogue of faults. `owner`: the region's registration, IT development (mapping, units,
    formats) or SundK's data warehouse. `da` and `en` name {variable} and the cause's parameters."""

    name: str
    owner: str
    da: str
    en: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("unit_factor", IT,
             "{variable} er {factor} gange det manuelt indberettede (anden måleenhed)",
             "{variable} is {factor} times what was typed (another unit of measurement)"),
        Kind("unit_linear", IT,
             "{variable} står på en anden skala: {a} gange det manuelt indberettede, {b} lagt til",
             "{variable} stands on another scale: {a} times what was typed, {b} added"),
        Kind("constant_offset", IT, "{variable} er forskudt med {offset}", "{variable} is moved by {offset}"),
        Kind("decimal_lost", IT,
             "{variable} har tabt decimalkommaet (antal decimaler: {digits})",
             "{variable} has lost its decimal comma (decimals: {digits})"),
        Kind("rounded", IT,
             "{variable} har færre decimaler ({decimals}, {mode})",
             "{variable} has fewer decimals ({decimals}, {mode})"),
        Kind("sign_flipped", IT,
             "{variable} har skiftet fortegn ({which})", "{variable} has changed its sign ({which})"),
        Kind("digits_transposed", REGION,
             "{variable} har ombyttede cifre langt oftere end andre steder",
             "{variable} has exchanged digits far more often than elsewhere"),
        Kind("date_shift", IT, "{variable} er flyttet {days}", "{variable} is moved {days}"),
        Kind("timezone_shift", IT,
             "{variable} er i en anden tidszone ({hours} time om vinteren, det dobbelte om sommeren)",
             "{variable} is in another time zone ({hours} hour in winter, twice that in summer)"),
        Kind("day_month_swapped", IT,
             "{variable} har dag og måned byttet om", "{variable} has day and month exchanged"),
        Kind("date_precision", IT,
             "{variable} er kun kendt med præcisionen {precision}",
             "{variable} is known to the {precision} only"),
        Kind("code_recoded", IT, "{variable} er omkodet: {mapping}", "{variable} is recoded: {mapping}"),
        Kind("side_swapped", IT,
             "{variable} har højre og venstre byttet om", "{variable} has right and left exchanged"),
        Kind("inverted", IT, "{variable} har ja og nej byttet om", "{variable} has yes and no exchanged"),
        Kind("code_truncated", IT,
             "{variable} er afkortet til {level} tegn", "{variable} is cut to {level} characters"),
        Kind("code_prefix", IT,
             "{variable}: forstavelsen {prefix} er {change}",
             "{variable}: the prefix {prefix} is {change}"),
        Kind("text_form", IT,
             "{variable} er skrevet på en anden måde ({which})", "{variable} is written in another form ({which})"),
        Kind("constant_value", IT,
             "{variable} er altid {value}, uanset hvad der blev indberettet",
             "{variable} is always {value}, whatever was typed"),
        Kind("variables_swapped", IT, "{variable} er byttet om", "{variable} are exchanged"),
        Kind("wrong_pick", WAREHOUSE,
             "{variable} har værdien af en anden måling i samme forløb ({which})",
             "{variable} has the value of another measurement of the same course ({which})"),
        Kind("stale_value", IT,
             "{variable} har værdien fra patientens forrige forløb",
             "{variable} has the value of the patient's course before"),
        Kind("missing_in_new", IT,
             "{variable} mangler i den nye indberetning", "{variable} is missing in the new submission"),
        Kind("missing_in_reported", REGION,
             "{variable} mangler i den manuelle indberetning", "{variable} is missing in the typed form"),
        Kind("missing_collapsed", IT,
             "koder for manglende {variable} er blevet til noget andet: {mapping}",
             "missing codes of {variable} have become something else: {mapping}"),
        Kind("unit_not_reporting", REGION, "enheden indberetter ikke", "the unit does not send"),
        Kind("period_gap", REGION, "der mangler indberetninger", "submissions are missing"),
        Kind("submission_lost", REGION,
             "indberetning {submission} er aldrig kommet frem", "submission {submission} never arrived"),
        Kind("late_arrival", REGION,
             "registreringen er forsinket: de seneste {lag} dage er ikke på plads",
             "registration lags: the last {lag} days are not in place"),
        Kind("submission_twice", REGION,
             "indberetningen er sendt to gange", "the submission was sent twice"),
        Kind("duplicate_record", REGION, "forløb er registreret to gange", "courses are registered twice"),
        Kind("contact_split", IT, "forløb er delt i {n} kontakter", "courses are split into {n} contacts"),
        Kind("contact_merged", IT,
             "{n} manuelle indberetninger er blevet til én kontakt", "{n} typed forms became one contact"),
        Kind("population_too_wide", WAREHOUSE,
             "populationen er for bred: {code} hører ikke til", "the population is too wide: {code} does not belong"),
        Kind("population_too_narrow", WAREHOUSE,
             "populationen er for snæver: {code} mangler", "the population is too narrow: {code} is left out"),
        Kind("boundary_off", WAREHOUSE,
             "grænsen er sat forkert: kun forløb på selve grænsen ({edge}) er uden modstykke",
             "the boundary is off: only courses at the very edge ({edge}) lack a counterpart"),
        Kind("retracted_kept", WAREHOUSE,
             "forløb, som kilden har trukket tilbage, tæller stadig med",
             "records that their source has withdrawn still count"),
        Kind("unit_mapped_wrong", WAREHOUSE,
             "forløb fra enhed {from} står under enhed {to}", "courses of unit {from} stand under unit {to}"),
        Kind("person_id_damaged", IT,
             "personnumre er beskadiget ({damage})", "person numbers are damaged ({damage})"),
        Kind("person_id_changed", REGION,
             "forløb står med et erstatningsnummer på den ene side",
             "courses carry a replacement number on one side"),
        Kind("test_persons", REGION, "testpersoner i driftsdata", "test persons in production data"),
    )
}  # fmt: skip
