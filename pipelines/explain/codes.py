"""How codes and texts go wrong: recoded, truncated, prefixed, inverted, written otherwise, or one for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from pipelines.explain.evidence import Cells, Suspicion
from pipelines.explain.numbers import constant_value
from pipelines.explain.slices import FEWEST_HITS, MOST

FEWEST_MAPPED = 3  # rows that show one more recoded code inside a slice that is recoded already
MOST_PAIRS = 12  # single recodings that are asked about in one focus
LONGEST_PREFIX = 3
SIDES = ({"højre": "venstre"}, {"right": "left"}, {"h": "v"}, {"r": "l"}, {"dxt": "sin"}, {"dex": "sin"})
FORMS = {
    "case": lambda text: text.str.to_lowercase(),
    "blanks": lambda text: text.str.replace_all(r"\s+", ""),
    "leading_zeros": lambda text: text.str.strip_chars_start("0"),
    "mojibake": lambda text: text.str.replace_many(MOJIBAKE),
}
MOJIBAKE = {
    letter.encode().decode(wrong): letter
    for letter in "æøåÆØÅéöäü"
    for wrong in ("latin-1", "cp1252")
    if wrong == "latin-1" or letter != "Å"
}


def code_suspicions(cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Every way in which the pairs of `focus` suggest that codes went wrong, the specific ones first."""
    seen = focus & cells.differing
    if np.count_nonzero(seen) < FEWEST_HITS:
        return
    yield from _exchanged(cells)
    shown = cells.frame.filter(pl.Series(seen)).select(reported=f"{cells.name}_reported", new=f"{cells.name}_new")
    if cells.variable.type != "yes_no":
        yield from _forms(cells, shown)
        yield from _prefixes(cells, shown)
        yield from _truncated(cells, shown)
    yield from _constants(cells, shown)
    yield from _recodings(cells, focus, shown)


def _exchanged(cells: Cells) -> Iterator[Suspicion]:
    if cells.variable.type == "yes_no":
        yield _mapped(cells, "inverted", {}, {"yes": "no", "no": "yes"})
    elif mapping := _sides(cells.variable.domain):
        yield _mapped(cells, "side_swapped", {}, mapping)


def _sides(domain: Mapping[str, str]) -> dict[str, str]:
    """The codes of left and right, by their texts or by the codes themselves."""
    for words in SIDES:
        for one, other in words.items():
            codes = [c for word in (one, other) for c, text in domain.items() if _means(word, c, text)]
            if len(codes) == 2:
                return {codes[0]: codes[1], codes[1]: codes[0]}
    return {}


def _means(side: str, code: str, text: str) -> bool:
    """The code itself, its text, or a text that begins with a whole word of it (højresidig)."""
    return side in (text.lower(), code.lower()) or (len(side) > 2 and text.lower().startswith(side))


def _mapped(cells: Cells, kind: str, parameters: dict, mapping: Mapping[str, str]) -> Suspicion:
    """Eligible is who had a code that the mapping moves to one that counts as another."""
    return cells.expecting(
        kind, parameters, lambda text: text.replace_strict(mapping, default=None, return_dtype=pl.String)
    )


def _same(one: pl.Series, other: pl.Series) -> np.ndarray:
    return (one == other).fill_null(False).to_numpy()


def _forms(cells: Cells, shown: pl.DataFrame) -> Iterator[Suspicion]:
    """The same text but for case, blanks, leading zeros or a wrong character set."""
    for which, form in FORMS.items():
        if _same(form(shown["reported"]), form(shown["new"])).sum() >= FEWEST_HITS / 2:
            hits = cells.differing & _same(form(cells.reported), form(cells.new))
            yield cells.suspicion("text_form", {"which": which}, cells.both & _could_show(cells, which), hits)


def _could_show(cells: Cells, which: str) -> np.ndarray:
    letters = {"case": r"\p{L}", "blanks": r".", "leading_zeros": r"^0", "mojibake": r"[^\x00-\x7F]"}
    both = (cells.reported.str.contains(letters[which]), cells.new.str.contains(letters[which]))
    return (both[0].fill_null(False) | both[1].fill_null(False)).to_numpy()


def _prefixes(cells: Cells, shown: pl.DataFrame) -> Iterator[Suspicion]:
    for change, longer, shorter in (("lost", "reported", "new"), ("added", "new", "reported")):
        front = shown.filter(pl.col(longer).str.ends_with(pl.col(shorter)), pl.col(shorter) != "").select(
            prefix=pl.col(longer).str.slice(0, pl.col(longer).str.len_chars() - pl.col(shorter).str.len_chars())
        )["prefix"]
        for prefix, n in Counter(front).most_common(2):
            if n >= FEWEST_HITS / 2 and 0 < len(prefix) <= LONGEST_PREFIX:
                yield _prefixed(cells, prefix, change)


def _prefixed(cells: Cells, prefix: str, change: str) -> Suspicion:
    parameters = {"prefix": prefix, "change": change}
    if change == "added":
        return cells.expecting("code_prefix", parameters, lambda text: prefix + text)
    return cells.expecting("code_prefix", parameters, lambda text: _without(text, prefix))


def _without(text: pl.Series, prefix: str) -> pl.Series:
    """Null where it does not begin so."""
    return pl.select(pl.when(text.str.starts_with(prefix)).then(text.str.strip_prefix(prefix))).to_series()


def _truncated(cells: Cells, shown: pl.DataFrame) -> Iterator[Suspicion]:
    cut = shown.filter(pl.col("reported").str.starts_with(pl.col("new")), pl.col("reported") != pl.col("new"))
    for level, n in Counter(cut["new"].str.len_chars()).most_common(3):
        if n >= FEWEST_HITS / 2 and level:
            yield cells.expecting("code_truncated", {"level": level}, lambda text, to=level: text.str.slice(0, to))


def _constants(cells: Cells, shown: pl.DataFrame) -> Iterator[Suspicion]:
    for value, n in Counter(shown["new"]).most_common(2):
        if n >= max(FEWEST_HITS, 0.2 * len(shown)):
            yield constant_value(cells, value)


def _recodings(cells: Cells, focus: np.ndarray, shown: pl.DataFrame) -> Iterator[Suspicion]:
    """The whole mapping that the focus shows, and each of its most frequent single moves."""
    whole = mapping_in(cells, focus & cells.left)
    moves = Counter(shown.rows()).most_common(MOST_PAIRS)
    for mapping in [whole, *({old: new} for (old, new), n in moves if n >= FEWEST_HITS)]:
        if mapping:
            yield recoding(cells, mapping)


def recoding(cells: Cells, mapping: Mapping[str, str]) -> Suspicion:
    return _mapped(cells, "code_recoded", {"mapping": dict(sorted(mapping.items()))}, mapping)


def mapping_in(cells: Cells, inside: np.ndarray) -> dict[str, str]:
    """Each reported code that mostly became one other code in the pairs of `inside`."""
    name = cells.name
    shares = (
        cells.frame.filter(pl.Series(inside & cells.both))
        .group_by(reported=f"{name}_reported", new=f"{name}_new", outcome=f"{name}_outcome").len()
        .with_columns(share=pl.col("len") / pl.col("len").sum().over("reported"))
        .filter((pl.col("share") >= MOST) & (pl.col("len") >= FEWEST_MAPPED))
        .filter(pl.col("outcome") == "differ")  # what the specification accepts is no recoding
        .sort("reported", "new")
    )  # fmt: skip
    return dict(shares.select("reported", "new").rows())
