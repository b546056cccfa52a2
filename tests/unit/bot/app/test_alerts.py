"""Alerts: each fires on a bot that has the trouble, and none on a healthy one."""

from __future__ import annotations

import json
import operator
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric

from bot.app.metrics import Signs, build_registry
from bot.gateways.google.credentials import GoogleCredentials
from bot.journal.bodies import MilestoneBody
from bot.journal.rows import UpgradeRow
from bot.windows.permits import OPEN, Permit
from steps.contract.cards import Card
from steps.contract.errors import GiveUp
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from steps.notes.permissions import LEASE_LOST
from tests.namespaces import SMALL, find_way_apart
from tests.unit.bot.workbench import Build, Engine

STEP = "sidecars/restart"
HEALTHY = Signs(lambda: True, lambda: True, lambda: True, lambda: 50 * 10**9, tuple)
SELECTOR = r'(?P<name>\w+)(?:\{(?P<label>\w+)="(?P<value>\w+)"\})?'
EXPRESSION = re.compile(rf"(?P<absent>absent\()?{SELECTOR}\)?(?: (?P<sign>[<>=]+) (?P<bound>\d+))?")
SIGNS: Mapping[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt, "==": operator.eq}
ENTRY = LedgerEntry("uid", "shop", "web-1", "shop/Deployment/web", "failed", "shop", "0 of 2 ready")
Scrape = CollectorRegistry
METRIC, LABELS = re.compile(r"asm_upgrade_\w+"), re.compile(r"by \(([^)]+)\)|\{(\w+)=")


def fail(ctx: Context) -> Outcome:
    """A workload that does not get ready again."""
    ctx.ledger.record_entries([ENTRY])
    return Waiting("failing", 1.0)


def ask(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def lose_lease(ctx: Context) -> Outcome:
    """A cluster that another bot took over."""
    ctx.revise(LEASE_LOST, "another bot")
    return Waiting("looking", 1.0)


def scrape(
    engine: Engine, signs: Signs = HEALTHY, find_window: Callable[[UpgradeRow, datetime], Permit] = lambda _r, _n: OPEN
) -> Scrape:
    """What a scrape of this bot finds."""
    return build_registry(engine.journal, engine.outbox, engine.clock, find_window, signs)


def run_for(build: Build, step: Callable[[Context], Outcome], hours: float) -> Engine:
    """A bot whose upgrade has stood at this step for so long."""
    engine = build({STEP: step}, patience=timedelta(days=9))
    engine.add_upgrade([STEP])
    engine.runner.turn()
    engine.clock.time += timedelta(hours=hours)
    return engine


def leave_message(build: Build) -> Engine:
    """A bot whose message Slack has not taken for ten minutes."""
    engine = build({})
    engine.outbox.add_message("", "C0MESHOPS1", MilestoneBody("sentence"), engine.clock.now())
    engine.clock.time += timedelta(minutes=10)
    return engine


def refuse_credentials() -> bool:
    """Whether credentials are taken that Google refused when a token was asked for."""

    def load() -> NoReturn:
        raise GiveUp("Google refused to renew the bot's credentials", "Set some.")

    credentials = GoogleCredentials(load)
    with pytest.raises(GiveUp):
        credentials.read_token()
    return not credentials.tell_refusal()


def close_soon(_row: UpgradeRow, now: datetime) -> Permit:
    """A window that closes in ten minutes."""
    return Permit(True, now + timedelta(minutes=10))


TROUBLES: Mapping[str, Callable[[Build], Scrape]] = {
    "AsmUpgradeBotDown": lambda _build: CollectorRegistry(),
    "AsmUpgradeSlackAway": lambda build: scrape(build({}), replace(HEALTHY, is_slack_reached=lambda: False)),
    "AsmUpgradeJournalBroken": lambda build: scrape(build({}), replace(HEALTHY, is_journal_written=lambda: False)),
    "AsmUpgradeCredentialsFailing": lambda build: scrape(
        build({}), replace(HEALTHY, are_credentials_taken=refuse_credentials)
    ),
    "AsmUpgradeBlocked": lambda build: scrape(run_for(build, lambda _ctx: Blocked("why", "remedy"), 0)),
    "AsmUpgradeApprovalWaiting": lambda build: scrape(run_for(build, ask, 5)),
    "AsmUpgradeStepStuck": lambda build: scrape(run_for(build, lambda _ctx: Waiting("x", 5), 2)),
    "AsmUpgradeWindowShort": lambda build: scrape(
        run_for(build, lambda _ctx: Waiting("x", 5), 0), find_window=close_soon
    ),
    "AsmUpgradePodsFailed": lambda build: scrape(run_for(build, fail, 0)),
    "AsmUpgradeLeaseLost": lambda build: scrape(run_for(build, lose_lease, 0)),
    "AsmUpgradeOutboxStuck": lambda build: scrape(leave_message(build)),
    "AsmUpgradeDiskLow": lambda build: scrape(build({}), replace(HEALTHY, measure_room=lambda: 10**9)),
}


def read_rules(root: Path, folder: str) -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    text = (root / "manifests" / "monitoring" / folder / "rules.yaml").read_text()
    groups = yaml.safe_load(text)["spec"]["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture(scope="module")
def rules(project_root: Path) -> dict[str, dict[str, Any]]:
    """The alerts as Google's managed Prometheus takes them."""
    return read_rules(project_root, "google")


def fires(rule: Mapping[str, Any], scraped: Iterable[Metric]) -> bool:
    """Whether the rule's expression has a result; the rules keep to comparisons of one metric with a number."""
    parsed = EXPRESSION.fullmatch(rule["expr"])
    assert parsed, rule["expr"]
    samples = [sample for family in scraped for sample in family.samples if sample.name == parsed["name"]]
    chosen = [one for one in samples if parsed["label"] is None or one.labels.get(parsed["label"]) == parsed["value"]]
    if parsed["absent"]:
        return not chosen
    return any(SIGNS[parsed["sign"]](one.value, float(parsed["bound"])) for one in chosen)


def test_every_alert_has_its_trouble_here(rules: dict[str, dict[str, Any]]) -> None:
    """And none is tried that is not shipped."""
    assert rules.keys() == TROUBLES.keys()


@pytest.mark.parametrize("name", TROUBLES)
def test_an_alert_fires_on_its_trouble(rules: dict[str, dict[str, Any]], build: Build, name: str) -> None:
    """On the metrics of a bot that has it."""
    assert fires(rules[name], TROUBLES[name](build).collect())


def test_a_small_volume_is_a_low_disk(
    rules: dict[str, dict[str, Any]], build: Build, project_root: Path, tmp_path: Path
) -> None:
    """By what the bot itself measures on a volume of 64 MB."""
    script = (
        "import sys; from pathlib import Path; from bot.app.checks.machine import measure_disk_room; "
        "print(measure_disk_room(Path(sys.argv[1])))"
    )
    command = [*find_way_apart(), "--mount", *SMALL, str(tmp_path), sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=60, check=True)
    scraped = scrape(build({}), replace(HEALTHY, measure_room=lambda: int(done.stdout)))
    assert fires(rules["AsmUpgradeDiskLow"], scraped.collect())


@pytest.mark.parametrize("step", [lambda _ctx: Done("done"), lambda _ctx: Waiting("x", 5), ask])
def test_no_alert_fires_on_a_healthy_bot(
    rules: dict[str, dict[str, Any]], build: Build, step: Callable[[Context], Outcome]
) -> None:
    """An upgrade that has ended, one under way, and one that asks."""
    scraped = list(scrape(run_for(build, step, 0)).collect())
    assert [name for name, rule in rules.items() if fires(rule, scraped)] == []


def test_both_kinds_of_monitoring_have_the_same_alerts(project_root: Path) -> None:
    """Google's managed Prometheus and the Prometheus operator."""
    assert read_rules(project_root, "google") == read_rules(project_root, "prometheus-operator")


def test_every_alert_links_to_what_it_wants(project_root: Path, rules: dict[str, dict[str, Any]]) -> None:
    """A heading of docs/operations.md."""
    headings = re.findall(r"^### (\w+)$", (project_root / "docs" / "operations.md").read_text(), re.MULTILINE)
    links = [rule["annotations"]["runbook_url"].partition("#")[2] for rule in rules.values()]
    assert set(links) <= {heading.lower() for heading in headings}


def test_the_dashboard_shows_what_there_is(project_root: Path, build: Build) -> None:
    """Each panel asks for a metric that the bot has, by labels that it has; each metric of the bot's has a panel."""
    board = json.loads((project_root / "manifests" / "monitoring" / "grafana" / "asm-upgrade-bot.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    found = {family.name: family for family in scrape(run_for(build, fail, 0)).collect()}
    assert {name for expression in asked for name in METRIC.findall(expression)} == found.keys()
    named = {
        label for expression in asked for pair in LABELS.findall(expression) for label in "".join(pair).split(", ")
    }
    assert named <= {label for family in found.values() for sample in family.samples for label in sample.labels} | {
        "step"
    }


def test_no_panel_of_the_dashboard_lies_over_another(project_root: Path) -> None:
    """Each has its own place on a grid of 24."""
    board = json.loads((project_root / "manifests" / "monitoring" / "grafana" / "asm-upgrade-bot.json").read_text())
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in board["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
