"""Programs that fit in one file: a line for the shell, then the modules they are made of, compiled and zipped."""

from __future__ import annotations

import importlib.resources
import importlib.util
import io
import marshal
import shlex
import sys
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml

import sandbox

Tool = Literal["istioctl", "asmctl"]
ToolFault = Literal["", "missing", "crashing", "hanging", "nonsense"]

# The modules that the tools are made of; the package folders get an empty __init__.
FOLDERS = ("sandbox/cluster/mesh", "sandbox/release/kubectl", "sandbox/release/tools")
PACKAGES = ("sandbox", "sandbox/cluster", "sandbox/release", *FOLDERS)
ZIPPED_AT = (2020, 9, 29, 0, 0, 0)
# Of compiled code that is taken as it is, whatever its source, and of a form that depends on nothing else.
UNCHECKED = 1
PLAIN_FORM = 2
# Their whole life is too short to look for garbage in, which takes them a tenth of it.
WITHOUT_GARBAGE = "import gc; gc.disable()"
# And to take the interpreter down piece by piece, which nobody needs, takes as long as to ask the server.
END = "sys.stdout.flush(); sys.stderr.flush(); os._exit(code)"

FAULTS = {
    "crashing": "import sys\nsys.stderr.write('panic: runtime error: invalid memory address\\n')\nsys.exit(2)\n",
    "hanging": "import time\ntime.sleep(86400)\n",
    "nonsense": "import sys\nsys.stdout.write('\\x00\\x01 lorem ipsum \\xff\\n' * 50)\n",
}


def program(tool: Tool, version: str, python: str, *, fault: ToolFault = "", pace: float = 0.0) -> bytes:
    """Return an executable that runs `tool` of this version under `python`.

    A shell line starts it, for a #! line neither takes a path with a space nor one longer than 127 characters. Nothing
    is looked for elsewhere: it starts a dozen times an upgrade, and most runs take less time than `site` does.
    """
    started = f'#!/bin/sh\nexec {shlex.quote(python)} -I -S -B "$0" "$@"\n'.encode()
    return started + _zipped(_entry(tool, version, fault, pace))


def stand_in_kubectl(version: str = "1.18.20") -> str:
    """Return a shell script that starts the stand-in kubectl from where the sandbox is installed.

    It starts twenty times an apply, so nothing is looked for: the two folders that it may import from are written
    down (PyYAML stands in the second one, and is wanted only where a list isn't empty).
    """
    folders = [_find_root(), str(Path(yaml.__file__).parent.parent)]
    code = f"{WITHOUT_GARBAGE}; import os, sys; sys.path += {folders!r}; "
    code += f"from sandbox.release.kubectl.program import main; code = main(sys.argv[1:], {version!r}); {END}"
    started = shlex.join([sys.executable, "-I", "-S", "-c", code])
    return f'#!/bin/sh\nexec {started} "$@"\n'


def _find_root() -> str:
    return str(Path(sandbox.__file__).parent.parent)


def _entry(tool: Tool, version: str, fault: ToolFault, pace: float) -> str:
    if fault in FAULTS:
        return FAULTS[fault]
    lines = [WITHOUT_GARBAGE, "import os, sys", f"from sandbox.release.tools.{tool} import main"]
    arguments = f"{version!r}, pace={pace!r}" if tool == "istioctl" else repr(version)
    if tool == "istioctl":  # the kubectl that an apply forks
        lines.append("if 'apply' in sys.argv: import sandbox.release.kubectl.commands")
    return "\n".join([*lines, f"code = main({arguments})", END, ""])


def _zipped(entry: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", ZIPPED_AT), entry)
        for package in PACKAGES:
            archive.writestr(zipfile.ZipInfo(f"{package}/__init__.py", ZIPPED_AT), "")
        for path, source in _sources():
            archive.writestr(zipfile.ZipInfo(f"{path}c", ZIPPED_AT), _compile(f"{_find_root()}/{path}", source))
    return packed.getvalue()


@lru_cache(maxsize=100)
def _compile(path: str, source: str) -> bytes:
    """Return the module as this Python loads it, which is the one that the program names."""
    code = marshal.dumps(compile(source, path, "exec", dont_inherit=True), PLAIN_FORM)
    head = importlib.util.MAGIC_NUMBER + UNCHECKED.to_bytes(4, "little") + importlib.util.source_hash(source.encode())
    return head + code


def _sources() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        package = importlib.resources.files(folder.replace("/", "."))
        for module in sorted(package.iterdir(), key=lambda entry: entry.name):
            if module.name.endswith(".py") and module.name != "__init__.py":
                yield f"{folder}/{module.name}", module.read_text(encoding="utf-8")
