"""What is wrong in a printed variable list, by line and variable: each check is a function that yields defects.

The kinds are those found in the two lists that are public (tests/data/rkkp): names and codes cut by the
printing system, answers shifted between lines, one concept spelt in several ways.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from pipelines.spec.lifecycle import LONGEST_NAME
from pipelines.spec.variable_list import ListedVariable, VariableList

# The printing system has room for so many characters of a code.
LONGEST_CODE = 15

PRECISION = ("aar", "aar_maaned", "aar_maaned_dag")
# Different words for the same missing answer.
SAME = {"-ingen-": "[blank]", "blank": "[blank]", "n-a": "ikke relevant"}


@dataclass(frozen=True)
class Defect:
    """What is wrong in one line of a list; `kind` names the check."""

    kind: str
    row: int
    variable: str
    sentence: str


def defects(listed: VariableList) -> list[Defect]:
    """Every defect of a list, in the order of its lines."""
    of_each = (check(variable) for variable in listed.variables for check in CHECKS)
    found = chain(chain.from_iterable(of_each), _row_shift(listed), _spelling(listed))
    return sorted(found, key=lambda defect: (defect.row, defect.kind, defect.sentence))


def _cut_name(variable: ListedVariable) -> Iterator[Defect]:
    if len(variable.name) >= LONGEST_NAME:
        sentence = f"The name has {len(variable.name)} characters, the most there is room for: it is probably cut."
        yield _defect("cut name", variable, sentence)


def _cut_codes(variable: ListedVariable) -> Iterator[Defect]:
    cut = [code for code in dict.fromkeys(variable.codes) if _is_cut(variable, code)]
    if cut:
        sentence = f"Codes of {LONGEST_CODE} characters, the most there is room for, are probably cut: {_quoted(cut)}."
        yield _defect("cut code", variable, sentence)


def _is_cut(variable: ListedVariable, code: str) -> bool:
    """As long as there is room for, unless it ends in a number or its text is the code in other letters."""
    text = variable.texts.get(code, code)
    whole = code[-1].isdigit() or (text != code and concept(text) == concept(code))
    return len(code) >= LONGEST_CODE and not whole


def _repeated_codes(variable: ListedVariable) -> Iterator[Defect]:
    for code, times in Counter(variable.codes).items():
        if times > 1:
            yield _defect("repeated code", variable, f"The code '{code}' stands {times} times.")


def _date_with_codes(variable: ListedVariable) -> Iterator[Defect]:
    if variable.is_date and variable.codes:
        yield _defect("date with codes", variable, f"A date has the outcome codes {_quoted(variable.codes)}.")


def _own_name(variable: ListedVariable) -> Iterator[Defect]:
    if any(code == variable.name[:LONGEST_CODE] for code in variable.codes):
        yield _defect("own name as code", variable, "The variable's own name stands as an outcome code.")


def _precision(variable: ListedVariable) -> Iterator[Defect]:
    if not variable.is_precision or not variable.codes:
        return
    if strange := [code for code in variable.codes if code not in PRECISION]:
        yield _defect("precision", variable, f"The precision of a date has the codes {_quoted(strange)}.")
    elif lacking := [code for code in PRECISION if code not in variable.codes]:
        yield _defect("precision", variable, f"The precision of a date lacks the code {_quoted(lacking)}.")


def _decimals(variable: ListedVariable) -> Iterator[Defect]:
    points = [code for code in variable.codes if re.fullmatch(r"\d*\.\d+", code)]
    commas = [code for code in variable.codes if re.fullmatch(r"\d*,\d+", code)]
    if points and commas:
        sentence = f"Numbers have both a decimal point ('{points[0]}') and a decimal comma ('{commas[0]}')."
        yield _defect("mixed decimals", variable, sentence)


def _npu(variable: ListedVariable) -> Iterator[Defect]:
    for code in variable.codes:
        if re.fullmatch(r"NPU\d+", code) and len(code) != len("NPU") + 5:
            yield _defect("misspelt code", variable, f"'{code}' is no NPU code: they have five digits.")


def _no_domain(variable: ListedVariable) -> Iterator[Defect]:
    if not variable.codes:
        yield _defect("no domain", variable, "There is no outcome space: type, unit and range are unsaid.")


CHECKS: tuple[Callable[[ListedVariable], Iterable[Defect]], ...] = (
    _cut_name, _cut_codes, _repeated_codes, _date_with_codes, _own_name, _precision, _decimals, _npu, _no_domain,
)  # fmt: skip


def _row_shift(listed: VariableList) -> Iterator[Defect]:
    """A code that a line lacks, but the line above has beyond its own kind: the answers slid one line up."""
    for above, below in zip(listed.variables, listed.variables[1:], strict=False):
        if below.is_precision and not above.is_precision and below.codes:
            slid = [code for code in above.codes if code in PRECISION and code not in below.codes]
            if slid:
                sentence = f"The code {_quoted(slid)} stands with {above.name} in the line above."
                yield _defect("row shift", below, sentence)


def _spelling(listed: VariableList) -> Iterator[Defect]:
    """One concept in several spellings (`lig_med`, `Lig med`): the ones that are rarer in the list."""
    spellings: dict[str, Counter[str]] = {}
    for variable in listed.variables:
        for code in variable.codes:
            spellings.setdefault(concept(code), Counter())[code] += 1
    for variable in listed.variables:
        for code in (code for code in dict.fromkeys(variable.codes) if not _is_cut(variable, code)):
            usual = spellings[concept(code)].most_common(1)[0][0]
            if code != usual:
                yield _defect("spelling", variable, f"The code '{code}' is written '{usual}' elsewhere.")


def concept(code: str) -> str:
    """What a code says, whatever its letters, signs and Danish or ASCII spelling."""
    plain = SAME.get(code.casefold(), code.casefold())
    if re.search(r"\d", plain):  # .5 and 5 are two numbers
        return plain
    ascii_letters = plain.replace("æ", "ae").replace("ø", "oe").replace("å", "aa")
    return re.sub(r"[\W_]+", " ", ascii_letters).strip()


def _quoted(codes: Iterable[str]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


def _defect(kind: str, variable: ListedVariable, sentence: str) -> Defect:
    return Defect(kind, variable.row, variable.name, sentence)
