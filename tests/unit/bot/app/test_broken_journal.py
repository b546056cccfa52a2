"""A running bot whose journal breaks: it begins nothing more, and stays for as long as it takes to find out why."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from bot.app.serving import BROKEN_SECONDS
from sandbox.world import free_port
from tests.children import describe_bot
from tests.unit.bot.app.test_alerts import fires, read_rules

SECONDS = 120
# A bot without Slack whose disk is full when it writes next.
BOT = """
import sys, threading
from bot.app.serving import Serving
from bot.app.start import StopRequest
from bot.settings.environment import read_settings

stop = StopRequest()
stop.catch()
serving = Serving(read_settings(), stop.asked, stop.hurried, float(sys.argv[1]))
store = serving.bot.store
store.read(f"pragma max_page_count = {store.read('pragma page_count')[0]['page_count']}")

def write_much():
    with store.transact() as db:
        db.execute("create table much as select hex(randomblob(100000)) as text")

threading.Timer(0.5, write_much).start()
sys.exit(serving.run())
"""
UNITS = {"s": 1, "m": 60}


def start_bot(folder: Path, port: int, seconds: float) -> subprocess.Popen[str]:
    """The bot as a program of its own."""
    command = [sys.executable, "-c", BOT, str(seconds)]
    return subprocess.Popen(
        command, env=describe_bot(folder, ASM_UPGRADE_HEALTH_PORT=str(port)), stderr=subprocess.PIPE, text=True
    )


def scrape_once_broken(bot: subprocess.Popen[str], port: int) -> list[Metric]:
    """The bot's metrics from the moment on that they say something of its journal."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and bot.poll() is None:
        try:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30).text
        except httpx.TransportError:
            text = ""
        if "asm_upgrade_journal_written 0" in text:
            return list(text_string_to_metric_families(text))
        time.sleep(0.1)
    pytest.fail(f"never told: {bot.communicate(timeout=SECONDS)[1]}")


def test_a_broken_journal_is_told_until_the_bot_is_told_to_end(project_root: Path, tmp_path: Path) -> None:
    """The alert fires; the bot lives and is not ready, with the sentence; SIGTERM ends it at once."""
    port = free_port()
    bot = start_bot(tmp_path, port, 600)
    try:
        scraped = scrape_once_broken(bot, port)
        rules = read_rules(project_root, "google")
        assert fires(rules["AsmUpgradeJournalBroken"], scraped)
        assert not fires(rules["AsmUpgradeBotDown"], scraped)
        ready = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=30)
        assert (ready.status_code, ready.text.count("\n")) == (503, 1)
        assert ready.text.endswith("could not be written: database or disk is full\n")
        assert httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False, timeout=30).status_code == 200
    finally:
        bot.send_signal(signal.SIGTERM)
    assert "asm-upgrade: stopped: the journal" in bot.communicate(timeout=SECONDS)[1]
    assert bot.returncode == 1


def read_seconds(text: str) -> int:
    """A time as Prometheus writes it."""
    return int(text[:-1]) * UNITS[text[-1]]


def test_the_alert_fires_before_the_bot_is_gone(project_root: Path) -> None:
    """At worst its rule is looked at right before it is scraped, and once more right before the time is over."""
    rule = read_rules(project_root, "google")["AsmUpgradeJournalBroken"]
    for files in ("google/pod-monitoring", "google/rules"), ("prometheus-operator/pod-monitor", "google/rules"):
        texts = [(project_root / "manifests" / "monitoring" / f"{file}.yaml").read_text() for file in files]
        scraped, looked = (read_seconds(found) for text in texts for found in re.findall(r"interval: (\w+)", text))
        assert 2 * scraped + 2 * looked + read_seconds(rule["for"]) <= BROKEN_SECONDS
