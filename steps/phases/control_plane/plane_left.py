"""How long the control plane still takes: what was estimated less what has passed, or by the nodes seen so far."""

from __future__ import annotations

from collections.abc import Iterable

from steps.contract.step import Context
from steps.contract.wording import describe_seconds
from steps.mesh import Workload
from steps.notes.control_plane import AGENTS, AgentsSeen
from steps.workloads.estimate import SEEN_SPREAD, Range, describe_overrun, describe_range, estimate_control_plane

PHASE = "control-plane"


def describe_left(ctx: Context, workloads: Iterable[Workload]) -> str:
    """`; up to 6 min left`, with what the window lacks; "" where nobody has timed the phase."""
    forecast = ctx.forecast()
    passed = forecast.took.get(PHASE)
    agents = measure_agents(ctx, workloads)
    if agents:
        return f"; {describe_range(agents)} left by the nodes so far{describe_overrun(agents, forecast.window_minutes)}"
    if passed is None:
        return ""
    low, high = estimate_control_plane(ctx.release, forecast.measured, forecast.nodes)
    if passed >= high:
        return f"; it takes longer than the {describe_range((low, high))} estimated"
    left = max(0.0, low - passed), high - passed
    return f"; up to {describe_seconds(left[1] * 60)} left{describe_overrun(left, forecast.window_minutes)}"


def measure_agents(ctx: Context, workloads: Iterable[Workload]) -> Range | None:
    """Minutes until the node agent is on every node, by the nodes done since the first look; None where none was.

    It is replaced on one node after the other, so that it ends last wherever there are many.
    """
    agent = max((w for w in workloads if w.ref.kind == "DaemonSet"), key=lambda w: w.replicas, default=None)
    if agent is None or not agent.replicas:
        return None
    first = ctx.recall(AGENTS)
    if first is None:
        ctx.revise(AGENTS, AgentsSeen(ctx.now, agent.updated))
        return None
    done = agent.updated - first.done
    passed = (ctx.now - first.at).total_seconds() / 60
    left = agent.replicas - agent.updated
    if done <= 0 or passed <= 0 or left <= 0:
        return None
    minutes = left * passed / done
    return minutes * SEEN_SPREAD[0], minutes * SEEN_SPREAD[1]
