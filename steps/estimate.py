"""How long an upgrade takes, as a range, from the guide's figures."""

from __future__ import annotations

import math

from steps.release import Release


def estimate_control_plane(release: Release) -> tuple[int, int]:
    """Minutes for the control plane, from the release's file (the guide: 5 to 10)."""
    return release.control_plane_minutes


def estimate_sidecars(release: Release, pods: int) -> tuple[int, int]:
    """Minutes for re-injecting the pods: the guide's pace, up to half as slow again for strategies and budgets."""
    if not pods:
        return (0, 0)
    low = max(1, math.ceil(pods / release.pods_per_minute))
    return (low, max(2, math.ceil(low * 1.5)))


def describe_range(minutes: tuple[int, int]) -> str:
    """`5-10 min`, `1 min` where both ends agree."""
    low, high = minutes
    return f"{low} min" if low == high else f"{low}–{high} min"


def describe_estimate(release: Release, pods: int) -> str:
    """One sentence with both parts, their sum and the source of the figures."""
    plane, sidecars = estimate_control_plane(release), estimate_sidecars(release, pods)
    total = (plane[0] + sidecars[0], plane[1] + sidecars[1])
    return (
        f"control plane {describe_range(plane)}, {pods} sidecars {describe_range(sidecars)}: "
        f"{describe_range(total)} in all (the guide's {release.pods_per_minute} pods/min)"
    )
