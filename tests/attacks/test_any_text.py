"""Texts that nobody would write, through each whole door: no row is left unsettled, and nothing ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from tarfile import TarInfo
from typing import Any

import pytest

from bot.gateways.kubernetes.gateway import KubernetesGateway
from tests.attacks import (
    archive_door,
    cluster_door,
    environment_door,
    file_door,
    http_door,
    slack_doors,
    slack_house,
    state_door,
)
from tests.attacks.slack_house import House
from tests.attacks.table import DOORS, Door
from tests.unit.bot.gateways.loopback import Reply
from tests.unit.bot.gateways.releases.test_unpacking import FOLDER, entry, tar_of
from tests.unit.bot.workbench import DEE
from tests.unit.house.test_any_text import PIECES

# Through each door: in every run, and with --every-text.
SAMPLE, EVERY = 10, 2_000
# What Slack's doors take before it is looked at what came of it.
HANDFUL = 5
VERBS = ("start", "approve", "deny", "decide", "break-glass", "pause", "retry", "abort", "schedule", "extend", "status")
Try = Callable[[Any, list[str], random.Random], str]


def write_texts(seed: str, count: int) -> Iterator[str]:
    """The same texts each time; halves of characters can't come through UTF-8."""
    chosen = random.Random(seed)
    pieces = [piece for piece in PIECES if piece != "\ud800"]
    for _ in range(count):
        yield "".join(chosen.choices(pieces, k=chosen.randint(1, 12)))


def type_texts(house: House, texts: list[str], chosen: random.Random) -> str:
    """Commands of somebody who may nothing."""
    orders = [f"{chosen.choice(VERBS)} {chosen.choice(['cluster-x ', ''])}{text}" for text in texts]
    return house.judge(lambda: max(house.send(slack_house.write_command(house, order, DEE)) for order in orders))


def press_texts(house: House, texts: list[str], chosen: random.Random) -> str:
    """Values and names of buttons."""
    payloads = [
        slack_house.write_button(
            house, f"asm:{chosen.choice([*VERBS, text])}", chosen.choice([text, f"a|{text}|1"]), DEE
        )
        for text in texts
    ]
    return house.judge(lambda: max(slack_house.send_payload(house, payload) for payload in payloads))


def submit_texts(house: House, texts: list[str], chosen: random.Random) -> str:
    """What forms carry, and what is written into them."""
    forms = ("asm:reason", "asm:start", "asm:schedule")
    payloads = []
    for text in texts:
        fields = {name: {name: {"value": text, "selected_date": text, "selected_time": text}} for name in
                  ("reason", "date", "time", "zone", "cluster", "for", "set", "canary", "skip")}  # fmt: skip
        metadata = chosen.choice([text, '{"target": "cluster-x", "channel": "C0MESHOPS1"}'])
        payloads.append(slack_house.write_form(house, chosen.choice(forms), metadata, fields, DEE))
    return house.judge(lambda: max(slack_house.send_payload(house, payload) for payload in payloads))


def tell_texts(house: House, texts: list[str], _chosen: random.Random) -> str:
    """Events about anything."""
    attacks = [slack_doors.event("break", "any", {"type": text, "user": text, "tab": text}) for text in texts]
    return next(filter(None, (attack.launch(house) for attack in attacks)), "")


def send_texts(server: http_door.Server, texts: list[str], _chosen: random.Random) -> str:
    """Bodies and signatures that Slack never made."""
    for text in texts:
        body = text.encode()
        signature = text.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "").replace("\0", "")
        headers = server.sign(body) | {"X-Slack-Signature": signature}
        if told := server.judge(partial(post_wrongly, body=body, headers=headers), (400, 401)):
            return told
    return ""


def post_wrongly(server: http_door.Server, body: bytes, headers: dict[str, str]) -> int:
    """A request with this signature."""
    return server.post(body, headers)


def share_texts(desk: file_door.Desk, texts: list[str], chosen: random.Random) -> str:
    """Overlays, and where they are said to lie."""
    for text in texts:
        told = desk.give("mesh.yaml", chosen.choice([text, file_door.HEAD + f"  tag: {text}\n{text}: {text}\n"]))
        if told or (told := desk.fetch(text, text)):
            return told
    return ""


def keep_texts(cluster: cluster_door.Cluster, texts: list[str], _chosen: random.Random) -> str:
    """Objects of a cluster, in every place of a text, over one connection as in an upgrade."""
    with cluster.connect() as gateway:
        return next(filter(None, (keep_text(cluster, gateway, text) for text in texts)), "")


def keep_text(cluster: cluster_door.Cluster, gateway: KubernetesGateway, text: str) -> str:
    """One text in each place."""
    spec = {"replicas": text, "selector": {"matchLabels": {text: text}}, "strategy": {"type": text}}
    named = {"name": text, "namespace": text, "annotations": {text: text}, "creationTimestamp": text}
    looks: list[tuple[object, cluster_door.Look]] = [
        (cluster_door.config(config=text, values=text), cluster_door.look_at_injector),
        (cluster_door.config(mesh=text), cluster_door.look_at_mesh),
        (cluster_door.list_of(cluster_door.deployment(spec)), cluster_door.look_at_workloads),
        (cluster_door.list_of({"metadata": named, "spec": {"containers": []}}), cluster_door.look_at_pods),
        (Reply(200, text.encode()), cluster_door.look_at_pods),
    ]
    if told := next(filter(None, (cluster.look_again(gateway, answer, look) for answer, look in looks)), ""):
        return f"{text!r}: {told}"
    return ""


def pack_texts(shelf: archive_door.Shelf, texts: list[str], _chosen: random.Random) -> str:
    """Names in archives, which lead nowhere else; and bytes that are none."""
    for text in texts:
        if shelf.unpack(partial(archive_door.write, content=text.encode())):
            return f"{text!r} was unpacked"
        name = text.replace("\0", "") or "x"
        made = entry(f"{FOLDER}/../{name}"[:90])
        if told := shelf.unpack(partial(pack, made=made)):
            return f"{text!r}: {told}"
    return ""


def pack(folder: Path, made: TarInfo) -> Path:
    """An archive with one file."""
    return tar_of(folder, (made, b"x"))


def write_texts_into(journals: state_door.Journals, texts: list[str], chosen: random.Random) -> str:
    """Columns of the journal."""
    places = ("clicks", "outbox", "approvals", "memory", "upgrades")
    for text in texts:
        quoted = text.replace("'", "''").replace("\0", "")
        statement = {
            "clicks": f"insert into clicks (id, body, received_at) values ('x', '{quoted}', 1)",
            "outbox": f"update outbox set body = '{quoted}'",
            "approvals": f"update approvals set choices = '{quoted}', binding = '{quoted}'",
            "memory": f"insert into memory values ('cluster-x-1', 'shown', '{quoted}', '')",
            "upgrades": f"update upgrades set options = '{quoted}', due = 0",
        }[chosen.choice(places)]
        if told := journals.go_on(statement):
            return f"{statement}: {told}"
        if told := journals.verify(f"update audit set detail = '{quoted}' where action = 'approve'"):
            return f"{text!r} in the audit: {told}"
    return ""


def set_texts(shell: environment_door.Shell, texts: list[str], chosen: random.Random) -> str:
    """clusters.toml and variables: told, or good enough to start with."""
    names = ("ASM_UPGRADE_RETRY_CAP", "ASM_UPGRADE_HTTP_PORT", "ASM_UPGRADE_KEY", "ASM_UPGRADE_SLACK_MODE")
    for text in texts:
        field = chosen.choice(
            ["channel", "approvers", "set", "limits", "windows", "freezes", "reminders", "mtls", "release"]
        )
        shell.start((environment_door.GOOD + f"{field} = {text}\n").encode(), {}, "")
        shell.start(environment_door.GOOD.encode(), {chosen.choice(names): text.replace("\0", "")}, "")
    return ""


TRIES: Mapping[Door, tuple[Callable[[Path], AbstractContextManager[Any]], Try]] = {
    "command": (slack_house.open_house, type_texts),
    "button": (slack_house.open_house, press_texts),
    "form": (slack_house.open_house, submit_texts),
    "event": (slack_house.open_house, tell_texts),
    "http": (http_door.open_server, send_texts),
    "file": (file_door.open_desk, share_texts),
    "cluster": (cluster_door.open_cluster, keep_texts),
    "archive": (archive_door.open_shelf, pack_texts),
    "state folder": (state_door.open_journals, write_texts_into),
    "environment": (environment_door.open_environment, set_texts),
}


# 2,000 texts through the slowest door take two minutes, and more on a machine that has other things to do.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("door", DOORS)
def test_any_text_comes_to_nothing(door: Door, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Whoever sent it may do nothing, so nothing may change; and the next one is served."""
    count = EVERY if pytestconfig.getoption("every_text") else SAMPLE
    open_ground, launch = TRIES[door]
    texts, chosen = list(write_texts(door, count)), random.Random(door)
    with open_ground(tmp_path) as ground:
        for start in range(0, count, HANDFUL):
            handful = texts[start : start + HANDFUL]
            assert launch(ground, handful, chosen) == "", handful
