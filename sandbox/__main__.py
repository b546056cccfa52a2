"""`python -m sandbox`: the sandbox without the bot's command line; the folder of release files must be named."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sandbox.options import KEY_FILE, WORKLOAD_IDENTITY, SandboxOptions
from sandbox.supervisor import run


def main(arguments: list[str] | None = None) -> int:
    """Read the options and run the sandbox; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--releases", type=Path, required=True, help="folder of release files to offer")
    parser.add_argument("--auto-approve", action="store_true", help="a stand-in person clicks every approval")
    parser.add_argument("--exit", dest="leave", action="store_true", help="leave with 0 when upgraded, 1 otherwise")
    parser.add_argument("--speed", type=float, help="how fast the simulated clock runs")
    parser.add_argument("--port", type=int, default=0, help="the page's port; 0 takes a free one")
    parser.add_argument("--json", dest="as_json", action="store_true", help="print one line with all addresses")
    parser.add_argument("--state", type=Path, help="keep the state here")
    parser.add_argument("--no-bot", action="store_true", help="start everything but the bot")
    parser.add_argument("--http", action="store_true", help="signed requests instead of Socket Mode")
    parser.add_argument("--weather", action="append", default=[], help="what goes wrong; see sandbox/cluster/weather")
    choices = [KEY_FILE, WORKLOAD_IDENTITY]
    parser.add_argument("--credentials", choices=choices, default=KEY_FILE, help="the bot's way to Google's tokens")
    asked = vars(parser.parse_args(arguments))
    releases = asked.pop("releases")
    weather = tuple(asked.pop("weather"))
    return run(SandboxOptions(weather=weather, **asked), releases)


if __name__ == "__main__":
    sys.exit(main())
