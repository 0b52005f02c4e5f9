"""The values of very many pairs are looked at by two processes.

Variables of one class may stand exchanged, those of different classes tell nothing of one another. So what the values
of a class tell may be found out in any order and anywhere: here, or by a helper, a process that is given them to look
at. What it does not answer, for whatever reason, is looked at here.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from subprocess import DEVNULL, PIPE, Popen
from threading import Thread
from typing import Any, BinaryIO

from pipelines.explain.cause import Cause
from pipelines.explain.evidence import Pairs
from pipelines.explain.exchanges import class_of
from pipelines.explain.values import value_causes
from pipelines.spec.model import DatabaseSpec

MANY = 200_000  # pairs: it takes a second until a helper has begun, and is given what to look at
HELPER = (sys.executable, "-P", "-m", "pipelines.explain.elsewhere")
# Its steps are too small for threads of their own; memory in large pages is touched, and found again, far faster.
SURROUNDINGS = {"POLARS_MAX_THREADS": "1", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
PIPE_BYTES = 1 << 20
Names = tuple[str, ...]
Told = dict[str, list[Cause]]  # by variable
Question = tuple[Pairs, Names]


class Values:
    """The values of all pairs: which classes of variables nobody looks at yet, and what the others told."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self._classes = by_class(pairs.spec)
        self._left = deque(self._classes)
        self._told: Told = {}
        self._asked = 0  # suspicions, by the helper
        self._helping: Thread | None = None

    def causes(self) -> list[Cause]:
        """Of all variables, in their order; looked at here are the largest classes, and what the helper leaves."""
        self._look()
        self.wait()
        self._left.extend(names for names in self._classes if not self._told.keys() >= {*names})
        self._look()
        self._pairs.asked += self._asked
        return [cause for name in self._pairs.spec.compared for cause in self._told[name]]

    def _look(self) -> None:
        for names in _each(self._left.popleft):
            self._told.update(told_of(self._pairs, names))

    def help_by(self, helper: Popen[bytes]) -> None:
        """From now on the helper looks at the smallest classes that are left, one after the other. The first one is
        made ready at once: until then the helper has nothing to do."""
        with suppress(Exception):  # no thread or no memory to be had: what nobody told is looked at here
            first = self._question()
            helping = Thread(target=self._ask, args=(helper.stdin, helper.stdout, first), daemon=True)
            helping.start()
            self._helping = helping

    def wait(self) -> None:
        """Until the helper looks at nothing any more."""
        if self._helping:
            self._helping.join()

    def _ask(self, questions: BinaryIO, answers: BinaryIO, question: Question | None) -> None:
        with suppress(Exception):  # whatever it was: what nobody told is looked at here
            while question:
                _send(question, questions)
                question = self._question()  # the next one is ready when the helper is
                told, asked = pickle.load(answers)
                self._told.update(told)
                self._asked += asked

    def _question(self) -> Question | None:
        """What is asked next, if anything is left."""
        return next(((self._pairs.part(names), names) for names in _each(self._left.pop)), None)


@contextmanager
def helped(pairs: Pairs) -> Iterator[Values]:
    """The values; where pairs are many, a helper looks at them already."""
    values = Values(pairs)
    helper = _begun() if len(pairs) >= MANY else None
    if helper is None:
        yield values
        return
    try:
        values.help_by(helper)
        yield values
    finally:
        helper.kill()
        values.wait()
        helper.communicate()


def _begun() -> Popen[bytes] | None:
    with suppress(OSError):  # no process to be had
        around = os.environ | SURROUNDINGS
        return Popen(HELPER, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=around, pipesize=PIPE_BYTES)
    return None


def by_class(spec: DatabaseSpec) -> list[Names]:
    """The compared variables that may stand exchanged, the largest class first; those alone in theirs together."""
    classes: dict[str, Names] = {}
    for name, variable in spec.compared.items():
        classes[class_of(variable)] = (*classes.get(class_of(variable), ()), name)
    alone = tuple(names[0] for names in classes.values() if len(names) == 1)
    several = sorted((names for names in classes.values() if len(names) > 1), key=len, reverse=True)
    return [*several, alone] if alone else several


def told_of(pairs: Pairs, names: Names) -> Told:
    """What the values of some variables tell."""
    return {name: [*value_causes(pairs, name)] for name in names}


def _each(taken: Callable[[], Names]) -> Iterator[Names]:
    """One after the other, until none is left."""
    while True:
        try:
            names = taken()
        except IndexError:
            return
        yield names


def _send(said: Any, to: BinaryIO) -> None:
    pickle.dump(said, to, pickle.HIGHEST_PROTOCOL)
    to.flush()


def main() -> None:
    """The helper: answer what values tell, until nobody asks any more."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        while True:
            pairs, names = pickle.load(questions)
            _send((told_of(pairs, names), pairs.asked), answers)


if __name__ == "__main__":
    main()
