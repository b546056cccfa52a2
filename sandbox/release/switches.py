"""What can be broken about the release server."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.release.programs import ToolFault


@dataclass
class ReleaseSwitches:
    """Faults of the release server; every one off at the start.

    `truncate` cuts the connection at that byte of the file, `bytes_per_second` slows it down, `redirect` names
    the site (scheme, host and port) that requests are sent on to, `status` answers every request with that
    status, `tool_fault` and `tool_pace` (seconds a component) go into archives built from now on.
    """

    ignore_range: bool = False
    truncate: int = 0
    tamper: bool = False
    drop_signature: bool = False
    redirect: str = ""
    bytes_per_second: int = 0
    status: int = 0
    tool_fault: ToolFault = ""
    tool_pace: float = 0.0
