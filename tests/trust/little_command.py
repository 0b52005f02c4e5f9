"""`sammenhold` on a little home, whose clock stands still and whose pages are not drawn: `little_command.py WORD …`."""

from __future__ import annotations

from pipelines.__main__ import ended_by_itself, loading

with loading():
    from little_home import run_of
    from moments import without_drawing

    from pipelines import cli

without_drawing()
cli.STEPS.pop("evidence")  # as in the runs that it is held against
cli.run_of = lambda project, database, day: run_of(project, day)
ended_by_itself(cli.main)
