"""How many pods each ReplicaSet of a rolling Deployment gets next (source: 1.16's deployment/rolling.go)."""

from __future__ import annotations

from sandbox.cluster.objects.objects import Json, int_or_percent, name_of


def fenceposts(deployment: Json) -> tuple[int, int]:
    """Return (maxSurge, maxUnavailable) in pods; both 0 means that one may be unavailable."""
    spec = deployment["spec"]
    rolling = spec["strategy"].get("rollingUpdate") or {}
    if spec["strategy"]["type"] == "Recreate":
        return 0, int(spec["replicas"])
    surge = int_or_percent(rolling.get("maxSurge"), spec["replicas"], round_up=True)
    unavailable = int_or_percent(rolling.get("maxUnavailable"), spec["replicas"], round_up=False)
    return surge, unavailable if surge or unavailable else 1


def next_sizes(deployment: Json, newest: Json, old: list[Json]) -> dict[str, int]:
    """Return spec.replicas for each set: one step up for the newest, or else one step down for the old ones."""
    wanted = deployment["spec"]["replicas"]
    sizes = {name_of(one): int(one["spec"]["replicas"]) for one in [newest, *old]}
    if deployment["spec"]["strategy"]["type"] == "Recreate":
        return {**sizes, name_of(newest): wanted}
    grown = _grow(deployment, newest, sum(sizes.values()))
    if grown != sizes[name_of(newest)]:
        return {**sizes, name_of(newest): grown}
    return sizes | _shrink(deployment, newest, old)


def first_size(deployment: Json, old: list[Json]) -> int:
    """Return spec.replicas for a set that is about to be made beside the old ones."""
    wanted = int(deployment["spec"]["replicas"])
    if deployment["spec"]["strategy"]["type"] == "Recreate":
        return wanted
    surge, _ = fenceposts(deployment)
    room = wanted + surge - sum(int(one["spec"]["replicas"]) for one in old)
    return max(0, min(room, wanted))


def _grow(deployment: Json, newest: Json, total: int) -> int:
    wanted, has = int(deployment["spec"]["replicas"]), int(newest["spec"]["replicas"])
    if has >= wanted:
        return wanted
    surge, _ = fenceposts(deployment)
    room = wanted + surge - total
    return has + max(0, min(room, wanted - has))


def _shrink(deployment: Json, newest: Json, old: list[Json]) -> dict[str, int]:
    sizes = {name_of(one): int(one["spec"]["replicas"]) for one in old}
    _, unavailable = fenceposts(deployment)
    least = int(deployment["spec"]["replicas"]) - unavailable
    asked = sum(sizes.values()) + int(newest["spec"]["replicas"])
    missing = int(newest["spec"]["replicas"]) - _available(newest)
    spare = asked - least - missing
    for one in old:
        # Pods that serve nobody go first.
        unhealthy = sizes[name_of(one)] - _available(one)
        gone = max(0, min(spare, unhealthy))
        sizes[name_of(one)] -= gone
        spare -= gone
    healthy_spare = _available(newest) + sum(_available(one) for one in old) - least
    for one in old:
        gone = max(0, min(spare, healthy_spare, sizes[name_of(one)]))
        sizes[name_of(one)] -= gone
        spare -= gone
        healthy_spare -= gone
    return sizes


def _available(replica_set: Json) -> int:
    return int((replica_set.get("status") or {}).get("availableReplicas", 0))
