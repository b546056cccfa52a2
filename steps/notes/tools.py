"""The unpacked tools between steps: kept as JSON, read back as a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from steps.contract.errors import GiveUp
from steps.contract.ports import Tools
from steps.contract.step import Context, Json

KEY = "download/tools"
PREVIOUS = "download/previous"


def describe_tools(tools: Tools) -> dict[str, Json]:
    """The tools as JSON."""
    return {
        "version": tools.version,
        "folder": str(tools.folder),
        "istioctl": str(tools.istioctl),
        "asmctl": str(tools.asmctl),
        "istioctl_sha256": tools.istioctl_sha256,
        "asmctl_sha256": tools.asmctl_sha256,
    }


def restore_tools(kept: Mapping[str, Json]) -> Tools:
    """The tools from their JSON."""
    return Tools(
        version=str(kept["version"]),
        folder=Path(str(kept["folder"])),
        istioctl=Path(str(kept["istioctl"])),
        asmctl=Path(str(kept["asmctl"])),
        istioctl_sha256=str(kept["istioctl_sha256"]),
        asmctl_sha256=str(kept["asmctl_sha256"]),
    )


def recall_tools(ctx: Context) -> Tools:
    """The target release's tools; GiveUp where download has not finished."""
    kept = ctx.recall(KEY)
    if not isinstance(kept, Mapping):
        raise GiveUp("the release's tools are not unpacked", "Start the upgrade again: download has to run first.")
    return restore_tools(kept)


def recall_previous(ctx: Context) -> Tools | str:
    """The previous release's tools, or why there is no way back."""
    kept = ctx.recall(PREVIOUS)
    if not isinstance(kept, Mapping):
        return "the previous release was not looked for"
    return str(kept["why"]) if "why" in kept else restore_tools(kept)


def describe_way_back(ctx: Context) -> str:
    """The line about rollback on a card."""
    previous = recall_previous(ctx)
    if isinstance(previous, str):
        return f"no rollback: {previous}"
    return f"{previous.version} is downloaded and verified; going back to it is done by hand"
