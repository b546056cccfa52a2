"""The options of the earlier install beside what will be applied: kept, added, changed or lost, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from steps.contract.options import MtlsMode, Overlay
from steps.contract.step import Context
from steps.install.flags import MTLS_FLAG, build_apply_arguments, flag_path, merge_set_flags
from steps.install.overlays import list_overlay_paths
from steps.install.recovery import write_flag_value
from steps.notes.control_plane import KEPT_FLAGS
from steps.notes.prepare import choose_flags, choose_mtls, recall_flags, recall_identity, recall_mtls

CHANGED, LOST = "changed: ", "lost: "


def compare_to_earlier(ctx: Context) -> tuple[str, ...]:
    """Each option of the earlier install, and each that was asked for, with what becomes of it."""
    asked, earlier = ctx.options, recall_flags(ctx)
    kept = ctx.recall(KEPT_FLAGS)
    taken = merge_set_flags(choose_flags(ctx), kept or ())
    arguments = build_apply_arguments(ctx.release, recall_identity(ctx), asked, choose_mtls(ctx), taken)
    lines = compare_options(earlier, arguments, asked.overlays, asked.set_flags)
    return (compare_mtls(recall_mtls(ctx), choose_mtls(ctx)), *(lines or ("no option beyond the guide's",)))


def list_left_options(ctx: Context) -> tuple[str, ...]:
    """The options of the earlier install that a person left and that nothing brings back, a line each."""
    if ctx.options.earlier_options == "take":
        return ()
    return tuple(line for line in compare_to_earlier(ctx) if line.startswith(LOST))


def compare_options(
    earlier: Sequence[str], arguments: Sequence[str], overlays: Sequence[Overlay], asked: Sequence[str]
) -> tuple[str, ...]:
    """`earlier` are the recovered flags, `arguments` those that istioctl will be given, `asked` those of a person.

    What the guide alone sets is neither of the earlier install's choosing nor of a person's, and is left out.
    """
    in_files = {path: write_flag_value(value) for path, value in list_overlay_paths(overlays).items()}
    applied = in_files | _read_values([value for name, value in pairwise(arguments) if name == "--set"])
    before = _read_values(earlier)
    given = [path for path in (*in_files, *_read_values(asked)) if path not in before]
    return (
        *(_compare(path, value, applied.get(path)) for path, value in before.items()),
        *(f"added: {path}={applied.get(path, in_files.get(path))}" for path in dict.fromkeys(given)),
    )


def compare_mtls(now: MtlsMode, wanted: MtlsMode) -> str:
    """The line about the mTLS mode, which is an option of its own."""
    return f"kept: mTLS {now}" if now == wanted else f"changed: mTLS {wanted}, was {now} ({MTLS_FLAG})"


def list_changed_options(lines: Sequence[str]) -> tuple[str, ...]:
    """What does not stay, for whoever reads no more than the risks."""
    return tuple(line for line in lines if line.startswith((CHANGED, LOST)))


def _compare(path: str, before: str, after: str | None) -> str:
    if after is None:
        return f"lost: {path}={before}"
    return f"kept: {path}={before}" if before == after else f"changed: {path}={after}, was {before}"


def _read_values(flags: Sequence[str]) -> dict[str, str]:
    return {flag_path(flag): flag.partition("=")[2].strip() for flag in flags}
