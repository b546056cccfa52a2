"""Programs as the first process of a namespace, as in a container."""

from __future__ import annotations

import shutil
import subprocess
from typing import TypeAlias

import pytest

from tests.skips import NO_NAMESPACE

# What stands before a command to run it as process 1.
Apart: TypeAlias = tuple[str, ...]
APART = ("unshare", "--fork", "--pid", "--mount-proc", "--kill-child")
# A folder on a volume from which nothing may be started; what follows is the folder and the command.
NOEXEC = ("sh", "-c", 'mount -t tmpfs -o noexec tmpfs "$0" && exec "$@"')

# A folder on a volume of 64 MB; what follows is the same.
SMALL = ("sh", "-c", 'mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"')


def find_way_apart() -> Apart:
    """How a program is made the first process here; skips the test where that is not allowed."""
    if shutil.which("unshare"):
        for own in ((), ("--user", "--map-root-user")):
            command = (*APART, *own)
            if subprocess.run([*command, "true"], check=False, capture_output=True, timeout=30).returncode == 0:
                return command
    pytest.skip(NO_NAMESPACE)
