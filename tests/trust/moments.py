"""The named moments of a run, at any of which its process can be made to die: the beginning and end of each verb,
and before and after every commit, rename, seal, entry and file that is written between.

Production code knows nothing of them: its functions are wrapped here, in a process that is to die.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

from little_home import VERBS

from pipelines import audit
from pipelines.reports import packages, publish, workbook
from pipelines.warehouse import receiving
from pipelines.warehouse.database import Warehouse

# What is written, and where it is looked up; a moment lies before each, and behind those that make it final.
WATCHED = (
    (receiving, "write"), (publish, "write_frames"), (publish, "write_reconciliation"), (publish, "write_explanation"),
    (publish, "write_summary"), (packages, "write_workbooks"), (packages, "write_pages"), (packages, "write_receipts"),
    (publish, "seal"), (os, "fsync"), (shutil, "rmtree"),
)  # fmt: skip
FINAL = ((audit, "record"), (publish, "start_run"), (publish, "publish_folder"), (os, "replace"))
_replace = os.replace


class Moments:
    """What a process has passed; at the first moment that is called `last` it ends as by `kill -9`."""

    def __init__(self, last: str | None = None) -> None:
        self.last, self.verb, self.passed = last, "", list[str]()

    def reached(self, said: str) -> None:
        name = f"{self.verb}: {said}"
        if name == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed.append(name)

    def around(self, function: Callable[..., Any], final: bool) -> Callable[..., Any]:
        @wraps(function)
        def watched(*given: Any, **named: Any) -> Any:
            name = function.__name__ + (f" of {Path(given[1]).name}" if function is _replace else "")
            self.reached(f"before {name}")
            answer = function(*given, **named)
            if final:
                self.reached(f"after {name}")
            return answer

        return watched

    def verbs(self) -> Iterator[Callable[..., Any]]:
        for verb in VERBS:
            self.verb = verb.__name__
            yield self.around(verb, final=verb is VERBS[-1])

    def watch(self) -> None:
        """Wrap what is watched, for good: this process is to die."""
        for owner, name in (*WATCHED, *FINAL):
            setattr(owner, name, self.around(getattr(owner, name), (owner, name) in FINAL))
        commits(self)


def commits(moments: Moments) -> None:
    """The moments around the commits of the warehouse."""
    whole = Warehouse.transaction

    @contextmanager
    def transaction(warehouse: Warehouse) -> Iterator[None]:
        with whole(warehouse):
            yield
            moments.reached("before commit")
        moments.reached("after commit")

    Warehouse.transaction = transaction


def acknowledging(file: int) -> None:
    """Whatever this process has acknowledged stands in an open file: receipts taken in, runs published."""
    receive, publish_run = receiving.receive, publish.publish_run

    def received(*given: Any) -> Any:
        receipt = receive(*given)
        os.write(file, f"{receipt.receipt_id}\n".encode())
        return receipt

    def published(*given: Any) -> Path:
        target = publish_run(*given)
        os.write(file, f"{target.name}\n".encode())
        return target

    receiving.receive, publish.publish_run = received, published


def without_pages() -> AbstractContextManager:
    """Pages are empty while it lasts, in this process."""
    empty = lambda spec, folder, *rest: f"<p>{spec.title.da}</p>\n"  # noqa: E731
    return patch.multiple(packages, country_report=empty, region_report=empty)


def without_drawing() -> None:
    """Pages are written without their charts, and workbooks without their lock: both cost more than all else, and touch
    no file."""
    workbook.locked = lambda content, password: content
    without_pages().start()
