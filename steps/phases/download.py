"""The download phase: archive, signature, tools, and a preview of what the next phase will change."""

from __future__ import annotations

import sys
from datetime import timedelta

from steps.contract.cards import Card, Progress
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ports import Tools
from steps.contract.release import Archive
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Step, Waiting
from steps.contract.wording import describe_seconds
from steps.gates import bind_download, build_gate_card, pass_gate
from steps.install.record.comparison import measure_preview
from steps.install.record.preview import Preview
from steps.notes.download import (
    FAILING,
    KUBECTL,
    PREVIOUS,
    SHA256,
    SIGNATURE,
    SIGNING_KEY,
    TOOLS,
    FailingSince,
    NoWayBack,
    describe_way_back,
)
from steps.notes.prepare import measure_identity, recall_source
from steps.phases.same_release import keep_release, on_same_release
from steps.preflight.machine import check_kubectl
from steps.versions import parse_asm_version

PREVIOUS_PATIENCE = timedelta(minutes=2)
FAILING_PATIENCE = timedelta(minutes=10)
_PLATFORMS = {"linux": "linux", "darwin": "osx", "win32": "win"}
_MEGABYTE = 1_000_000


def approve(ctx: Context) -> Outcome:
    """Ask before anything is downloaded and run."""
    identity, archive = measure_identity(ctx), choose_archive(ctx)
    source = archive.local_path or archive.url
    summary = (
        f"Downloads {archive.file_name} and its signature, and verifies it (ECDSA P-256, SHA-256).",
        f"Then records what istioctl hands to kubectl and compares it; nothing in {ctx.cluster.key} is changed.",
        f"The archive of {recall_source(ctx)} is fetched as well, for a way back.",
    )
    card = build_gate_card(ctx, identity, "Download", summary, facts=(("archive", source),))
    ask = Ask(f"Download ASM {ctx.release.version}?", card, bind_download(ctx, identity, source))
    outcome = pass_gate(ctx, ask)
    if isinstance(outcome, Done):
        keep_release(ctx)
    return outcome


def fetch(ctx: Context) -> Outcome:
    """Fetch one slice of the archive."""
    archive = choose_archive(ctx)
    try:
        fetched = ctx.release_files.fetch_archive(archive)
    except TryAgain as error:
        return _judge_failing(ctx, error)
    ctx.forget(FAILING)
    received, total = fetched.received / _MEGABYTE, fetched.total / _MEGABYTE
    if fetched.complete:
        return Done(f"{archive.file_name} is here: {received:.1f} MB")
    known = f" of {total:.0f}" if total else ""
    progress = Progress(int(received), int(total), "MB") if total else None
    return Waiting(f"downloading {archive.file_name}: {received:.0f}{known} MB", 0.0, progress)


def verify(ctx: Context) -> Outcome:
    """Check the signature over the finished file."""
    verified = ctx.release_files.verify_archive(choose_archive(ctx))
    ctx.revise(SHA256, verified.sha256)
    ctx.revise(SIGNATURE, "Verified OK")
    ctx.revise(SIGNING_KEY, verified.key_fingerprint)
    return Done(f"download verified: Verified OK, sha256 {verified.sha256[:12]}…")


def unpack(ctx: Context) -> Outcome:
    """Unpack the verified archive, check the tools' own versions, then fetch the previous release."""
    tools = ctx.release_files.unpack_archive(choose_archive(ctx), str(ctx.recall(SHA256)))
    version = ctx.mesh_tools.read_istioctl_version(tools)
    fault = find_istioctl_fault(version, ctx.release.version)
    if fault:
        return Blocked(fault, "Remove the archive from the bot's cache and download it again with Retry.")
    kubectl = ctx.mesh_tools.find_kubectl(measure_identity(ctx).server_version)
    check = check_kubectl(kubectl.version if kubectl else "", ctx.release)
    if kubectl is None or check.severity == "error":
        return Blocked(check.sentence, check.remedy)
    ctx.revise(TOOLS, tools)
    ctx.revise(KUBECTL, kubectl)
    waiting = fetch_previous(ctx)
    if waiting:
        return waiting
    return Done(f"istioctl {version}, kubectl {kubectl.version}")


def preview(ctx: Context) -> Outcome:
    """Record what istioctl hands to kubectl and compare it with the cluster, so that the next gate can show it."""
    found = measure_preview(ctx)
    if not isinstance(found, Preview):
        return found
    card = Card(
        title=f"What ASM {ctx.release.version} changes in {ctx.cluster.key}",
        summary=(f"{found.sentence}.", f"{describe_way_back(ctx)}."),
        risks=(*ctx.release.warnings, *found.risks),
        details=found.details,
    )
    return Done(f"preview: {found.sentence}", card, found.attachments)


def choose_archive(ctx: Context) -> Archive:
    """The release's archive for this platform; the option `archive` names a file or a mirror's address."""
    given = ctx.options.archive
    mirror, local = (given, "") if given.startswith(("http://", "https://")) else ("", given)
    return ctx.release.describe_archive(choose_platform(sys.platform), mirror=mirror, local_path=local)


def choose_platform(name: str) -> str:
    """The archive's platform for Python's `sys.platform`; GiveUp where the release has none."""
    if name not in _PLATFORMS:
        raise GiveUp(f"there is no archive for the platform {name}", "Run the bot on Linux, macOS or Windows.")
    return _PLATFORMS[name]


def find_istioctl_fault(version: str, target: str) -> str:
    """Why this istioctl can't be used, "" where it is the release's own.

    Another istioctl fails on the asm profile (`unknown field "env" in v1alpha1.ProxyConfig`).
    """
    if "-asm." not in version:
        return f"the archive's istioctl says it is {version or 'nothing'}, which is not an ASM build"
    if str(parse_asm_version(version)) != target:
        return f"the archive's istioctl says it is {version}, not {target}"
    return ""


def fetch_previous(ctx: Context) -> Waiting | None:
    """Fetch the release installed now; whatever goes wrong only means that there is no way back."""
    source = recall_source(ctx)
    if ctx.recall(PREVIOUS) is not None:
        return None
    if source == ctx.release.version:
        _give_up_previous(ctx, "the control plane is already on the target")
        return None
    try:
        outcome = _fetch_previous(ctx, source)
    except GiveUp as error:
        _give_up_previous(ctx, error.why)
        return None
    except TryAgain as error:
        if ctx.now - ctx.waiting_since > PREVIOUS_PATIENCE:
            _give_up_previous(ctx, error.why)
            return None
        return Waiting(f"the archive of {source}: {error.why}", error.retry_in or 5.0)
    if isinstance(outcome, Waiting):
        return outcome
    ctx.revise(PREVIOUS, outcome)
    return None


def _judge_failing(ctx: Context, error: TryAgain) -> Outcome:
    """A long download may take its time, a server that sends nothing may not: Blocked after a while without a byte."""
    kept = ctx.recall(FAILING)
    if kept is None or kept.generation != ctx.generation:
        kept = FailingSince(ctx.generation, ctx.now)
        ctx.revise(FAILING, kept)
    if ctx.now - kept.at < FAILING_PATIENCE:
        return Waiting(error.why, error.retry_in or 5.0)
    return Blocked(
        f"nothing could be downloaded for {describe_seconds(FAILING_PATIENCE.total_seconds())}: {error.why}",
        "Mend the way to the release server, or give a mirror's address or a local archive; then retry.",
    )


def _fetch_previous(ctx: Context, source: str) -> Tools | Waiting:
    release = ctx.releases.get(source)
    if release is None:
        raise GiveUp(f"the bot has no file for the release {source}", "")
    archive = release.describe_archive(choose_platform(sys.platform))
    fetched = ctx.release_files.fetch_archive(archive)
    if not fetched.complete:
        return Waiting(f"downloading {archive.file_name}: {fetched.received / _MEGABYTE:.0f} MB", 0.0)
    verified = ctx.release_files.verify_archive(archive)
    tools = ctx.release_files.unpack_archive(archive, verified.sha256)
    fault = find_istioctl_fault(ctx.mesh_tools.read_istioctl_version(tools), source)
    if fault:
        raise GiveUp(fault, "")
    return tools


def _give_up_previous(ctx: Context, why: str) -> None:
    ctx.revise(PREVIOUS, NoWayBack(why))


STEPS: tuple[Step, ...] = (
    Step("download/approve", approve),
    Step("download/fetch", on_same_release(fetch), timedelta(hours=2)),
    Step("download/verify", on_same_release(verify)),
    Step("download/unpack", on_same_release(unpack), timedelta(hours=1)),
    Step("download/preview", on_same_release(preview)),
)
