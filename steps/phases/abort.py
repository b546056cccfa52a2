"""What an aborted upgrade still does: give back the bot's own rights and say what is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from steps.contract.cards import Card
from steps.contract.ledger import count_entries
from steps.contract.release import Release
from steps.contract.step import Context, Done, Outcome, Step
from steps.mesh import Pod
from steps.notes.permissions import BINDING
from steps.phases.access import remove_binding
from steps.phases.same_cluster import find_stranger


def revoke_own_binding(ctx: Context) -> Outcome:
    """Remove the ClusterRoleBinding that the bot itself made, where it made one (design: at finish or abort)."""
    kept = ctx.recall(BINDING)
    if kept is None or not kept.ours:
        return Done("")
    stranger = find_stranger(ctx)
    return Done(f"{stranger}; nothing was written there" if stranger else remove_binding(ctx))


def report_abort(ctx: Context) -> Outcome:
    """Say which versions the cluster is left with; nothing is changed."""
    pods = [pod for pod in ctx.kubernetes.list_pods() if not pod.terminating]
    plane = count_versions((pod for pod in pods if pod.namespace == ctx.release.namespace), ctx.release)
    sidecars = Counter(
        read_tag(pod.proxy_image) for pod in pods if pod.proxy_image and pod.namespace != ctx.release.namespace
    )
    counts = count_entries(ctx.ledger.read_entries())
    left = (
        f"control plane: {_list_versions(plane)}",
        f"sidecars: {_list_versions(sidecars)}",
        "ledger: " + ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        if any(counts.values())
        else "no pod was restarted by this upgrade",
    )
    mixed = len({*plane, *sidecars}) > 1
    risks = ("The cluster is left with mixed versions; a new upgrade goes on from here.",) if mixed else ()
    return Done(
        f"aborted the upgrade of {ctx.cluster.key}; "
        f"control plane {_list_versions(plane)}, sidecars {_list_versions(sidecars)}",
        Card("What is left behind", summary=left, risks=risks),
    )


def count_versions(pods: Iterable[Pod], release: Release) -> Counter[str]:
    """How many pods of the control plane carry each version; only images of the release's hub count."""
    tags = (
        {read_tag(image) for image in pod.images if image.startswith(f"{release.hub}/")}
        for pod in pods
        if not (pod.owner and "promsd" in pod.owner.name)
    )
    return Counter(tag for found in tags for tag in found)


def read_tag(image: str) -> str:
    """The tag of an image reference, without digest; "" where it has none."""
    name, _, tag = image.partition("@")[0].rpartition(":")
    return tag if name and "/" not in tag else ""


def _list_versions(versions: Counter[str]) -> str:
    counted = (f"{number} on {version or 'no tag'}" for version, number in sorted(versions.items()))
    return ", ".join(counted) or "none found"


STEPS = (Step("abort/revoke", revoke_own_binding), Step("abort/report", report_abort))
