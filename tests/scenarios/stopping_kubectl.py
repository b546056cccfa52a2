"""The stand-in kubectl, which stops at a call that is asked for, says who it and the guard are, and waits to be let go.

`python -I -S stopping_kubectl.py CALLS ARGUMENTS...`: in this form the sandbox's istioctl forks it, thirty times an
apply. Each call takes a number of its own in the folder CALLS; where there is no such folder, none is counted.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PAUSE = 0.02
ROOT = Path(__file__).parents[2]


def main(calls: Path, arguments: Sequence[str]) -> int:
    """Run one command of kubectl and return its exit code."""
    sys.path.append(str(ROOT))
    from sandbox.release.kubectl.program import main as run

    number = take_number(calls)
    stop(calls, number, "before")
    code = run(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    stop(calls, number, "after")
    return code


def take_number(calls: Path) -> int:
    """The number of this call among all, 0 where they are not counted."""
    try:
        number = 1 + sum(call.name.isdecimal() for call in calls.iterdir())
        while True:
            try:
                (calls / str(number)).mkdir()
            except FileExistsError:
                number += 1
            else:
                return number
    except FileNotFoundError:
        return 0


def stop(calls: Path, number: int, moment: str) -> None:
    """Stand still for as long as this is asked for."""
    asked = calls / f"stop-{number}-{moment}"
    if not asked.exists():
        return
    draft = calls / "at.new"
    draft.write_text(f"{os.getppid()} {os.getpid()}\n")
    draft.replace(calls / "at")
    while asked.exists():
        time.sleep(PAUSE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
