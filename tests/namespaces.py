"""Programs as the first process of a namespace, as in a container."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NoReturn, TypeAlias

import pytest

from tests.skips import NO_NAMESPACE

# What stands before a command to run it as process 1.
Apart: TypeAlias = tuple[str, ...]
APART = ("unshare", "--fork", "--pid", "--mount-proc", "--kill-child")
# A folder on a volume from which nothing may be started; what follows is the folder and the command.
NOEXEC = ("sh", "-c", 'mount -t tmpfs -o noexec tmpfs "$0" && exec "$@"')

# A folder on a volume of 64 MB; what follows is the same.
SMALL = ("sh", "-c", 'mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"')

OWN_USER = ("--user", "--map-root-user")
# From sched.h, sys/mount.h and sys/prctl.h.
NEW_MOUNTS, NEW_USER, NEW_PIDS = 0x00020000, 0x10000000, 0x20000000
PRIVATE, NO_PROGRAMS = 0x4000 | 0x40000, 0x2 | 0x4 | 0x8
END_WITH_PARENT = 1


def find_way_apart() -> Apart:
    """How a program is made the first process here; skips the test where that is not allowed."""
    if shutil.which("unshare"):
        for own in ((), OWN_USER):
            command = (*APART, *own)
            if subprocess.run([*command, "true"], check=False, capture_output=True, timeout=30).returncode == 0:
                return command
    pytest.skip(NO_NAMESPACE)


def go_on_apart(apart: Apart) -> None:
    """Return in a child alone that is the first process of a namespace, as `unshare` starts a command.

    This process waits for it and ends as it does; it ends with this process.
    """
    libc, own = ctypes.CDLL(None, use_errno=True), OWN_USER[0] in apart
    maps = {"setgroups": "deny", "uid_map": f"0 {os.getuid()} 1", "gid_map": f"0 {os.getgid()} 1"} if own else {}
    check(libc.unshare(NEW_MOUNTS | NEW_PIDS | (NEW_USER if own else 0)))
    for name, line in maps.items():
        Path("/proc/self", name).write_text(line)
    if child := os.fork():
        end_as(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    check(libc.prctl(END_WITH_PARENT, signal.SIGKILL, 0, 0, 0))
    check(libc.mount(b"none", b"/", None, ctypes.c_ulong(PRIVATE), None))
    check(libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(NO_PROGRAMS), None))


def check(result: int) -> None:
    """Raises OSError where a call failed."""
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def end_as(code: int) -> NoReturn:
    """End with this exit code, or by the signal that a negative one names."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
