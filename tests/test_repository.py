"""What holds for the repository as a whole: commands, links, locks, import order, nothing of one machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text("utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text("utf-8")
LOCKS = ("requirements.lock", "requirements-setup.lock")
MOST_LINES = 400

# A folder of one machine, or where one organisation fetches its packages.
MACHINE = re.compile(r"(?<![\w.~$}])/(?:work|root|tmp|home|Users)\b(?!space)|[A-Z]:\\\\?Users")
# An installer is told where to look by such words; the lock itself may hold no address at all (see below).
REGISTRY = re.compile(r"(?:index|find)[-_](?:url|links)", re.IGNORECASE)
REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.\-\[\]]*)==\S+", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def committed() -> list[Path]:
    """Every text file that is or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY, capture_output=True, check=True,
    ).stdout.decode().split("\0")  # fmt: skip
    paths = [REPOSITORY / name for name in listed if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1000]]


def named(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """The files, other than this one, that hold what the pattern looks for."""
    others = (path for path in paths if path != Path(__file__))
    return [path.name for path in others if pattern.search(path.read_text("utf-8", errors="replace"))]


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile."""
    found = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n?)*)", MAKEFILE, re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


def on_windows(command: str) -> str:
    for ours, theirs in (("$(PYTHON)", "py -3.11"), ("$(BIN)/", ".venv\\Scripts\\"), ("$(VENV)", ".venv")):
        command = command.replace(ours, theirs)
    return command


def unlocked(lock: str) -> list[str]:
    """The requirements of a lock that have no hash."""
    starts = [*REQUIREMENT.finditer(lock)]
    ends = [start.start() for start in starts[1:]] + [len(lock)]
    return [s[1] for s, end in zip(starts, ends, strict=True) if "--hash=sha256:" not in lock[s.start() : end]]


def broken_links(path: Path) -> list[str]:
    """Relative links of a Markdown file that lead nowhere."""
    targets = [target.split("#")[0] for target in LINK.findall(path.read_text("utf-8")) if "://" not in target]
    return [target for target in targets if target and not (path.parent / target).exists()]


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_readme_names_the_two_commands_of_the_makefile(target: str) -> None:
    assert re.search(rf"^make {target}\b", README, re.MULTILINE)
    assert recipe(target)


def test_the_commands_for_windows_are_those_of_the_makefile() -> None:
    block = re.search(r"```bat\n(.*?)```", README, re.DOTALL)
    targets = ("$(INSTALLED)", "demo", "check", "test")
    ours = [on_windows(command) for target in targets for command in recipe(target) if not command.startswith("@")]
    assert len(ours) > 6
    assert block[1].splitlines() == ours


def test_nothing_committed_names_a_machine() -> None:
    assert MACHINE.search(f"see {Path.home().anchor}{'ro'}ot/x") and not MACHINE.search(
        "/workspace/ and docs/work/x ~/home"
    )
    assert named(MACHINE, committed()) == []


def test_nothing_committed_names_a_registry() -> None:
    assert REGISTRY.search("-".join(["--extra", "index", "url x"])) and not REGISTRY.search("a package registry")
    assert named(REGISTRY, committed()) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    lock = (REPOSITORY / name).read_text("utf-8")
    assert REQUIREMENT.search(lock)
    assert unlocked(lock) == []
    assert "://" not in lock and " @ " not in lock


def test_a_package_without_a_hash_is_seen() -> None:
    assert unlocked("a==1 \\\n    --hash=sha256:0\nb==2\nc==3 \\\n    --hash=sha256:1\n") == ["b"]


def test_rooms_import_in_one_direction() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_link_of_the_documents_leads_somewhere(tmp_path: Path) -> None:
    documents = [path for path in committed() if path.suffix == ".md"]
    assert {"README.md", "architecture.md", "results.md"} <= {path.name for path in documents}
    assert {path.name: found for path in documents if (found := broken_links(path))} == {}
    (tmp_path / "page.md").write_text("[a](b.md) [c](https://example.org) [d](#e)", "utf-8")
    assert broken_links(tmp_path / "page.md") == ["b.md"]


def test_the_changelog_tells_of_the_version() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)[0] == version


def test_no_file_of_the_package_is_long() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in (REPOSITORY / "pipelines").rglob("*.py")}
    assert [path.name for path, n in lengths.items() if n > MOST_LINES] == []


def test_ci_runs_the_readmes_command() -> None:
    script = REPOSITORY / ".ci" / "run"
    assert re.search(r"^make .*\btest\b", script.read_text("utf-8"), re.MULTILINE)
    assert script.stat().st_mode & 0o100 or sys.platform == "win32"
    assert recipe("test")[-1].startswith("$(BIN)/python -m pytest"), "pytest's closing line is the last one"
