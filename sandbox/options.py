"""What a person asked the sandbox for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AttachOptions:
    """A cluster to take in place of the simulated one.

    `webhook_address` is this machine's as the cluster's API server sees it; `yes` asks nothing; `remove` takes the
    demo out and starts no sandbox.
    """

    kubeconfig: Path
    context: str = ""
    webhook_address: str = "127.0.0.1"
    yes: bool = False
    remove: bool = False


KEY_FILE = "key-file"
WORKLOAD_IDENTITY = "workload-identity"


@dataclass(frozen=True)
class SandboxOptions:
    """The options of `asm-upgrade sandbox`.

    `speed` is that of the simulated clock, None for the default; `port` is the page's, 0 for a free one;
    `state` None means a folder that is thrown away at the end; `http` has Slack reach the bot by signed requests
    instead of Socket Mode; `time_limit` is in real seconds and holds with `leave` only; `attach` names a cluster to
    use in place of the simulated one; `weather` names what goes wrong in the simulated one from the start;
    `credentials` says how the bot gets its Google account's tokens: by a key file, or by Workload Identity from a
    metadata server.
    """

    auto_approve: bool = False
    leave: bool = False
    speed: float | None = None
    port: int = 0
    as_json: bool = False
    state: Path | None = None
    no_bot: bool = False
    http: bool = False
    time_limit: float = 300.0
    attach: AttachOptions | None = None
    weather: tuple[str, ...] = ()
    credentials: str = KEY_FILE
