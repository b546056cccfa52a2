from __future__ import annotations

import subprocess
import sys

HEAVY = ("kubernetes", "google.cloud", "google.auth", "httpx", "requests", "cryptography", "urllib3")
# Subclass classes of google-auth and requests, so they are imported where Google is called and nowhere else.
LATE = ("bot.gateways.google.token_source", "bot.gateways.google.bounded_answers")
SCRIPT = f"""
import importlib, pkgutil, sys
import bot.gateways
for module in pkgutil.walk_packages(bot.gateways.__path__, "bot.gateways."):
    if module.name not in {LATE!r}:
        importlib.import_module(module.name)
print(*sorted(name for name in {HEAVY!r} if name in sys.modules))
"""


def test_the_gateways_load_no_client_before_it_is_needed() -> None:
    """A command that only asks for help pays for none of them."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == ""
