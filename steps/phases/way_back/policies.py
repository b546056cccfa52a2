"""Authorization policies that the upgrade edited, put back as the backup has them by an approval of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from steps.contract.cards import Choice, Detail
from steps.contract.ports import Manifest
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.contract.wording import Person, count_things
from steps.gates import POLICIES, POLICIES_NOW, bind_upgrade, build_gate_card, pass_gate
from steps.install.differences.rendered import identify_object
from steps.install.policies import edit_policy
from steps.notes.prepare import measure_identity
from steps.notes.way_back import APPROVED_POLICIES, TakenBack
from steps.phases.way_back.earlier_state import read_earlier_objects
from steps.phases.way_back.preparing import recall_taken

KEEP = Choice("deny", "Leave as they are")


@dataclass(frozen=True)
class EditedPolicy:
    """A policy that differs from its backup: as it was, and as it is."""

    name: str
    before: Manifest
    now: Manifest

    @property
    def lines(self) -> tuple[str, str, str]:
        """What restoring does, as a small diff."""
        return self.name, f"- {_write(self.now)}", f"+ {_write(self.before)}"

    @property
    def shown(self) -> str:
        """What an approval is given for: the policy as it is, and as it is put back."""
        return "\n".join(self.lines[1:])


def find_edited(ctx: Context, taken: TakenBack) -> tuple[EditedPolicy, ...]:
    """The policies of the upgrade's edits that are there and are not as before; one that is gone stays so."""
    kept = read_kept(ctx, taken)
    found = []
    for name in taken.edited:
        before = kept.get(name)
        now = before and ctx.kubernetes.read_object(
            before["apiVersion"], before["kind"], before["metadata"].get("namespace", ""), before["metadata"]["name"]
        )
        if before and now and before.get("spec") != now.get("spec"):
            found.append(EditedPolicy(str(identify_object(before)), before, now))
    return tuple(found)


def read_kept(ctx: Context, taken: TakenBack) -> Mapping[str, Manifest]:
    """The edited policies as the backup has them, by name."""
    if not taken.edited:
        return {}
    kinds = {name.partition(" ")[0] for name in taken.edited}
    kept = {str(name): made for name, made in read_earlier_objects(ctx, taken.upgrade, kinds).items()}
    return {name: kept[name] for name in taken.edited if name in kept}


def describe_without_backup(ctx: Context, taken: TakenBack) -> str:
    """The edited policies that can't be put back, "" where there are none."""
    kept = read_kept(ctx, taken)
    gone = [name for name in taken.edited if name not in kept]
    return (
        f"not in the backup of {taken.upgrade}, so left as the upgrade edited them: {', '.join(gone)}" if gone else ""
    )


def approve(ctx: Context) -> Outcome:
    """Ask about the policies; declining is an answer like any other."""
    taken = recall_taken(ctx)
    edited, gone = find_edited(ctx, taken), describe_without_backup(ctx, taken)
    if not edited:
        ctx.revise(APPROVED_POLICIES, {})
        edits = "the edited policies are as before" if taken.edited else "the upgrade edited no authorization policy"
        return Done(gone or edits)
    identity, what = measure_identity(ctx), count_things(len(edited), "policy", "policies")
    card = build_gate_card(
        ctx, identity, "Authorization policies",
        (f"The upgrade edited {what}, with approval. This puts back what the backup has of each.",),
        risks=(f"{gone[:1].upper()}{gone[1:]}.",) if gone else (),
        details=(Detail("Edits", tuple(line for one in edited for line in one.lines)),),
    )  # fmt: skip
    now, before = {one.name: _write(one.now) for one in edited}, {one.name: _write(one.before) for one in edited}
    binding = {**bind_upgrade(ctx, identity), POLICIES: before, POLICIES_NOW: now}
    yes = Choice("approve", f"Put back {what}", "main")
    outcome = pass_gate_or_keep(ctx, Ask(f"Put back {what} of {ctx.cluster.key}?", card, binding, (yes, KEEP)))
    if isinstance(outcome, Done):
        kept = ctx.decision is not None and ctx.decision.choice == KEEP.id
        ctx.revise(APPROVED_POLICIES, {} if kept else {one.name: one.shown for one in edited})
    return outcome


def pass_gate_or_keep(ctx: Context, ask: Ask) -> Outcome:
    """As `pass_gate`; a denial leaves the policies and goes on."""
    if ctx.decision is not None and ctx.decision.choice == KEEP.id:
        return Done(f"the edited policies are left as they are by {Person(ctx.decision.by)}")
    return pass_gate(ctx, ask)


def restore(ctx: Context) -> Outcome:
    """Put back the approved policies, one a turn; one that somebody has changed since stays, and is told."""
    approved = ctx.recall(APPROVED_POLICIES) or {}
    for one in find_edited(ctx, recall_taken(ctx)):
        if one.name not in approved:
            continue
        if one.shown != approved[one.name]:
            ctx.say(f"{one.name} or its backup was changed after the approval, so it stays as it is")
            ctx.revise(APPROVED_POLICIES, {name: text for name, text in approved.items() if name != one.name})
            return Waiting(f"looking at the policies after {one.name}", 0.0)
        ctx.kubernetes.apply_object(edit_policy(one.before, ()))
        return Waiting(f"put back {one.name}", 0.0)
    count = count_things(len(approved), "authorization policy", "authorization policies")
    return Done(f"{count} put back" if approved else "")


def _write(policy: Manifest) -> str:
    return json.dumps(policy.get("spec") or {}, sort_keys=True, ensure_ascii=False)
