"""kubectl's command line, as far as this stand-in knows it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = ("apply", "config", "delete", "get", "version")
LONG = {
    "-n": "--namespace", "-o": "--output", "-l": "--selector", "-f": "--filename", "-A": "--all-namespaces",
}  # fmt: skip
VALUED = frozenset({
    "--kubeconfig", "--context", "--namespace", "--output", "--selector", "--filename", "--request-timeout",
})  # fmt: skip
SWITCHES = frozenset({
    "--all-namespaces", "--force", "--prune", "--client", "--short", "--minify", "--raw", "--ignore-not-found",
    "--wait",
})  # fmt: skip


class BadCommand(Exception):
    """A command line that kubectl refuses; the text is kubectl's own."""


class Asked:
    """A command with its words and flags."""

    def __init__(self, command: str, words: tuple[str, ...], flags: dict[str, str]) -> None:
        self.command = command
        self.words = words
        self.flags = flags

    def text(self, name: str) -> str:
        """Return the value of a flag, empty where it isn't given."""
        return self.flags.get(name, "")

    def has(self, name: str) -> bool:
        """Tell whether a switch is on."""
        return self.flags.get(name, "false") == "true"


def read_command(arguments: Sequence[str]) -> Asked:
    """Take a command line apart. Raises BadCommand."""
    words: list[str] = []
    flags: dict[str, str] = {}
    rest = iter(arguments)
    for given in rest:
        name, equals, value = given.partition("=") if given.startswith("--") else (given, "", "")
        name = LONG.get(name, name)
        if name in VALUED:
            flags[name] = value if equals else _next(rest, name)
        elif name in SWITCHES:
            flags[name] = value or "true"
        elif given.startswith("--"):
            raise BadCommand(f"Error: unknown flag: {name}\nSee 'kubectl {' '.join(words[:1])} --help' for usage.")
        elif given.startswith("-") and given != "-":
            raise BadCommand(f"Error: unknown shorthand flag: {given[1:2]!r} in {given}")
        else:
            words.append(given)
    if not words or words[0] not in COMMANDS:
        raise BadCommand(f'Error: unknown command "{" ".join(words[:1])}" for "kubectl"')
    return Asked(words[0], tuple(words[1:]), flags)


def _next(rest: object, name: str) -> str:
    value = next(rest, None)  # type: ignore[call-overload]
    if value is None:
        raise BadCommand(f"Error: flag needs an argument: {name}")
    return str(value)
