"""READ FIRST: the inbox of a whole country, written district by district in bounded memory."""

from __future__ import annotations

import multiprocessing
import shutil
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.project import InputError
from pipelines.synthetic.national.district import District, district
from pipelines.synthetic.national.setting import Setting
from pipelines.synthetic.national.tables import together
from pipelines.synthetic.wsapi_files import BETWEEN, END


@dataclass
class Inbox:
    """A folder that grows by one block of districts after another. `counts`: what has been written, by what it is."""

    out: Path
    stack: ExitStack
    writers: dict[str, pq.ParquetWriter] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    counts: Counter = field(default_factory=Counter)

    def add(self, block: Block) -> None:
        """One block's part of every file."""
        for path, rows in block.tables.items():
            self._rows(path, rows)
        for one in block.districts:
            for path, form in one.forms.items():
                self._append(path, form if path not in self.begun else form.partition(b"\n")[2])
            for path, (begin, records) in one.submissions.items():
                self._append(path, (begin if path not in self.begun else BETWEEN) + BETWEEN.join(records))
            for path, report in one.reports.items():
                self._append(path, report)
            for name, counts in one.counts.items():
                self.counts.update({f"{name}.{what}": n for what, n in counts.items()})
        self.counts["reports"] += sum(len(one.reports) for one in block.districts)

    def close(self) -> None:
        """Submissions get their end."""
        for path in self.begun:
            if path.endswith(".json") and not path.startswith("registers/"):
                self._append(path, END)

    def _rows(self, path: str, rows: pa.Table) -> None:
        if path not in self.writers:
            (self.out / path).parent.mkdir(parents=True, exist_ok=True)
            self.writers[path] = self.stack.enter_context(
                pq.ParquetWriter(self.out / path, rows.schema, compression="zstd")
            )
        self.writers[path].write_table(rows, row_group_size=max(1, rows.num_rows))
        self.counts[Path(path).name.rpartition("_")[0]] += rows.num_rows

    def _append(self, path: str, content: bytes) -> None:
        (self.out / path).parent.mkdir(parents=True, exist_ok=True)
        with (self.out / path).open("ab") as file:
            file.write(content)
        self.begun.add(path)


@dataclass(frozen=True)
class Block:
    """Some districts that follow each other: their register rows together, the rest of each."""

    tables: dict[str, pa.Table]
    districts: tuple[District, ...]


def block(setting: Setting, low: int, high: int) -> Block:
    """The districts from `low` up to `high`."""
    made = [district(setting, number) for number in range(low, high)]
    paths = sorted({path for one in made for path in one.tables})
    tables = {path: together(path, [rows for one in made for rows in one.tables.get(path, ())]) for path in paths}
    return Block(tables, tuple(one.without_tables() for one in made))


def whole_country(setting: Setting, out: Path, *, districts_a_block: int = 1, processes: int = 1) -> dict[str, int]:
    """Write forms, submissions, municipal reports and registers of every database: `out/<database>/<source>/<region>/…`
    and `out/registers/<register>/national/…`. Returns how many courses, forms and rows there are.

    Blocks are made in so many processes at once, and written in the order of the districts; neither changes a row.
    The folder is there once all is written. Raises InputError where it holds files already.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} holds files already: name an empty folder, so that nothing is mixed.")
    building = out.with_name(f".{out.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    try:
        with ExitStack() as stack:
            inbox = Inbox(building, stack)
            for made in _blocks(setting, districts_a_block, processes):
                inbox.add(made)
            inbox.close()
        out.parent.mkdir(parents=True, exist_ok=True)
        building.replace(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return dict(sorted(inbox.counts.items()))


def _blocks(setting: Setting, size: int, processes: int) -> Iterator[Block]:
    """Every block in order; no more of them are under way than there are processes."""
    bounds = [(low, min(low + size, setting.districts)) for low in range(0, setting.districts, size)]
    if processes == 1:
        yield from (block(setting, *one) for one in bounds)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        waiting: deque = deque()
        for one in bounds:
            waiting.append(pool.submit(block, setting, *one))
            if len(waiting) > processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
