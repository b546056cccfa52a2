"""Where the sandbox keeps what it makes: one folder, thrown away at the end or named with --state."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StateFolder:
    """The sandbox's folder and the names inside it. The bot is given its own corner and no more."""

    root: Path

    @property
    def signing_key(self) -> Path:
        """The release's private key."""
        return self.root / "release" / "signing-key.pem"

    @property
    def releases(self) -> Path:
        """Release files for the bot."""
        return self.root / "release" / "files"

    @property
    def service_account(self) -> Path:
        """The bot's Google service-account key."""
        return self.root / "google" / "service-account.json"

    @property
    def no_login(self) -> Path:
        """Where nobody is logged in to Google Cloud; nothing is ever there."""
        return self.root / "google" / "no-login"

    @property
    def certificates(self) -> Path:
        """The simulated cluster's certificate authority and serving certificate."""
        return self.root / "cluster" / "tls"

    @property
    def cluster(self) -> Path:
        """What the simulated cluster held when the sandbox stopped."""
        return self.root / "cluster" / "objects.json"

    @property
    def kubeconfig(self) -> Path:
        """For a person's own kubectl."""
        return self.root / "kubeconfig"

    @property
    def attached(self) -> Path:
        """Which cluster was given in place of the simulated one."""
        return self.root / "cluster" / "attached.json"

    @property
    def bot_kubeconfig(self) -> Path:
        """The bot's own way into a cluster that was given."""
        return self.root / "bot" / "kubeconfig.json"

    @property
    def slack(self) -> Path:
        """What the Slack stand-in held when the sandbox stopped."""
        return self.root / "slack" / "messages.json"

    @property
    def clusters_file(self) -> Path:
        """The bot's clusters.toml."""
        return self.root / "bot" / "clusters.toml"

    @property
    def bot(self) -> Path:
        """The bot's own state: journal, downloads, outputs."""
        return self.root / "bot" / "state"

    @property
    def bot_output(self) -> Path:
        """What the bot wrote to its standard output and error."""
        return self.root / "bot" / "output.log"

    @property
    def tools(self) -> Path:
        """Programs put in front of the bot's PATH."""
        return self.root / "bot" / "bin"

    @property
    def clock(self) -> Path:
        """The simulated time when the sandbox stopped."""
        return self.root / "clock.json"


@contextmanager
def hold_folder(root: Path) -> Iterator[StateFolder]:
    """The folder, for this sandbox alone. Raises RuntimeError where another one has it."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "sandbox.lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(
                f"{root} is in use by another sandbox; stop that one, or choose another folder for --state"
            ) from None
        yield StateFolder(root.resolve())


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    Path(draft).replace(path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON document that only its owner reads, whole or not at all."""
    write_private(path, json.dumps(value))


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON document; None where there is none. Raises ValueError naming the file when it is damaged."""
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); remove it, or choose another folder for --state") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} is damaged (not a JSON object); remove it, or choose another folder for --state")
    return value
