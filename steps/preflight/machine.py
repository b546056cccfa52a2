"""Whether the bot's own machine can do an upgrade; asked before anybody approves anything."""

from __future__ import annotations

from steps.contract.checks import Check, failed, passed, warned
from steps.contract.ports import MeshTools, ReleaseFiles
from steps.contract.release import Release
from steps.versions import parse_numbers

DISK_ERROR_BYTES = 300 * 2**20
DISK_WARNING_BYTES = 2 * 2**30


def check_machine(
    mesh_tools: MeshTools, release_files: ReleaseFiles, release: Release, server_version: str
) -> tuple[Check, ...]:
    """The kubectl that istioctl's calls are passed on to, and room on the disk."""
    kubectl = mesh_tools.find_kubectl(server_version)
    return check_kubectl(kubectl.version if kubectl else "", release), check_disk(release_files.measure_room())


def check_disk(free: int) -> Check:
    """Room for two archives, their unpacked files, backups and the journal; `free` in bytes."""
    sentence = f"{free / 2**30:.1f} GiB free where the bot keeps its state"
    if free < DISK_ERROR_BYTES:
        return failed("disk", sentence, "Free at least 2 GiB for downloads and the journal.")
    if free < DISK_WARNING_BYTES:
        return warned("disk", sentence, "An upgrade needs up to 2 GiB.")
    return passed("disk", sentence)


def check_kubectl(version: str, release: Release) -> Check:
    """The kubectl that istioctl's calls are passed on to: the oldest that was seen to do it, and any later one."""
    remedy = f"Put a kubectl {release.kubectl_oldest} or later on the bot's PATH; any of today will do."
    if not version:
        return failed("kubectl", "no kubectl is on the bot's PATH, and istioctl calls it", remedy)
    numbers = parse_numbers(version)
    oldest = parse_numbers(release.kubectl_oldest)
    if numbers is None or oldest is None or numbers[:2] < oldest[:2]:
        return failed("kubectl", f"kubectl {version} is older than {release.kubectl_oldest}", remedy)
    return passed("kubectl", f"kubectl {version}")
