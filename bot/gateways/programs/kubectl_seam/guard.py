"""The `kubectl` on istioctl's PATH: it writes an apply down, or passes on what was approved and nothing else.

This file is a program of its own. The bot copies it into the folder of a run, beside its rules, and starts it as
`python -I -S guard.py HASH ARGUMENTS...`, where HASH is that of the rules. Nothing is taken from the environment.
It is started up to thirty times a run, so it imports little (not even pathlib), and no other module of the bot.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from bot.gateways.programs.kubectl_seam.rules import ApprovedCall, HandedObject, RenewedLeaf, Rules

COMPONENT = "operator.istio.io/component"
READ_UID = ("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
MOST_STDIN = 20_000_000
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# What kubectl prints where a list of several kinds is empty.
NOTHING_FOUND = b'apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: ""\n'
MADE_ANEW = "(made anew at each rendering)"
# How istioctl 1.4 calls kubectl; a call of another form is not passed on.
VALUED = ("--kubeconfig", "-n", "-o", "--selector", "-f")
PLAIN = ("--all-namespaces", "--force", "--prune")
DEPRECATED = re.compile(rb"Warning: \S+ \S+ is deprecated in v1\.\d+\+, unavailable in v1\.\d+\+(?:; use [^\n]*)?")
# An API server that has just started also lacks kinds for some seconds; those of Base are there before others come.
NO_CONNECTION = re.compile(
    rb"connection to the server \S+ was refused|connection refused|connection reset by peer|TLS handshake timeout"
    rb"|i/o timeout|\bEOF\b|http2: client connection lost"
    rb"|the server doesn't have a resource type \"all\"|no matches for kind \"\w+\" in version"
)
# Here the API server speaks of a connection of its own.
NOT_OURS = re.compile(rb"failed calling (?:admission )?webhook")
TEXT_MADE_ANEW = r"[A-Za-z0-9+/=_-]{8,}"


class CallRefused(Exception):
    """The call is not passed on; the text is one sentence for a person."""


class Late(CallRefused):
    """The call came after the end of the istioctl that made it; nothing was wrong with it."""


class Invocation:
    """One call of kubectl, taken apart."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.verb = arguments[0] if arguments else ""
        self._words: list[str] = []
        self.options: dict[str, str] = {}
        rest = iter(arguments[1:])
        for word in rest:
            if word in VALUED:
                self.options[word] = next(rest, "")
            elif word in PLAIN:
                self.options[word] = ""
            elif word.startswith("-"):
                raise CallRefused(f"istioctl called kubectl with {word}, which it isn't known to do")
            else:
                self._words.append(word)

    def list_arguments(self, *without: str) -> list[str]:
        """The arguments in their order, without some flags."""
        flags = ([name, text] if name in VALUED else [name] for name, text in self.options.items())
        return [self.verb, *self._words, *(part for flag in flags if flag[0] not in without for part in flag)]

    def name_component(self) -> str:
        """The component of the selector, empty where there is none."""
        name, _, component = self.options.get("--selector", "").partition("=")
        return component if name == COMPONENT else ""


class CallFolder:
    """What is written down of one call: a folder of its own, each file of ours written once and synced."""

    def __init__(self, calls: str) -> None:
        self.folder = f"{calls}/{time.monotonic_ns():020d}-{os.getpid()}"
        os.mkdir(self.folder, 0o700)
        _sync(calls)
        self.stdout, self.stderr = f"{self.folder}/stdout", f"{self.folder}/stderr"

    def write(self, name: str, content: bytes | Mapping[str, object]) -> None:
        """Write a new file, for good."""
        _write_new(f"{self.folder}/{name}", content if isinstance(content, bytes) else json.dumps(content).encode())


class Guard:
    """One call under the rules of its run."""

    def __init__(self, home: str, rules: Rules, notes: CallFolder, sleep: Callable[[float], None]) -> None:
        self._home = home
        self._rules = rules
        self._notes = notes
        self._sleep = sleep
        self.verdict = "refused"
        self.component = ""
        self.attempts = 0

    def answer(self, arguments: Sequence[str]) -> int:
        """Do with one call what the rules say and return its exit code. Raises CallRefused."""
        self._check_may_start()
        asked = Invocation(arguments)
        content = _read_stdin() if asked.options.get("-f") == "-" else None
        if content is not None:
            self._notes.write("stdin", content)
        given = asked.options.get("--kubeconfig")
        if given not in (None, self._rules["kubeconfig"]["path"]):
            raise CallRefused(f"istioctl named the kubeconfig {given}, which is not that of this run")
        self.component = asked.name_component()
        if asked.verb == "get" and content is None:
            return self._look(asked)
        if asked.verb == "delete" and content is not None:
            self.verdict = "answered"  # removals are the bot's own, one by one, after the apply
            return 0
        if asked.verb == "apply" and content is not None:
            return self._record(content) if self._rules["mode"] == "recording" else self._pass_write(asked, content)
        raise CallRefused(f"istioctl called `kubectl {asked.verb}`, which it isn't known to do")

    def _look(self, asked: Invocation) -> int:
        if not self._rules["looks"]:
            self.verdict = "answered"
            self._notes.write("stdout", NOTHING_FOUND)
            return 0
        self.verdict = "passed"
        return self._call_kubectl(asked.list_arguments("--kubeconfig"), None, self._notes.stdout)

    def _record(self, content: bytes) -> int:
        objects = read_objects(content)
        self.component = self.component or _find_component(objects)
        self._notes.write("stdout", "".join(f"{key} recorded\n" for key in objects).encode())
        self.verdict = "recorded"
        return 0

    def _pass_write(self, asked: Invocation, content: bytes) -> int:
        call = self._find_approved(asked.list_arguments("--kubeconfig"), content)
        self.component = call["component"]
        try:
            _write_new(f"{self._home}/claims/{os.path.basename(call['file'])}", b"")
        except FileExistsError:
            raise CallRefused(f"a part of {self.component} was handed over a second time in one run") from None
        arguments = asked.list_arguments("--kubeconfig", "--force", "--prune", "--selector")
        return self._call_kubectl(arguments, f"{self._home}/{call['file']}", self._notes.stdout)

    def _find_approved(self, arguments: list[str], content: bytes) -> ApprovedCall:
        """The call of the approved record that this one is. Raises CallRefused, naming what differs."""
        alike = [call for call in self._rules["record"] if call["arguments"] == arguments]
        if not alike:
            raise CallRefused(f"`kubectl {' '.join(arguments)}` is not in the approved record")
        given = read_objects(content)
        known: set[str] = set()
        for call in alike:
            approved = _read(f"{self._home}/{call['file']}")
            if hashlib.sha256(approved).hexdigest() != call["sha256"]:
                raise CallRefused(f"the approved record of {call['component']} was changed on disk")
            wanted = read_objects(approved)
            if approved == content or wanted.keys() == given.keys():
                _check_objects(wanted, given, call["renewed"])
                return call
            known |= wanted.keys()
        new = sorted(given.keys() - known)
        raise CallRefused(f"{new[0] if new else 'this choice of objects'} is not in the approved record")

    def _try_write(self, arguments: Sequence[str], stdin: str, stdout: str) -> int:
        """Kubectl's exit code, also where it can't tell the cluster. Raises CallRefused where it is another one."""
        found = f"{self._notes.folder}/uid"
        self.verdict = "passed" if self.verdict == "passed" else "failed"
        code = self._run_kubectl(READ_UID, None, found)
        if code:
            return code
        if _read(found).decode().strip() != self._rules["cluster_uid"]:
            raise CallRefused("the cluster behind the kubeconfig is not the approved one (by the UID of kube-system)")
        self.verdict = "passed"
        self.attempts += 1
        return self._run_kubectl(arguments, stdin, stdout)

    def _call_kubectl(self, arguments: Sequence[str], stdin: str | None, stdout: str) -> int:
        """Run the real kubectl, again and again while the connection is at fault, and return its exit code."""
        given_up = 0.0
        for attempt in range(1_000_000):
            self._check_may_start()
            self._check_files()
            self.attempts += 1
            code = self._try_write(arguments, stdin, stdout) if stdin else self._run_kubectl(arguments, None, stdout)
            if code == 0 or not is_connection_fault(_read(self._notes.stderr)):
                break
            given_up = given_up or time.monotonic() + self._rules["patience"]
            left = given_up - time.monotonic()
            if left <= 0:
                break
            self._sleep(min(PAUSES[min(attempt, len(PAUSES) - 1)], left))
        return code

    def _check_may_start(self) -> None:
        path, descriptor = self._rules["lock"]["path"], self._rules["lock"]["descriptor"]
        if time.monotonic() > self._rules["deadline"]:
            raise CallRefused("the time limit of this run is over")
        if _read(path).decode().strip() != str(os.getppid()):
            raise Late("the istioctl of this run has ended")
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                os.set_inheritable(descriptor, True)  # a kubectl that outlives everybody else still holds the lock
                return
        raise CallRefused("istioctl did not hand on the lock of its run")

    def _check_files(self) -> None:
        kubectl, kubeconfig = self._rules["kubectl"], self._rules["kubeconfig"]
        for bound, what in ((kubectl, "kubectl"), (kubeconfig, "the kubeconfig of this run")):
            path = bound["path"]
            with open(path, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != bound["sha256"]:
                    raise CallRefused(f"{what} was changed on disk after it was checked ({path})")

    def _run_kubectl(self, arguments: Sequence[str], stdin: str | None, stdout: str) -> int:
        kubectl, fresh = self._rules["kubectl"]["path"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        pid = os.posix_spawn(
            kubectl,
            [kubectl, *arguments, "--kubeconfig", self._rules["kubeconfig"]["path"]],
            self._rules["environment"],
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, stdin or os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, stdout, fresh, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, self._notes.stderr, fresh, 0o600),
            ],
        )
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code if code >= 0 else 128 - code


def main(arguments: Sequence[str], home: Path | str, sleep: Callable[[float], None] = time.sleep) -> int:
    """Answer one call of kubectl and return its exit code; `arguments` begin with the hash of the rules."""
    place = os.fspath(home)
    try:
        rules = _read_rules(place, arguments[0] if arguments else "")
        notes = CallFolder(f"{place}/calls")
        notes.write("begun.json", {"arguments": list(arguments[1:])})
    except (CallRefused, OSError) as refused:
        _complain(f"{refused}. Nothing was passed on.")
        return 1
    return _answer_noted(Guard(place, rules, notes, sleep), notes, arguments[1:])


def _answer_noted(guard: Guard, notes: CallFolder, arguments: Sequence[str]) -> int:
    """Answer a call and write down how it ended, before istioctl learns it."""
    sentence, verdict = "", "refused"
    try:
        code = guard.answer(arguments)
    except CallRefused as refused:
        code, sentence = 1, f"{refused}. This call was not passed on."
        verdict = "late" if isinstance(refused, Late) else verdict
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        code, sentence = 1, f"this call could not be judged ({type(error).__name__}: {error})"
    errors, dropped = drop_deprecations(_read_optional(notes.stderr))
    ended = {"component": guard.component, "exit_code": code, "attempts": guard.attempts, "deprecations": dropped}
    notes.write("end.json", {"verdict": verdict if sentence else guard.verdict, "sentence": sentence, **ended})
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(_read_optional(notes.stdout))
        sys.stdout.buffer.flush()
        sys.stderr.buffer.write(errors)
        sys.stderr.buffer.flush()
        if sentence:
            _complain(sentence)
    return code


def _complain(sentence: str) -> None:
    sys.stderr.write(f"error: refused by the bot's guard: {sentence}\n")


def _read_rules(home: str, sha256: str) -> Rules:
    for place, most in ((home, 0o700), (f"{home}/rules.json", 0o600)):
        found = os.lstat(place)
        if found.st_uid != os.getuid() or found.st_mode & 0o777 & ~most or os.path.islink(place):
            raise CallRefused(f"{place} is not this user's own")
    content = _read(f"{home}/rules.json")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CallRefused("the rules of this run were changed on disk")
    rules: Rules = json.loads(content)
    return rules


def _read_stdin() -> bytes:
    content = sys.stdin.buffer.read(MOST_STDIN + 1)
    if len(content) > MOST_STDIN:
        raise CallRefused(f"istioctl handed over more than {MOST_STDIN // 1_000_000} MB at once")
    return content


def read_objects(content: bytes) -> dict[str, HandedObject]:
    """A stream's objects, by what makes them the same ones. Raises CallRefused where it is no stream of JSON."""
    text, decoder, at = content.decode().strip(), json.JSONDecoder(), 0
    objects: dict[str, HandedObject] = {}
    try:
        while at < len(text):
            made, end = decoder.raw_decode(text, at)
            at = end + len(text[end:]) - len(text[end:].lstrip())
            metadata = made["metadata"]
            key = f"{made['apiVersion']}/{made['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"
            if objects.setdefault(key, made) is not made:
                raise CallRefused(f"istioctl handed over {key} twice at once")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CallRefused(f"istioctl handed over something else than objects in JSON ({error})") from error
    if not objects:
        raise CallRefused("istioctl handed over no objects")
    return objects


def _find_component(objects: dict[str, HandedObject]) -> str:
    named = {(made["metadata"].get("labels") or {}).get(COMPONENT, "") for made in objects.values()}
    if len(named) != 1 or named == {""}:
        raise CallRefused("istioctl handed over objects of several components, or of none")
    return str(named.pop())


def _check_objects(
    wanted: Mapping[str, HandedObject], given: Mapping[str, HandedObject], renewed: Sequence[RenewedLeaf]
) -> None:
    """Raises CallRefused unless these objects are the approved ones but for leaves that are made anew each time."""
    for leaf in renewed:
        for objects in (wanted, given):
            blank_leaf(objects[leaf["object"]], leaf["path"], leaf["line"])
    for key, approved in wanted.items():
        if approved != given[key]:
            path = ".".join(_find_difference(approved, given[key]))
            raise CallRefused(f"{key} is not as approved: {path} is another")


def blank_leaf(made: Any, path: Sequence[str | int], line: str) -> None:
    """Put a mark in the place of a leaf made anew (the value of one line, or all of it) if it has the usual form."""
    *branches, last = path
    for part in branches:
        made = made[part]
    before = rf"(?m)^([^\S\n]*{re.escape(line)}:\s*)" if line else r"\A()"
    value = rf"{before}[\"']?{TEXT_MADE_ANEW}[\"']?$"
    made[last] = re.sub(value, lambda found: found.group(1) + MADE_ANEW, made[last])


def _find_difference(one: Any, other: Any) -> list[str]:
    """The path of the first difference of two unequal values."""
    if isinstance(one, dict) and isinstance(other, dict):
        key = next(key for key in [*one, *other] if one.get(key) != other.get(key))
        return [str(key), *_find_difference(one.get(key), other.get(key))]
    return []


def drop_deprecations(errors: bytes) -> tuple[bytes, int]:
    """Kubectl's errors without the server's notices of deprecation, and how many those were."""
    lines = errors.splitlines(keepends=True)
    kept = [line for line in lines if not DEPRECATED.fullmatch(line.rstrip(b"\r\n"))]
    return b"".join(kept), len(lines) - len(kept)


def is_connection_fault(errors: bytes) -> bool:
    """Whether a line of kubectl's errors says that the API server was not there, or not whole, just now."""
    return any(NO_CONNECTION.search(line) and not NOT_OURS.search(line) for line in errors.splitlines())


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _read_optional(path: str) -> bytes:
    return _read(path) if os.path.exists(path) else b""


def _write_new(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync(os.path.dirname(path))


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.path.dirname(os.path.abspath(__file__))))
