"""`asm-upgrade doctor`: the settings, the doctor over them, and its lines as they are made."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

from bot.app.checks.doctor import Doctor, describe_check, write_checks
from bot.app.log import keep_quiet
from bot.app.way_out import take_way_out
from bot.app.wiring import build_outside, build_ports_for, read_known_releases
from bot.gateways.programs.places import check_memory, read_memory
from bot.likeness import suggest
from bot.settings.environment import ConfigError, read_settings
from steps.contract.checks import Check


def run_doctor(cluster: str, say: Callable[[str], None], *, post: bool, as_json: bool) -> int:
    """Say each check as it is made; the exit code. Raises ConfigError where the settings are wrong."""
    with keep_quiet():
        made: list[Check] = []
        doctor = _open_doctor(cluster, post=post)
        memory = check_memory(doctor.settings.programs, read_memory())
        for check in itertools.chain([memory], doctor.examine(cluster)):
            made.append(check)
            if not as_json:
                say(describe_check(check))
        if as_json:
            say(write_checks(made))
    return int(any(check.severity == "error" for check in made))


def _open_doctor(cluster: str, *, post: bool) -> Doctor:
    settings = read_settings()
    take_way_out(settings.way_out, settings.state, os.environ)
    if cluster and cluster not in settings.clusters:
        meant = suggest(cluster, settings.clusters).replace("`", "")
        known = ", ".join(settings.clusters)
        raise ConfigError([f"there is no cluster {cluster} in clusters.toml.{meant} Known: {known}"])
    releases = read_known_releases(settings)
    ports_for = build_ports_for(settings, build_outside(settings))
    return Doctor(settings, releases, ports_for, os.environ.get("PATH", ""), post)
