"""The app's Home tab: the fleet as a board, what waits for this person, and the buttons that are theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    DividerBlock,
    HeaderBlock,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.views import View

from bot.journal.bodies import AgendaSection
from bot.journal.records import Action
from bot.orders.cluster_views import ClusterView
from bot.slack.drawing.agenda import draw_agenda
from bot.slack.drawing.buttons import build_controls, build_row, describe_button
from bot.slack.drawing.cards import build_mrkdwn, build_note, build_text
from bot.slack.drawing.text import Pen, cut_written, escape
from bot.telling.phrases import mention
from bot.telling.reports import describe_link, describe_versions
from bot.telling.views import UpgradeView
from steps.contract.wording import begin_sentence

START_ACTION = "asm-home:start"
REFRESH_ACTION = "asm-home:refresh"
BLOCKS_LIMIT = 100
SENTENCE_LIMIT = 400
FAULT_LIMIT = 300
FAULTS_SHOWN = 5
ASKED_SHOWN = 10
CONTROLS: tuple[Action, ...] = ("pause", "resume", "retry", "abort", "rollback")

# Draws the blocks of one row.
DrawRow: TypeAlias = Callable[[], list[Block]]


def draw_home(
    clusters: Sequence[ClusterView],
    pen: Pen,
    search_faults: Sequence[str] = (),
    agenda: Sequence[AgendaSection] = (),
) -> View:
    """The Home tab of one person; links lead into the pen's workspace, which is theirs."""
    ahead = draw_agenda(agenda, pen)
    head: list[Block] = [
        HeaderBlock(text=PlainTextObject(text="Anthos Service Mesh fleet", emoji=False)),
        ActionsBlock(elements=_build_head_buttons(clusters), block_id="home|head"),
        *_build_asked(clusters, pen),
        *([DividerBlock(), *ahead] if ahead else []),
        DividerBlock(),
    ]
    rows: list[DrawRow] = [partial(_build_cluster, cluster, pen) for cluster in clusters if not cluster.found]
    fleet = rows or [lambda: [build_note("There is no cluster in clusters.toml yet.")]]
    found = _list_found([cluster for cluster in clusters if cluster.found], pen)
    faults: list[DrawRow] = [partial(_build_fault, fault, pen) for fault in search_faults[:FAULTS_SHOWN]]
    return View(type="home", blocks=[*head, *_fit_rows([*fleet, *found, *faults], BLOCKS_LIMIT - len(head))])


def _build_fault(fault: str, pen: Pen) -> list[Block]:
    return [build_note(f"⚠️ {pen.write_sentence(begin_sentence(fault), FAULT_LIMIT)}")]


def _list_found(clusters: Sequence[ClusterView], pen: Pen) -> list[DrawRow]:
    """The clusters that only GKE knows, under a heading of their own."""
    if not clusters:
        return []
    heading = "*Found in GKE, not in clusters.toml*\nThey can be proposed, and nobody can approve until they are added."
    return [
        lambda: [DividerBlock(), build_text(heading)],
        *(partial(_build_cluster, cluster, pen) for cluster in clusters),
    ]


def _build_head_buttons(clusters: Sequence[ClusterView]) -> list[ButtonElement]:
    buttons = []
    if any(cluster.may_start for cluster in clusters):
        text = PlainTextObject(text="Start an upgrade")
        buttons.append(
            ButtonElement(
                text=text, action_id=START_ACTION, value="", style="primary", accessibility_label="Start an upgrade"
            )
        )
    return [
        *buttons,
        ButtonElement(
            text=PlainTextObject(text="Refresh"),
            action_id=REFRESH_ACTION,
            accessibility_label="Refresh the list of clusters",
        ),
    ]


def _build_asked(clusters: Sequence[ClusterView], pen: Pen) -> list[Block]:
    asked = [cluster for cluster in clusters if cluster.asks and cluster.upgrade and cluster.upgrade.question]
    if not asked:
        return [build_note("Nothing waits for your approval.")]
    lines = [f"• {_write_question(cluster, pen)}" for cluster in asked[:10]]
    more = [f"… and {len(asked) - 10} more"] if len(asked) > 10 else []
    return [build_text("\n".join(["*Waiting for your approval*", *lines, *more]))]


def _write_question(cluster: ClusterView, pen: Pen) -> str:
    question = cluster.upgrade.question.question if cluster.upgrade and cluster.upgrade.question else ""
    written = pen.write_sentence(question, 200)
    return f"*{escape(cluster.key)}*: {written} {_write_place_of_thread(cluster, pen)}"


def _write_place_of_thread(cluster: ClusterView, pen: Pen) -> str:
    return pen.write_link(*cluster.thread, "Open the thread") or f"Its thread is in <#{cluster.channel}>."


def _build_cluster(cluster: ClusterView, pen: Pen) -> list[Block]:
    if cluster.upgrade is None:
        return [SectionBlock(text=build_mrkdwn(_write_idle(cluster, pen)), accessory=_build_start(cluster))]
    thread = _write_place_of_thread(cluster, pen)
    text = f"{_write_title(cluster)}\n{_write_standing(cluster.upgrade, pen)}{_write_asked(cluster, pen)}\n{thread}"
    allowed = [action for action in CONTROLS if action in cluster.allowed]
    buttons = build_controls(cluster.upgrade, allowed, pen)
    return [build_text(text), *build_row(buttons, f"home|{cluster.upgrade.id}")]


def _build_start(cluster: ClusterView) -> ButtonElement | None:
    if not cluster.may_start:
        return None
    text = "Propose" if cluster.found else "Start"
    label = describe_button(text, "", cluster.key)
    return ButtonElement(
        text=PlainTextObject(text=text), action_id=START_ACTION, value=cluster.key, accessibility_label=label
    )


def _write_title(cluster: ClusterView) -> str:
    stage = "" if cluster.production else " · not production"
    return f"*{escape(cluster.key)}* · {cut_written(cluster.place, 200)}{stage}"


def _write_idle(cluster: ClusterView, pen: Pen) -> str:
    version = escape(cluster.version) or "Version not read yet"
    if cluster.found and cluster.last is None:
        return f"{_write_title(cluster)}\n{version} · never proposed"
    if cluster.last is None or cluster.last.ended_at is None:
        return f"{_write_title(cluster)}\n{version} · never upgraded by this bot"
    ended = f"{cluster.last.state} {pen.write_time(cluster.last.ended_at)}{escape(describe_link(cluster.last))}"
    return f"{_write_title(cluster)}\n{version} · `{escape(cluster.last.id)}` {ended}"


def _write_standing(upgrade: UpgradeView, pen: Pen) -> str:
    done = sum(phase.state == "done" for phase in upgrade.phases)
    now = next((phase.title for phase in upgrade.phases if phase.state not in ("done", "pending")), "")
    versions = escape(begin_sentence(f"{describe_versions(upgrade)}{describe_link(upgrade)}"))
    reached = f"{done} of {len(upgrade.phases)} phases done" + (f", now {escape(now)}" if now else "")
    return f"{versions} · {reached}\n{_write_state(upgrade, pen)}"


def _write_asked(cluster: ClusterView, pen: Pen) -> str:
    """Who has to decide; a mention in the Home tab notifies nobody."""
    if not cluster.asked:
        return ""
    more = f" and {len(cluster.asked) - ASKED_SHOWN} more" if len(cluster.asked) > ASKED_SHOWN else ""
    people = ", ".join(pen.write_person(user) for user in cluster.asked[:ASKED_SHOWN])
    return f"\nAsked: {people}{more}"


def _write_state(upgrade: UpgradeView, pen: Pen) -> str:
    def write(text: str) -> str:
        return pen.write_sentence(begin_sentence(text, upgrade.cluster), SENTENCE_LIMIT)

    if upgrade.paused_by:
        return f"⏸ {write(f'paused by {mention(upgrade.paused_by)}')}"
    if upgrade.state == "asking":
        return f"✋ {write(upgrade.question.question if upgrade.question else upgrade.sentence)}"
    if upgrade.state == "blocked":
        return f"⛔ {write(upgrade.sentence)}"
    return f"⚙️ {write(upgrade.sentence or 'running')}"


def _fit_rows(rows: Sequence[DrawRow], room: int) -> list[Block]:
    """As many whole rows as fit, and how many don't; those are not drawn."""
    blocks: list[Block] = []
    for place, build in enumerate(rows):
        row = build()
        if len(blocks) + len(row) > room - 1:
            left = len(rows) - place
            return [*blocks, build_note(f"… and {left} more clusters: `/asm-upgrade status` names all")]
        blocks += row
    return blocks
