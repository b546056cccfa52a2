from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.programs.kubeconfigs import Kubeconfigs
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.mesh_tools import MeshToolsGateway, ProgramLimits
from bot.gateways.programs.places import Places
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ports import ApplyRequest, NotStarted, ProgramEnded, Running, Tools
from steps.mesh import ClusterAddress
from tests.fifo import MakeFifo
from tests.unit.bot.gateways.loopback import HandClock, write_kubeconfig
from tests.unit.bot.gateways.project import NoGke

ARGUMENTS = ("manifest", "apply", "--set", "profile=asm", "--set", "values.global.meshID=proj-1|2")
OVERLAY = ("tracing.yaml", "spec: {}\n")
SHOW = 'echo "$@"\n'
MakeTools = Callable[..., Tools]


def write_program(path: Path, script: str) -> str:
    """Write a program for the shell; returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def make_tools(tmp_path: Path) -> MakeTools:
    """Make a release whose programs do what a test says."""

    def make(istioctl: str = SHOW, asmctl: str = SHOW) -> Tools:
        folder = tmp_path / "istio-1.4.10-asm.18"
        programs = folder / "bin" / "istioctl", folder / "bin" / "asmctl"
        hashes = [write_program(path, script) for path, script in zip(programs, (istioctl, asmctl), strict=True)]
        return Tools("1.4.10-asm.18", folder, *programs, *hashes)

    return make


class Workbench:
    """A gateway over programs of the test, and the cluster they are pointed at."""

    def __init__(self, folder: Path, short_limit: float = 20.0) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.runs = ProgramRuns(folder / "runs", Places(4, 1), self.clock)
        self.address = ClusterAddress("cluster-x", kubeconfig=str(write_kubeconfig(folder, "http://127.0.0.1:9")))
        write_program(folder / "kubectl" / "kubectl", 'echo \'{"clientVersion": {"gitVersion": "v1.18.20"}}\'\n')
        self.environment = {
            "PATH": f"{folder / 'kubectl'}:/usr/bin:/bin",
            "HOME": str(folder),
            "SLACK_BOT_TOKEN": "xoxb-secret",
            "GOOGLE_APPLICATION_CREDENTIALS": "key.json",
            "GCE_METADATA_HOST": "metadata.example",
        }
        kubeconfigs = Kubeconfigs(folder / "kubeconfigs", NoGke(), GoogleCredentials())
        limits = ProgramLimits(short=short_limit)
        self.gateway = MeshToolsGateway(folder, kubeconfigs, self.environment, lambda: True, self.runs, limits)

    def record(self, tools: Tools, overlays: tuple[tuple[str, str], ...] = ()) -> None:
        """Start istioctl's apply under the id `run`, with a kubectl that only writes down."""
        kubectl = self.gateway.find_kubectl("v1.20.2")
        assert kubectl is not None
        self.gateway.start_recording(
            "run", self.address, ApplyRequest(tools, kubectl, "uid", ARGUMENTS, overlays), "", looks=True
        )


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """Give a gateway with generous limits."""
    return Workbench(tmp_path)


def test_the_version_of_istioctl_is_read(bench: Workbench, make_tools: MakeTools) -> None:
    """From its JSON."""
    tools = make_tools('echo \'{"clientVersion": {"version": "1.4.10-asm.18"}}\'\n')
    assert bench.gateway.read_istioctl_version(tools) == "1.4.10-asm.18"


def test_version_in_another_form_is_found(bench: Workbench, make_tools: MakeTools) -> None:
    """An istioctl that ignores -o json still tells it."""
    assert bench.gateway.read_istioctl_version(make_tools("echo client version: 1.4.10-asm.18\n")) == "1.4.10-asm.18"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'panic: invalid memory address' >&2; exit 2\n", r"exit code 2\): panic: invalid memory address"),
        ("printf '\\000\\001 lorem \\377'\n", "did not tell its version"),
        ("exit 0\n", "it printed nothing"),
    ],
)
def test_a_broken_istioctl_is_quoted(bench: Workbench, make_tools: MakeTools, script: str, words: str) -> None:
    """Crashing, printing nonsense and saying nothing are one clear sentence each."""
    with pytest.raises(GiveUp, match=words):
        bench.gateway.read_istioctl_version(make_tools(script))


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE])
def test_an_istioctl_that_the_system_has_no_room_for_is_tried_again(
    bench: Workbench, make_tools: MakeTools, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A limit of processes or of memory blocked the upgrade, with a sentence about the state folder."""
    real, tools = subprocess.Popen, make_tools()

    def refuse(arguments: list[str], **more: Any) -> Any:
        if str(tools.istioctl) in arguments:
            raise OSError(number, os.strerror(number))
        return real(arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", refuse)
        with pytest.raises(TryAgain, match="istioctl can't be started now: ") as caught:
            bench.record(tools)
    assert caught.value.changed_nothing
    assert bench.gateway.observe_run("run") == NotStarted()
    bench.record(tools)
    assert bench.runs.wait_for_end("run", 20.0)
    assert isinstance(bench.gateway.observe_run("run"), ProgramEnded)


def test_a_hanging_istioctl_is_killed(tmp_path: Path, make_tools: MakeTools) -> None:
    """A program that never answers has a time limit."""
    bench = Workbench(tmp_path, short_limit=0.2)
    with pytest.raises(TryAgain, match="did not end within"):
        bench.gateway.read_istioctl_version(make_tools("sleep 60 & wait\n"))


def test_a_missing_istioctl_is_named(bench: Workbench, make_tools: MakeTools) -> None:
    """A folder that somebody tidied up is a clear sentence."""
    tools = make_tools()
    tools.istioctl.unlink()
    with pytest.raises(GiveUp, match="istioctl could not be"):
        bench.gateway.read_istioctl_version(tools)


def test_an_istioctl_changed_on_disk_is_never_run(bench: Workbench, make_tools: MakeTools) -> None:
    """Hashes are taken again before each run."""
    tools = make_tools()
    write_program(tools.istioctl, f"touch {bench.folder / 'was-run'}\n")
    with pytest.raises(GiveUp, match="istioctl was changed on disk"):
        bench.record(tools)
    assert bench.gateway.observe_run("run") == NotStarted()


def test_an_asmctl_changed_on_disk_is_never_run(bench: Workbench, make_tools: MakeTools) -> None:
    """The same holds for the other program."""
    tools = make_tools()
    write_program(tools.asmctl, f"touch {bench.folder / 'was-run'}\n")
    with pytest.raises(GiveUp, match="asmctl was changed on disk"):
        bench.gateway.start_validate("run", bench.address, tools, ["validate"])
    assert bench.gateway.observe_run("run") == NotStarted()


def test_apply_is_the_guides_command(bench: Workbench, make_tools: MakeTools) -> None:
    """The arguments, the overlays by -f, the kubeconfig; nothing else."""
    bench.record(make_tools(), (OVERLAY,))
    assert bench.runs.wait_for_end("run", 20)
    ended = bench.gateway.observe_run("run")
    assert isinstance(ended, ProgramEnded)
    words = ended.output.split()
    assert words[: len(ARGUMENTS) + 1] == [*ARGUMENTS, "-f"]
    assert words[-2] == "--kubeconfig"


SECRETS = "token: abcdefghijklmnopqrst\\nkind: Secret\\ndata:\\n  key.pem: c2VjcmV0\\nclient-key-data: LS0tLS1C\\n"


def test_secrets_that_istioctl_prints_go_no_further(bench: Workbench, make_tools: MakeTools) -> None:
    """Journal, thread, attached file, export and log all have what this tells."""
    bench.record(make_tools(f"printf '{SECRETS}'\n"))
    assert bench.runs.wait_for_end("run", 20)
    ended = bench.gateway.observe_run("run")
    assert ended == ProgramEnded(0, "token: [redacted]\nkind: Secret\ndata: [redacted]\nclient-key-data: [redacted]\n")


def test_secrets_in_last_words_go_no_further(bench: Workbench, make_tools: MakeTools) -> None:
    """They stand in the sentence of a blocked step."""
    with pytest.raises(GiveUp) as caught:
        bench.gateway.read_istioctl_version(make_tools("echo password=hunter22 >&2; exit 1\n"))
    assert "password=[redacted]" in caught.value.why


def test_asmctl_finds_the_cluster_in_its_environment(bench: Workbench, make_tools: MakeTools) -> None:
    """It takes the guide's arguments and KUBECONFIG."""
    tools = make_tools(asmctl='echo "$KUBECONFIG $@"\n')
    bench.gateway.start_validate("run", bench.address, tools, ["validate", "--with-testing-workloads"])
    assert bench.runs.wait_for_end("run", 20)
    kubeconfig = bench.folder / "kubeconfigs" / "cluster-x.json"
    assert bench.gateway.observe_run("run") == ProgramEnded(0, f"{kubeconfig} validate --with-testing-workloads\n")


def test_asmctl_sees_little_of_the_bots_environment(bench: Workbench, make_tools: MakeTools) -> None:
    """Slack's tokens are none of its business; Google's credentials are."""
    bench.gateway.start_validate("run", bench.address, make_tools(asmctl="/usr/bin/env\n"), ["validate"])
    assert bench.runs.wait_for_end("run", 20)
    ended = bench.gateway.observe_run("run")
    assert isinstance(ended, ProgramEnded)
    assert "xoxb-secret" not in ended.output
    assert "GOOGLE_APPLICATION_CREDENTIALS=key.json" in ended.output
    assert "GCE_METADATA_HOST=metadata.example" in ended.output


def test_versions_are_asked_for_without_credentials(bench: Workbench, make_tools: MakeTools) -> None:
    """A program that only tells its version needs none."""
    told = bench.folder / "told"
    version = '{"clientVersion": {"version": "1.4.10-asm.18"}}'
    bench.gateway.read_istioctl_version(make_tools(f"/usr/bin/env >{told}; echo '{version}'\n"))
    assert not {"GOOGLE_APPLICATION_CREDENTIALS", "SLACK_BOT_TOKEN", "KUBECONFIG"} & {
        line.partition("=")[0] for line in told.read_text().splitlines()
    }


def test_a_second_bot_adopts_the_apply(bench: Workbench, make_tools: MakeTools, make_fifo: MakeFifo) -> None:
    """After a restart the apply is found running, and never doubled."""
    gate = make_fifo("gate")
    tools = make_tools(f"echo begun; read line < {gate}\n")
    bench.record(tools)
    other = Workbench(bench.folder)
    assert isinstance(other.gateway.observe_run("run"), Running)
    other.record(tools)
    gate.release()
    assert bench.runs.wait_for_end("run", 20)
    assert bench.gateway.observe_run("run") == ProgramEnded(0, "begun\n")


def test_an_apply_past_its_limit_is_ended(bench: Workbench, make_tools: MakeTools, make_fifo: MakeFifo) -> None:
    """A hanging istioctl does not hold the upgrade for ever."""
    told = make_fifo("told")
    bench.record(make_tools(f"echo > {told}; /bin/sleep 600 & wait\n"))
    told.wait_until_told()
    bench.clock.now += 301
    bench.gateway.observe_run("run")
    assert bench.runs.wait_for_end("run", 20)
    ended = bench.gateway.observe_run("run")
    assert isinstance(ended, ProgramEnded)
    assert (ended.exit_code, ended.timed_out) == (-signal.SIGTERM, True)
