"""How codes and texts go wrong: recoded, truncated, prefixed, inverted, written otherwise, or one for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from pipelines.explain.cells import Cells, Suspicion
from pipelines.explain.numbers import constant_value
from pipelines.explain.slices import FEWEST_HITS, MOST
from pipelines.explain.trials import times_log
from pipelines.reconciliation.words import counted, gathered

SPARSE = 8  # numbers to one that is seen: more are not counted each
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
SHOWS = {"case": r"\p{L}", "blanks": r".", "leading_zeros": r"^0", "mojibake": r"[^\x00-\x7F]"}  # where it could show
MOJIBAKE = {
    letter.encode().decode(wrong): letter
    for letter in "æøåÆØÅéöäü"
    for wrong in ("latin-1", "cp1252")
    if wrong == "latin-1" or letter != "Å"
}


def code_suspicions(cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Every way in which the pairs of `focus` suggest that codes went wrong, the specific ones first."""
    seen = cells.seen(focus)
    if len(seen) < FEWEST_HITS:
        return
    yield from _exchanged(cells)
    shown = _moves(cells, seen)
    if cells.variable.type != "yes_no":
        yield from _forms(cells, shown)
        yield from _prefixes(cells, shown)
        yield from _truncated(cells, shown)
    yield from _constants(cells, shown)
    yield from _recodings(cells, focus, shown)


def _moves(cells: Cells, at: np.ndarray) -> pl.DataFrame:
    """reported, new, n: what was seen in the pairs `at` these places, the commonest first; of equals the first."""
    found, first, counts = _seen(_combined(cells, at))
    order = np.lexsort((first, -counts))
    reported, new = np.divmod(found[order], len(cells.words) + 1)
    return pl.DataFrame({
        "reported": cells.words.gather(reported), "new": cells.words.gather(new),
        "n": counts[order], "first": first[order],
    })  # fmt: skip


def _combined(cells: Cells, at: np.ndarray) -> np.ndarray:
    """One number for both texts."""
    return cells.codes["reported"][at].astype(np.int64) * (len(cells.words) + 1) + cells.codes["new"][at]


def _seen(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different numbers, where each stands first, and how often; small ones are counted rather than sorted."""
    if numbers.max(initial=0) > SPARSE * len(numbers):
        return np.unique(numbers, return_index=True, return_counts=True)
    counts, first = np.bincount(numbers), np.empty(numbers.max(initial=0) + 1, dtype=np.intp)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # the last that is set stays
    found = np.flatnonzero(counts)
    return found, first[found], counts[found]


def _most_common(moves: pl.DataFrame, by: str, most: int) -> list[tuple]:
    """The commonest values of a column and how often they were seen; of equals what was seen first."""
    counted = moves.group_by(by).agg(pl.col("n").sum(), pl.col("first").min())
    return counted.sort("n", "first", descending=[True, False]).head(most).select(by, "n").rows()


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


def _forms(cells: Cells, shown: pl.DataFrame) -> Iterator[Suspicion]:
    """The same text but for case, blanks, leading zeros or a wrong character set."""
    for which, form in FORMS.items():
        same = (form(shown["reported"]) == form(shown["new"])).fill_null(False)
        if shown.filter(same)["n"].sum() >= FEWEST_HITS / 2:
            yield _in_form(cells, which)


def _in_form(cells: Cells, which: str) -> Suspicion:
    _, form = np.unique(FORMS[which](cells.words).to_numpy(), return_inverse=True)
    shows = np.append(cells.words.str.contains(SHOWS[which]).to_numpy(), False)
    at = np.flatnonzero(cells.differing)
    reported, new = (cells.codes[side] for side in ("reported", "new"))
    hits, could = at[form[reported[at]] == form[new[at]]], cells.both
    if shows[reported[hits]].mean() >= MOST:  # else it is put on: zeros before what has none
        could = could & gathered(shows, reported)
    return cells.suspicion("text_form", {"which": which}, could, hits)


def _prefixes(cells: Cells, shown: pl.DataFrame) -> Iterator[Suspicion]:
    for change, longer, shorter in (("lost", "reported", "new"), ("added", "new", "reported")):
        length = pl.col(longer).str.len_chars() - pl.col(shorter).str.len_chars()
        front = shown.filter(pl.col(longer).str.ends_with(pl.col(shorter)), pl.col(shorter) != "")
        front = front.with_columns(prefix=pl.col(longer).str.slice(0, length))
        for prefix, n in _most_common(front, "prefix", 2):
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
    for level, n in _most_common(cut.with_columns(level=pl.col("new").str.len_chars()), "level", 3):
        if n >= FEWEST_HITS / 2 and level:
            yield cells.expecting("code_truncated", {"level": level}, lambda text, to=level: text.str.slice(0, to))


def _constants(cells: Cells, shown: pl.DataFrame) -> Iterator[Suspicion]:
    for value, n in _most_common(shown, "new", 2):
        if n >= max(FEWEST_HITS, 0.2 * shown["n"].sum()):
            yield constant_value(cells, value)


def _recodings(cells: Cells, focus: np.ndarray, shown: pl.DataFrame) -> Iterator[Suspicion]:
    """The whole mapping that the focus shows, and each of its most frequent single moves."""
    whole = mapping_in(cells, focus & cells.left)
    moves = shown.filter(pl.col("n") >= FEWEST_HITS).head(MOST_PAIRS).select("reported", "new").rows()
    for mapping in [whole, *({old: new} for old, new in moves)]:
        if mapping:
            yield recoding(cells, mapping)


def recoding(cells: Cells, mapping: Mapping[str, str]) -> Suspicion:
    """`mapping` is of moves that were seen to be discrepancies: which of all words they are of, and to which of the new
    ones each goes, has to be said; a prefix or a level says it for all. In free text some word is always mistyped."""
    mapping = cells.without_slips(mapping)
    said = times_log(len(mapping), len(mapping) * len(cells.words))
    return replace(cells.moving("code_recoded", {"mapping": dict(sorted(mapping.items()))}, mapping), said=said)


def mapping_in(cells: Cells, inside: np.ndarray) -> dict[str, str]:
    """Each reported code that mostly became one other code in the pairs of `inside`; what the specification accepts is
    no recoding."""
    filled = cells.codes["reported"][inside & cells.both]
    of = pl.DataFrame({"reported": cells.words, "of": counted(filled, len(cells.words))})
    moved = _moves(cells, np.flatnonzero(inside & cells.both & cells.is_outcome("differ")))
    mostly = moved.join(of, on="reported").filter(pl.col("n") >= MOST * pl.col("of"), pl.col("n") >= FEWEST_MAPPED)
    return dict(mostly.sort("reported", "new").select("reported", "new").rows())
