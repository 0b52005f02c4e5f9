"""What the tests of this room share: a small installation, and what was run in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from pipelines.orchestration.dev import environment
from pipelines.orchestration.installation import Installation
from pipelines.warehouse.key import make_key

ROOT = Path(__file__).parents[2]
REGIONS = ("nordjylland", "sjaelland")
DAY = "2026-09-30"
JOB = "continued_validation"


def installed(folder: Path, regions: tuple[str, ...] = REGIONS) -> Installation:
    """An installation with its own key whose inbox holds the sample's files of some regions."""
    for source in ("kip", "wsapi"):
        for region in regions:
            there = Path("inbox", "dhd", source, region)
            shutil.copytree(ROOT / "sample_data" / there, folder / "home" / there)
    installation = Installation(
        home=str(folder / "home"),
        expectations=str(ROOT / "expectations"),
        key_file=str(folder / "key"),
        reference_date="2026-10-31",  # runs are told another day
    )
    make_key(installation.project)
    return installation


def dagster_home(home: Path) -> Path:
    return Path(environment(home)["DAGSTER_HOME"])


@dataclass(frozen=True)
class Done:
    """What was run: the installation, its Dagster home, and the run over the whole database."""

    installation: Installation
    dagster_home: Path
    result: dg.ExecuteInProcessResult

    def metadata(self, asset: str) -> dict[str, dg.MetadataValue]:
        found = self.result.asset_materializations_for_node(asset)
        return found[0].metadata

    def check(self, name: str) -> dg.AssetCheckEvaluation:
        return next(e for e in self.result.get_asset_check_evaluations() if e.check_name == name)
