"""What `/asm-upgrade help` answers: what this person can do now, the commands by what they are for, one in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.likeness import suggest
from bot.orders.cluster_views import ClusterView
from handlers.options import show_word
from handlers.usage import COMMAND, GROUPS, USAGE, Usage

MOST_SHOWN = 5


def write_help(topic: str, clusters: Sequence[ClusterView]) -> str:
    """The help for one person, who sees these clusters; `topic` is a command, a cluster or "" (mrkdwn)."""
    example = clusters[0].key if clusters else "cluster-x"
    for action, usage in USAGE.items():
        if topic == action:
            return _write_usage(usage, example)
    about = [cluster for cluster in clusters if cluster.key == topic]
    if topic and not about:
        known = [*USAGE, *(cluster.key for cluster in clusters)]
        meant = suggest(topic, known, f"{COMMAND} help ") or f" `{COMMAND} help` lists the commands."
        return f"There is no command {show_word(topic)}.{meant}"
    return "\n".join([*_write_now(about or clusters), *([] if about else _write_commands())])


def _write_usage(usage: Usage, cluster: str) -> str:
    lines = [
        f"`{COMMAND} {usage.line}`: {usage.meaning}.",
        f"Example: `{COMMAND} {usage.example.replace('cluster-x', cluster)}`",
        usage.more,
    ]
    return "\n".join(filter(None, lines))


def _write_now(clusters: Sequence[ClusterView]) -> list[str]:
    """What this person can do now, what waits for them first."""
    lines = sorted(line for cluster in clusters for line in _list_doable(cluster))
    if not lines:
        return [f"*Nothing waits for you.* `{COMMAND} status` shows where the upgrades stand."]
    more = [f"… and {len(lines) - MOST_SHOWN} more: `{COMMAND} status`"] if len(lines) > MOST_SHOWN else []
    return ["*What you can do now*", *(line for _, line in lines[:MOST_SHOWN]), *more]


def _list_doable(cluster: ClusterView) -> Iterator[tuple[int, str]]:
    """What can be done with one cluster, with how urgent it is; the first of these is enough."""
    key = cluster.key
    if cluster.asks:
        yield 0, f"• `{key}` asks for your approval: `{COMMAND} approve {key}` shows the card"
    elif "retry" in cluster.allowed:
        yield 1, f"• `{key}` is blocked: `{COMMAND} status {key}` says why, `{COMMAND} retry {key}` tries again"
    elif "resume" in cluster.allowed:
        yield 2, f"• `{key}` is paused: `{COMMAND} resume {key}` goes on"
    elif "pause" in cluster.allowed:
        yield 3, f"• `{key}` is being upgraded: `{COMMAND} status {key}`, or `{COMMAND} pause {key}`"
    elif cluster.may_start and cluster.version != cluster.release:
        what = "proposes its upgrade" if cluster.found else "makes a proposal first"
        yield 4, f"• `{key}` can be upgraded: `{COMMAND} start {key}` {what}"


def _write_commands() -> list[str]:
    groups = [
        f"*{group}*: {' · '.join(f'`{_shorten(usage.line)}`' for usage in USAGE.values() if usage.group == group)}"
        for group in GROUPS
    ]
    return [f"*Commands*, each after `{COMMAND}`", *groups, f"`{COMMAND} help start` explains one, with an example."]


def _shorten(line: str) -> str:
    """The command and what it must be given; what it may be given stands in its own help."""
    words = line.split(" [", 1)
    return f"{words[0]} […]" if (words[1:] and "]..." in line) or len(line) > 40 else line
