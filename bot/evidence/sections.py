"""The record as a document, section by section."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields

import msgspec

from bot.evidence.document import Code, Document, Facts, Fold, Lines, Part, Picture, Section, Table
from bot.evidence.questions import build_questions
from bot.evidence.record import ChangeRecord, count_waited
from bot.evidence.timeline import draw_timeline
from bot.evidence.wording import write_moment, write_name, write_unmarked
from bot.journal.chain import SHORT, SealedRow
from bot.journal.rows import at_time
from steps.contract.ledger import STATES, LedgerEntry, count_entries
from steps.contract.options import UpgradeOptions
from steps.contract.wording import count_things, describe_seconds

DEFAULTS = UpgradeOptions()


def build_document(record: ChangeRecord) -> Document:
    """The change record for people."""
    row = record.upgrade
    return Document(
        title=f"Change record of {row.id}",
        lead=_write_lead(record),
        sections=(
            Section("Summary", (Facts(tuple(_list_facts(record))),)),
            Section("Timeline", (Picture(draw_timeline(record), _write_caption(record)), _build_steps(record))),
            Section("What was asked for", (Facts(tuple(_list_options(row.options))), *_list_overlays(row.options))),
            build_questions(record),
            Section("What was done to the cluster", (_build_calls(record),)),
            Section("What became of each pod", _build_ledger(record.ledger)),
            Section("Audit", _build_audit(record)),
        ),
    )


def _write_lead(record: ChangeRecord) -> str:
    row = record.upgrade
    end = f"{row.state} at {write_moment(row.ended_at)} UTC" if row.ended_at else f"{row.state} when this was written"
    return f"{row.cluster}: {record.source or 'an unknown version'} → {row.release}, {end}."


def _list_facts(record: ChangeRecord) -> list[tuple[str, str]]:
    row, waited = record.upgrade, count_waited(record)
    whole = (record.ended_at - row.created_at).total_seconds()
    facts = [
        ("Cluster", "/".join(filter(None, (row.address.project, row.address.location, row.cluster)))),
        ("Asked for by", write_name(row.requester)),
        ("Began (UTC)", write_moment(row.created_at)),
        ("Ended (UTC)", write_moment(row.ended_at) or f"open when this was written, {write_moment(record.read_at)}"),
        ("Result", write_unmarked(row.sentence) or row.state),
        ("Took", f"{describe_seconds(whole)}, of which {describe_seconds(waited)} waited for people"),
        ("Takes back", row.takes_back),
        ("Taken back by", record.way_back),
        ("Aborted by", write_name(row.aborted_by)),
        ("Head of the audit", record.head),
    ]
    return [(name, told) for name, told in facts if told]


def _write_caption(record: ChangeRecord) -> str:
    span = f"From {write_moment(record.upgrade.created_at)} to {write_moment(record.ended_at)} UTC"
    pods = "how many pods had been sent for the new sidecar (green)"
    return f"{span}: the phases (blue), where the upgrade waited for a person (orange), and {pods}."


def _build_steps(record: ChangeRecord) -> Fold:
    rows = tuple(
        (
            step.step,
            write_moment(step.started_at),
            write_moment(step.ended_at),
            step.outcome,
            write_unmarked(step.sentence),
        )
        for step in record.steps
    )
    table = Table(("Step", "Began (UTC)", "Ended (UTC)", "Outcome", "Said"), rows)
    return Fold(count_things(len(rows), "step"), (table,))


def _list_options(options: UpgradeOptions) -> list[tuple[str, str]]:
    """Each option with its value; those that stand at their default are said to."""
    told, plain = asdict(options), asdict(DEFAULTS)
    names = [field.name for field in fields(UpgradeOptions) if field.name != "overlays"]
    changed = [(name, _write_option(told[name])) for name in names if told[name] != plain[name]]
    same = [name for name in names if told[name] == plain[name]]
    return [*changed, ("At their default", ", ".join(same))]


def _write_option(told: object) -> str:
    return told if isinstance(told, str) else msgspec.json.encode(told).decode()


def _list_overlays(options: UpgradeOptions) -> list[Part]:
    return [Fold(f"Overlay {overlay.name}", (Code(overlay.text),)) for overlay in options.overlays]


def _build_calls(record: ChangeRecord) -> Part:
    if not record.calls:
        return Lines(("Nothing: the bot only read.",))
    rows = tuple((write_moment(call.at), call.step, call.did, call.to, call.result) for call in record.calls)
    return Table(("At (UTC)", "Step", "Did", "To", "Result"), rows)


def _build_ledger(ledger: Sequence[LedgerEntry]) -> tuple[Part, ...]:
    if not ledger:
        return (Lines(("No pod was in scope.",)),)
    counts = count_entries(ledger)
    summary = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return (Lines((f"{count_things(len(ledger), 'pod')}: {summary}.",)), _build_pods(ledger))


def _build_pods(ledger: Iterable[LedgerEntry]) -> Table:
    """One row for all pods of a workload that ended alike: with thousands of pods the file stays readable."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for entry in ledger:
        told = filter(None, (entry.reason, entry.evidence, entry.by and f"by {write_name(entry.by)}", entry.command))
        alike[entry.workload, entry.state, "; ".join(told)].append(entry.pod)
    rows = tuple(
        (workload, state, str(len(pods)), ", ".join(pods), told) for (workload, state, told), pods in alike.items()
    )
    return Table(("Workload", "State", "Pods", "Their names", "Why, and what was seen"), rows)


def _build_audit(record: ChangeRecord) -> tuple[Part, ...]:
    verdict = record.faults or (
        f"Unbroken: {count_things(len(record.audit), 'row')}, each sealed with the one before.",
    )
    how = "An export of the audit (asm-upgrade export UPGRADE --audit jsonl) is looked through by asm-upgrade verify."
    rows = tuple(_build_audit_row(number, row) for number, row in enumerate(record.audit, 1))
    table = Table(("", "At (UTC)", "By", "What", "Detail", "Seal"), rows)
    return (Lines((*verdict, how)), Fold(count_things(len(rows), "row"), (table,)))


def _build_audit_row(number: int, row: SealedRow) -> tuple[str, ...]:
    # What was done stands in a table of its own, call by call.
    detail = "see what was done to the cluster" if row.action == "act" else row.detail
    return (str(number), write_moment(at_time(row.at)), write_name(row.actor), row.action, detail, row.seal[:SHORT])
