"""The command `sammenhold` says a sentence also where something else ends the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.processes import is_idle
from pipelines.redaction import INTERRUPTED
from pipelines.supervisor import LEAST, OWN, without_a_word

SUPERVISED = (
    "import sys; from pipelines.supervisor import supervised; sys.exit(supervised(sys.argv[2:], float(sys.argv[1])))"
)
PERSON = "0101701234"
NOT_ENOUGH = "sammenhold: The memory was not enough, or something else ended the command"
on_unix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and no such limits")


LONG, SHORT = "600", "2"  # seconds of patience


def begun(program: str, patience: str = LONG) -> subprocess.Popen[str]:
    """A program in the place of the command line."""
    words = [sys.executable, "-c", SUPERVISED, patience, sys.executable, "-c", program]
    first = as_in_a_terminal if os.name != "nt" else None
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=first)


def as_in_a_terminal() -> None:
    """Whoever runs the tests may have signals ignored, as nohup and shells do for what runs behind."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def ended(command: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = command.communicate()
    return command.returncode, out, err


@pytest.mark.parametrize("code", [0, 1, 2])
def test_what_the_command_line_has_said_stands(code: int) -> None:
    program = f"import sys; print('answer'); sys.stderr.write('said'); sys.exit({OWN + code})"
    assert ended(begun(program)) == (code, "answer\n", "said")


@on_unix
@pytest.mark.parametrize("name", ["SIGKILL", "SIGABRT", "SIGSEGV", "SIGBUS"])
def test_an_end_by_the_system_or_by_a_library_is_told(name: str) -> None:
    code, out, err = ended(begun(f"import os, signal; os.kill(os.getpid(), signal.{name})"))
    assert (code, out) == (2, "")
    assert err.startswith(f"{NOT_ENOUGH} ({name}): nothing half-written was published;") and err.count("\n") == 1


@pytest.mark.parametrize("code", [0, 1, 3, 120])
def test_an_exit_that_is_not_the_command_lines_own_is_told(code: int) -> None:
    """OpenBLAS ends the process with exit code 1 where it is refused memory; Windows ends one by codes above 255."""
    told, _, err = ended(begun(f"import os; os._exit({code})"))
    assert told == 2 and err.startswith(f"{NOT_ENOUGH} (exit code {code})")
    assert "(exit code 3221225477)" in without_a_word(0xC0000005)
    assert without_a_word(0xC000013A) == INTERRUPTED


@on_unix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_who_asks_the_command_to_stop_stops_all_that_it_started(name: str, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    waits = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
    command = begun(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waits!r}])")
    while not note.exists() or not note.read_text():
        time.sleep(0.01)
    command.send_signal(getattr(signal, name))
    _, err = command.communicate(timeout=30)  # the pipes close when all that holds them has ended
    assert command.returncode == 2 and err.endswith(f"sammenhold: {INTERRUPTED}\n")


WAITS = "import threading; threading.Event().wait(60)"
WAITS_FOR_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAITS!r}])"


@pytest.mark.parametrize("program", [WAITS, WAITS_FOR_CHILD], ids=["itself", "with what it started"])
def test_a_command_that_does_nothing_is_ended(program: str) -> None:
    code, _, err = ended(begun(program, SHORT))  # the pipes close when all that holds them has ended
    assert code == 2 and err.startswith("sammenhold: The memory was not enough, or something else held the command up")


@pytest.mark.parametrize(
    ("before", "now", "idle"),
    [
        ((1.0, 5), (1.4, 5), True),  # a spinner's work in ten seconds
        ((1.0, 5), (1.6, 5), False),
        ((1.0, 5), (1.0, 6), False),  # on the disk
        ((1.0, 5), (0.2, 4), False),  # a part of it has ended
        (None, (1.0, 5), False),  # not known
        ((1.0, 5), None, False),
    ],
)
def test_idle_is_hardly_any_processor_and_no_disk(before, now, idle: bool) -> None:
    assert is_idle(before, now, 10.0) == idle


WORKS = "import time; end = time.monotonic() + 3\nwhile time.monotonic() < end: sum(range(10_000))\n"
BY_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORKS!r}])\n"


@pytest.mark.parametrize("program", [WORKS, BY_CHILD], ids=["itself", "by a process that it started"])
def test_a_command_that_works_is_left_to_it(program: str) -> None:
    assert ended(begun(f"{program}import sys; sys.exit({OWN})", SHORT)) == (0, "", "")


@on_unix
def test_less_than_loading_takes_is_told_at_once() -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, [{LEAST['RLIMIT_DATA'] - 1}] * 2)\n"
    command = [sys.executable, "-c", limited + SUPERVISED, LONG, "no such program"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("sammenhold: The memory was not enough, since a limit is set")


@on_unix
def test_a_process_that_may_not_be_started_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", SUPERVISED, LONG, "/no/such/program"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("sammenhold: The memory was not enough, or no process may be started (")


def test_the_command_as_it_is_called(tmp_path: Path) -> None:
    """A module of the folder one stands in is not taken for a library."""
    (tmp_path / "typer.py").write_text("raise SystemExit(0)")
    words = [sys.executable, "-P", "-m", "pipelines.supervisor", "gate", "--database", "nix"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sammenhold: There is no specification of 'nix'") and done.stderr.count("\n") == 1


LIBRARIES = """
import os, sys
from pipelines.__main__ import ended_by_itself, loading
with loading():
    LOADING
def work():
    os.write(2, b"thread panicked at the row of PERSON")
    sys.stderr.write("said")
    sys.exit(1)
ended_by_itself(work)
""".replace("PERSON", PERSON)


@pytest.mark.parametrize(
    "through",
    [
        "import warnings; warnings.warn('the row of PERSON')",
        "import logging; logging.getLogger('library').error('the row of PERSON')",
        "import threading; thread = threading.Thread(target=int, args=('xPERSON',)); thread.start(); thread.join()",
        "print('the row of PERSON', file=sys.stderr)",
    ],
)
def test_what_libraries_write_through_python_names_no_person(through: str) -> None:
    program = LIBRARIES.replace("LOADING", "pass").replace(
        'sys.stderr.write("said")', through.replace("PERSON", PERSON)
    )
    code, _, err = ended(begun(program))
    assert code == 1 and "(udeladt)" in err and PERSON not in err


def test_a_terminal_that_is_closed_costs_no_answer() -> None:
    words = [sys.executable, "-c", SUPERVISED, LONG, sys.executable, "-m", "pipelines", "--help"]
    done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *words], capture_output=True, text=True)
    assert done.returncode == 0 and "Usage: sammenhold" in done.stdout


def test_ctrl_c_while_libraries_are_loaded() -> None:
    assert ended(begun(LIBRARIES.replace("LOADING", "raise KeyboardInterrupt"))) == (
        2,
        "",
        f"sammenhold: {INTERRUPTED}\n",
    )


def test_what_libraries_write_past_python_goes_nowhere() -> None:
    assert ended(begun(LIBRARIES.replace("LOADING", "os.write(2, b'loading')"))) == (1, "", "said")


@pytest.mark.parametrize("fails", ["raise MemoryError", "import no_such_library", "raise SystemError('0101701234')"])
def test_what_cannot_be_loaded_is_told(fails: str) -> None:
    code, out, err = ended(begun(LIBRARIES.replace("LOADING", fails)))
    assert (code, out) == (2, "") and PERSON not in err and err.count("\n") == 1
    assert err.startswith("sammenhold: The memory was not enough, or no library could be loaded (")
