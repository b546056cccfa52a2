"""PyYAML for the few runs that read or write YAML."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def find_yaml() -> Any:
    """Return the library, None where this Python has none."""
    with suppress(ImportError):
        return importlib.import_module("yaml")
    if not sys.flags.no_site:
        return None
    _find_packages()
    with suppress(ImportError):
        return importlib.import_module("yaml")
    return None


def _find_packages() -> None:
    """Do what Python left out at its start, for most runs need none of it."""
    import site

    site.main()
