"""Holds what is fetched, verified and run to the release that was approved: its file may say something else by now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from steps.contract.cards import Card
from steps.contract.notes import encode_note
from steps.contract.release import Release
from steps.contract.step import Ask, Context, Done, Outcome
from steps.gates import CLUSTER, RELEASE_USED, pass_gate
from steps.notes.download import BOUND_RELEASE, BoundRelease
from steps.phases.same_cluster import on_same_cluster


def describe_release(release: Release) -> BoundRelease:
    """What an approval of the download holds for."""
    return BoundRelease(release.digest, release.key_fingerprint, release.base_url, release.hub)


def keep_release(ctx: Context) -> None:
    """This release was approved."""
    ctx.revise(BOUND_RELEASE, describe_release(ctx.release))


def ask_about_release(ctx: Context) -> Outcome | None:
    """Ask about a release whose key or values are not those that were approved; None where they are."""
    now = describe_release(ctx.release)
    bound = ctx.recall(BOUND_RELEASE) or ctx.remember(BOUND_RELEASE, now)
    if bound == now:
        return None
    version = ctx.release.version
    ask = Ask(
        f"Go on with another description of ASM {version} than was approved?",
        Card(
            f"Release: {ctx.cluster.key}",
            (
                f"The bot's file about ASM {version} says something else than when the download was approved. Where "
                "nobody meant to change it, deny and look at the folder of release files.",
            ),
            facts=(("archives from", now.address), ("hub", now.hub), ("signing key", f"SHA-256 {now.key}")),
            risks=ctx.release.warnings,
        ),
        {CLUSTER: ctx.cluster.key, RELEASE_USED: encode_note(now)},
        moved=list_release_changes(bound, now),
    )
    outcome = pass_gate(ctx, ask) if is_about_release(ctx) else ask
    if not isinstance(outcome, Done):
        return outcome
    keep_release(ctx)
    return None


def list_release_changes(before: BoundRelease, after: BoundRelease) -> tuple[str, ...]:
    """What became of the release, a sentence each."""
    known = (
        ("its signing key", before.key, after.key),
        ("the address of its archives", before.address, after.address),
        ("its hub", before.hub, after.hub),
    )
    moved = tuple(f"{name} was {old} and is now {new}" for name, old, new in known if old != new)
    return moved or (f"the hash of its values was {before.values} and is now {after.values}",)


def is_about_release(ctx: Context) -> bool:
    """Whether the decision at hand answers that question and none of the step's own."""
    return ctx.decision is not None and RELEASE_USED in ctx.decision.binding


def on_same_release(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """The step, that does nothing with a release that nobody approved."""

    @wraps(run)
    def run_with_it(ctx: Context) -> Outcome:
        asked = ask_about_release(ctx)
        return asked or run(replace(ctx, decision=None) if is_about_release(ctx) else ctx)

    return run_with_it


def on_same_ground(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """The step, that does nothing on another cluster nor with another release."""
    return on_same_release(on_same_cluster(run))
