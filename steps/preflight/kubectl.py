"""Which kubectl istioctl gets along with."""

from __future__ import annotations

from steps.contract.checks import Check, failed, passed
from steps.contract.release import Release
from steps.versions import parse_numbers


def check_kubectl(version: str, release: Release) -> Check:
    """The kubectl that istioctl will call against istioctl's window."""
    window = f"{release.kubectl_oldest} to {release.kubectl_newest}"
    remedy = f"Put a kubectl {window} on the bot's PATH; newer ones print warnings that istioctl 1.4 takes for errors."
    if not version:
        return failed("kubectl", "no kubectl is on the bot's PATH, and istioctl calls it", remedy)
    numbers = parse_numbers(version)
    oldest, newest = parse_numbers(release.kubectl_oldest), parse_numbers(release.kubectl_newest)
    if numbers is None or oldest is None or newest is None or not oldest[:2] <= numbers[:2] <= newest[:2]:
        return failed("kubectl", f"kubectl {version} is outside istioctl's window of {window}", remedy)
    return passed("kubectl", f"kubectl {version}")
