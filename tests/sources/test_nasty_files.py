"""Malformed and hostile files: what is refused whole, and that every row of the others is accounted for."""

import json
from pathlib import Path

import pytest

from pipelines.sources.batch import Refused, is_plain_name
from pipelines.sources.kip import read_kip
from pipelines.spec.reading import read_source_schemas, read_spec

FOLDER = Path(__file__).parents[1] / "data" / "nasty"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
# What the KIP reader alone can tell; the rest of the corpus goes through the whole flow in tests/trust.
CASES = [
    case
    for case in MANIFEST["files"]
    if case["file"].endswith(".csv") and case["file"] != "x_all_rows_other_region.csv"
]


@pytest.mark.parametrize("case", CASES, ids=[case["file"].removeprefix("x_0101701234_") for case in CASES])
def test_each_file_is_treated_as_the_manifest_says(case):
    schemas = read_source_schemas(FOLDER, read_spec(FOLDER / "specification.yaml"))
    path = FOLDER / case["file"]
    if not is_plain_name(path.name):
        assert case["expect"] == "reject-file"
        return
    if case["expect"] == "reject-file":
        with pytest.raises(Refused):
            read_kip(path.read_bytes(), schemas)
    else:
        assert read_kip(path.read_bytes(), schemas).rows_in == int(case["rows_in"])
