"""The authorization phase: policies that no longer match, shown, and edited where a person approves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from steps.contract.cards import Choice, Detail
from steps.contract.notes import Json
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Step, Waiting
from steps.contract.wording import Person, count_things
from steps.gates import FINDINGS, bind_findings, build_gate_card, pass_gate
from steps.install.policies import PolicyFinding, edit_policy, find_authorization_findings, read_policies
from steps.install.recovery import read_mesh_config
from steps.install.trust import read_trust_domains
from steps.notes.permissions import APPROVED_EDITS, EDITED, SEEN_FINDINGS
from steps.notes.prepare import measure_identity, recall_identity
from steps.phases.same_cluster import on_same_cluster
from steps.preflight.acting import refuse_act

NOTHING = "no authorization policy needs a change"
KEEP = Choice("deny", "Leave as they are")
SKIP = Choice("skip", "Leave as it is", needs_reason=True)


def approve(ctx: Context) -> Outcome:
    """Ask about edits; declining is an answer like any other and lets the upgrade go on.

    Findings that only a person can mend are told: there is nothing to decide on.
    """
    findings = read_findings(ctx)
    if not findings:
        return Done(NOTHING)
    ask = ask_about_findings(ctx, findings)
    refused = refuse_act(ctx, recall_identity(ctx), "authorization")
    if refused is not None:
        return refused
    if ctx.decision is None and not any(finding.replacement for finding in findings):
        keep_decided(ctx, map(str, findings))
        return Done(f"authorization: {describe_findings(len(findings), 0).rstrip('.')}", ask.card)
    return pass_findings(ctx, ask, findings)


def ask_about_findings(ctx: Context, findings: Sequence[PolicyFinding], moved: tuple[str, ...] = ()) -> Ask:
    """The question about these findings."""
    identity = measure_identity(ctx)
    edits = [finding for finding in findings if finding.replacement]
    yes = Choice("approve", f"Apply {count_things(len(edits), 'edit')}" if edits else "Acknowledge", "main")
    card = build_gate_card(
        ctx, identity, "Authorization policies",
        (describe_findings(len(findings), len(edits)),),
        details=(
            Detail("Findings", tuple(str(finding) for finding in findings)),
            Detail("Proposed edits", tuple(line for finding in edits for line in describe_edit(finding))),
        ),
    )  # fmt: skip
    question = f"Edit authorization policies of {ctx.cluster.key}?" if edits else "Acknowledge the findings?"
    return Ask(question, card, bind_findings(ctx, identity, findings), (yes, KEEP), moved)


def pass_findings(ctx: Context, ask: Ask, findings: Sequence[PolicyFinding]) -> Outcome:
    """As `pass_gate`; findings that were not shown are not covered and are asked about by the step that edits."""
    decision = ctx.decision
    if decision is None:
        return ask
    shown = _list_shown(decision.binding) or {str(finding) for finding in findings}
    if decision.choice == KEEP.id:
        keep_decided(ctx, shown)
        return Done(f"{count_things(len(shown), 'authorization finding')} left as they are by {Person(decision.by)}")
    frame = {**decision.binding, FINDINGS: None} == {**ask.binding, FINDINGS: None}
    outcome = Done(f"authorization approved by {Person(decision.by)}") if frame else pass_gate(ctx, ask)
    if isinstance(outcome, Done):
        keep_decided(ctx, shown)
        edits = [str(one) for one in findings if one.replacement and str(one) in shown]
        ctx.revise(APPROVED_EDITS, tuple(dict.fromkeys((*(ctx.recall(APPROVED_EDITS) or ()), *edits))))
    return outcome


def keep_decided(ctx: Context, shown: Iterable[str]) -> None:
    """A person has decided about these findings."""
    ctx.revise(SEEN_FINDINGS, tuple(sorted({*(ctx.recall(SEEN_FINDINGS) or ()), *shown})))


def apply(ctx: Context) -> Outcome:
    """Make the approved edits, one object per turn; what is left to a person is counted, what is new is asked about."""
    if ctx.decision and ctx.decision.choice == SKIP.id:
        return Done(f"authorization edits left by {Person(ctx.decision.by)}: {ctx.decision.reason}")
    findings = read_findings(ctx)
    asked = ask_about_news(ctx, findings)
    if asked is not None:
        return asked
    approved, edited = ctx.recall(APPROVED_EDITS) or (), ctx.recall(EDITED) or ()
    edits = [finding for finding in findings if finding.replacement and str(finding) in approved]
    if not edits:
        return Done(
            f"{count_things(len(edited), 'authorization policy', 'authorization policies')} edited" if edited else ""
        )
    first = edits[0]
    if first.where in edited:
        return Blocked(
            f"{first.where} still says {first.value!r} after the edit",
            f"Something else owns the field; edit it where it comes from, then retry. {describe_command(first)}",
            (SKIP,),
        )
    apply_edits(ctx, [finding for finding in edits if finding.where == first.where])
    ctx.revise(EDITED, (*edited, first.where))
    return Waiting(f"edited {first.where}", 0.0)


def ask_about_news(ctx: Context, findings: Sequence[PolicyFinding]) -> Outcome | None:
    """Ask about edits that nobody has seen, once those are made that were approved, and about an approval too old."""
    seen, approved = ctx.recall(SEEN_FINDINGS), ctx.recall(APPROVED_EDITS) or ()
    left = [finding for finding in findings if str(finding) in approved]
    news = [finding for finding in findings if finding.replacement and seen is not None and str(finding) not in seen]
    ended = ctx.approval_ended
    if ended is not None and left:
        old = f"its approval counted until {ended:%Y-%m-%d %H:%M} UTC"
        return _look_again(pass_gate(ctx, ask_about_findings(ctx, left, (old,))))
    if left or not news:
        return None
    ask = ask_about_findings(ctx, news, tuple(f"{finding.where} was on no card yet" for finding in news))
    shown = _list_shown(ctx.decision.binding) if ctx.decision else set()
    if shown.isdisjoint(str(finding) for finding in news):
        return ask
    return _look_again(pass_findings(ctx, ask, news))


def _look_again(outcome: Outcome) -> Outcome:
    return Waiting("authorization policies are looked at again", 0.0) if isinstance(outcome, Done) else outcome


def _list_shown(binding: Mapping[str, Json]) -> set[str]:
    kept = binding.get(FINDINGS)
    return {str(one) for one in kept} if isinstance(kept, list | tuple) else set()


def apply_edits(ctx: Context, findings: Sequence[PolicyFinding]) -> None:
    """Write one object with its exact replacements; an object that is gone needs none."""
    first = findings[0]
    live = ctx.kubernetes.read_object(first.api_version, first.kind, first.namespace, first.name)
    if live is not None:
        ctx.kubernetes.apply_object(edit_policy(live, findings))


def describe_command(finding: PolicyFinding) -> str:
    """The command with which a person edits the object."""
    place = f" -n {finding.namespace}" if finding.namespace else ""
    return f"kubectl edit {finding.kind.lower()} {finding.name}{place}"


def read_findings(ctx: Context) -> tuple[PolicyFinding, ...]:
    """The findings as they are now, for the trust domain that the mesh runs with."""
    config, _ = read_mesh_config(ctx.kubernetes.read_config_map(ctx.release.namespace, "istio"))
    trust = read_trust_domains(config)
    domain = trust.domain or recall_identity(ctx).workload_pool
    return find_authorization_findings(read_policies(ctx.kubernetes), domain, trust.aliases)


def describe_edit(finding: PolicyFinding) -> tuple[str, str, str]:
    """An edit as a small diff."""
    return (f"{finding.where} {finding.field}", f"- {finding.value}", f"+ {finding.replacement}")


def describe_findings(findings: int, edits: int) -> str:
    """`3 findings: the bot can edit 2, 1 is for a person.`"""
    told = count_things(findings, "finding")
    if edits == findings:
        return f"{told}: the bot can edit {'it' if edits == 1 else 'all'}."
    left = findings - edits
    rest = f"{left} {'is' if left == 1 else 'are'} for a person."
    return f"{told}: the bot can edit {edits}, {rest}" if edits else f"{told}: {rest}"


STEPS: tuple[Step, ...] = (
    Step("authorization/approve", approve),
    Step("authorization/apply", on_same_cluster(apply)),
)
