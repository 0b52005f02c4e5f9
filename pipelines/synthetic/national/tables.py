"""The columns of every register table, so that rows of courses and rows made in bulk stand in one file."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from pathlib import PurePath

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.synthetic.events import Event
from pipelines.synthetic.register_files import LAYOUTS_A, LAYOUTS_F

MOMENT, DAY, NUMBER = pa.timestamp("us"), pa.date32(), pa.float64()
KINDS = {  # of the columns that are no text
    **dict.fromkeys(("kont_starttidspunkt", "kont_sluttidspunkt", "kont_indb_tidspunkt", "proc_starttidspunkt",
                     "proc_sluttidspunkt", "proc_indb_tidspunkt", "res_udfoert_tidspunkt"), MOMENT),
    **dict.fromkeys(("foed_dato", "doeds_dato", "udrejse_dato", "d_dodsdato", "dato_start", "dato_slut",
                     "dato_resultat", "samplingdate", "eksd"), DAY),
    **dict.fromkeys(("apk", "volume", "res_vaerdi_tal"), NUMBER),
}  # fmt: skip
OF_PERSONS = {
    "cpr_person": ("pnr", "foed_dato", "koen", "kom", "udrejse_dato", "doeds_dato"),
    "cpr_skift": ("gammelt_pnr", "gaeldende_pnr"),
    "t_dodsaarsag_2": ("k_cpr", "d_dodsdato", "c_dodtilgrundl_acme"),
    "lpr_a_procregistrering_aflys": ("dw_ek_procedureregistrering",),
}
IN_BULK_ONLY = {
    "lpr_a_kontakt": ("kont_indb_tidspunkt",), "lpr_a_procregistrering": ("proc_indb_tidspunkt",),
    "lab_forsker": ("unit",), "lmdb": ("volume", "vnr"),
}  # fmt: skip


@lru_cache(maxsize=64)
def schema_of(path: str) -> pa.Schema:
    """The columns of the table in the file of this path, which its name begins with."""
    table = PurePath(path).name.rpartition("_")[0]
    columns = OF_PERSONS.get(table) or (*_of_events()[table], *IN_BULK_ONLY.get(table, ()))
    return pa.schema([(name, KINDS.get(name, pa.string())) for name in columns])


@lru_cache(maxsize=1)
def _of_events() -> dict[str, tuple[str, ...]]:
    """The columns in which events are told, by table."""
    event = Event("contact", "", dt.datetime(2000, 1, 1), "")
    layouts = [*LAYOUTS_A.values(), *LAYOUTS_F.values()]
    return {path.rpartition("/")[2]: tuple(row_of(event)) for path, row_of in layouts}


def together(path: str, tables: list[pa.Table]) -> pa.Table:
    """Rows of one file, however they were made, in its columns; a column that some do not have is empty there."""
    schema = schema_of(path)
    return pa.concat_tables([_in_columns(table, schema) for table in tables])


def _in_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if strange := set(table.column_names) - set(schema.names):
        raise KeyError(f"{min(strange)} is no column of this file")
    columns = [
        pc.cast(table[field.name], field.type, safe=False)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
