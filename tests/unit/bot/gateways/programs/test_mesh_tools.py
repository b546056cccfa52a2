from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.gateways.calls.credentials import GoogleCredentials
from bot.gateways.programs.kubeconfigs import Kubeconfigs
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.mesh_tools import MeshToolsGateway
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ports import Ended, NotStarted, Running, Tools, ToolVersions
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

    def __init__(self, folder: Path, **options: float) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.runs = ProgramRuns(folder / "runs", self.clock)
        self.address = ClusterAddress("cluster-x", kubeconfig=str(write_kubeconfig(folder, "http://127.0.0.1:9")))
        write_program(folder / "kubectl" / "kubectl", 'echo \'{"clientVersion": {"gitVersion": "v1.18.20"}}\'\n')
        self.environment = {
            "PATH": f"{folder / 'kubectl'}:/usr/bin:/bin",
            "HOME": str(folder),
            "SLACK_BOT_TOKEN": "xoxb-secret",
            "GOOGLE_APPLICATION_CREDENTIALS": "key.json",
        }
        kubeconfigs = Kubeconfigs(folder / "kubeconfigs", NoGke(), GoogleCredentials())
        self.gateway = MeshToolsGateway(
            folder, kubeconfigs, self.environment, lambda: True, self.runs, **{"short_limit": 20.0, **options}
        )


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """Give a gateway with generous limits."""
    return Workbench(tmp_path)


def test_versions_of_istioctl_and_kubectl_are_read(bench: Workbench, make_tools: MakeTools) -> None:
    """Kubectl is the one that istioctl would call."""
    tools = make_tools('echo \'{"clientVersion": {"version": "1.4.10-asm.18"}}\'\n')
    assert bench.gateway.read_versions(tools) == ToolVersions("1.4.10-asm.18", "1.18.20")


def test_version_in_another_form_is_found(bench: Workbench, make_tools: MakeTools) -> None:
    """An istioctl that ignores -o json still tells it."""
    assert bench.gateway.read_versions(make_tools("echo client version: 1.4.10-asm.18\n")).istioctl == "1.4.10-asm.18"


def test_absent_kubectl_is_no_version(tmp_path: Path, make_tools: MakeTools) -> None:
    """A machine without kubectl is told apart from a broken one."""
    bench = Workbench(tmp_path)
    bench.environment["PATH"] = str(tmp_path / "nowhere")
    tools = make_tools('echo \'{"clientVersion": {"version": "1.4.10-asm.18"}}\'\n')
    assert bench.gateway.read_versions(tools).kubectl == ""


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
        bench.gateway.read_versions(make_tools(script))


def test_a_hanging_istioctl_is_killed(tmp_path: Path, make_tools: MakeTools) -> None:
    """A program that never answers has a time limit."""
    bench = Workbench(tmp_path, short_limit=0.2)
    with pytest.raises(TryAgain, match="did not end within"):
        bench.gateway.read_versions(make_tools("sleep 60 & wait\n"))


def test_a_missing_istioctl_is_named(bench: Workbench, make_tools: MakeTools) -> None:
    """A folder that somebody tidied up is a clear sentence."""
    tools = make_tools()
    tools.istioctl.unlink()
    with pytest.raises(GiveUp, match="istioctl could not be"):
        bench.gateway.read_versions(tools)


def test_an_istioctl_changed_on_disk_is_never_run(bench: Workbench, make_tools: MakeTools) -> None:
    """Hashes are taken again before each run."""
    tools = make_tools()
    write_program(tools.istioctl, f"touch {bench.folder / 'was-run'}\n")
    with pytest.raises(GiveUp, match="istioctl was changed on disk"):
        bench.gateway.start_apply("run", bench.address, tools, ARGUMENTS)
    assert bench.gateway.observe_run("run") == NotStarted()


def test_an_asmctl_changed_on_disk_is_never_run(bench: Workbench, make_tools: MakeTools) -> None:
    """The same holds for the other program."""
    tools = make_tools()
    write_program(tools.asmctl, f"touch {bench.folder / 'was-run'}\n")
    with pytest.raises(GiveUp, match="asmctl was changed on disk"):
        bench.gateway.start_validate("run", bench.address, tools, ["validate"])
    assert bench.gateway.observe_run("run") == NotStarted()


def test_rendering_uses_the_flags_of_the_apply(bench: Workbench, make_tools: MakeTools) -> None:
    """Same flags and overlays, other verb, no cluster."""
    rendered = bench.gateway.render_manifest(make_tools(), ARGUMENTS, [OVERLAY])
    words = rendered.split()
    assert words[:-1] == ["manifest", "generate", *ARGUMENTS[2:], "-f"]
    assert Path(words[-1]).read_text() == OVERLAY[1]


def test_warnings_stay_out_of_the_manifest(bench: Workbench, make_tools: MakeTools) -> None:
    """What istioctl says on stderr is not YAML."""
    assert bench.gateway.render_manifest(make_tools("echo warning >&2; echo kind: List\n"), ARGUMENTS) == "kind: List\n"


def test_a_failed_rendering_is_quoted(bench: Workbench, make_tools: MakeTools) -> None:
    """The parser's own words name the flag."""
    tools = make_tools("echo 'bad argument a=b=c: expect format key=value' >&2; exit 255\n")
    with pytest.raises(GiveUp, match="ended with 255: bad argument a=b=c") as raised:
        bench.gateway.render_manifest(tools, ARGUMENTS)
    assert "set flags" in raised.value.remedy


def test_the_dry_run_is_the_apply_with_one_flag_more(bench: Workbench, make_tools: MakeTools) -> None:
    """It reaches the cluster by the same kubeconfig."""
    result = bench.gateway.dry_run(bench.address, make_tools(), ARGUMENTS)
    words = result.output.split()
    assert words[: len(ARGUMENTS)] == list(ARGUMENTS)
    assert words[len(ARGUMENTS)] == "--kubeconfig"
    assert words[-1] == "--dry-run"


def test_the_dry_runs_exit_code_is_for_the_step_to_judge(bench: Workbench, make_tools: MakeTools) -> None:
    """255 is an answer, not a fault of the call."""
    assert bench.gateway.dry_run(bench.address, make_tools("echo no; exit 255\n"), ARGUMENTS).exit_code == 255


def test_apply_is_the_guides_command(bench: Workbench, make_tools: MakeTools) -> None:
    """The arguments, the overlays by -f, the kubeconfig; nothing else."""
    bench.gateway.start_apply("run", bench.address, make_tools(), ARGUMENTS, [OVERLAY])
    assert bench.runs.wait_for_end("run", 20)
    ended = bench.gateway.observe_run("run")
    assert isinstance(ended, Ended)
    words = ended.output.split()
    assert words[: len(ARGUMENTS) + 1] == [*ARGUMENTS, "-f"]
    assert words[-2] == "--kubeconfig"


SECRETS = "token: abcdefghijklmnopqrst\\nkind: Secret\\ndata:\\n  key.pem: c2VjcmV0\\nclient-key-data: LS0tLS1C\\n"


def test_secrets_that_istioctl_prints_go_no_further(bench: Workbench, make_tools: MakeTools) -> None:
    """Journal, thread, attached file, export and log all have what this tells."""
    bench.gateway.start_apply("run", bench.address, make_tools(f"printf '{SECRETS}'\n"), ARGUMENTS)
    assert bench.runs.wait_for_end("run", 20)
    ended = bench.gateway.observe_run("run")
    assert ended == Ended(0, "token: [redacted]\nkind: Secret\ndata: [redacted]\nclient-key-data: [redacted]\n")


def test_secrets_of_a_dry_run_go_no_further(bench: Workbench, make_tools: MakeTools) -> None:
    """Nor do those."""
    assert "c2VjcmV0" not in bench.gateway.dry_run(bench.address, make_tools(f"printf '{SECRETS}'\n"), ARGUMENTS).output


def test_secrets_in_last_words_go_no_further(bench: Workbench, make_tools: MakeTools) -> None:
    """They stand in the sentence of a blocked step."""
    with pytest.raises(GiveUp) as caught:
        bench.gateway.render_manifest(make_tools("echo password=hunter22 >&2; exit 1\n"), ARGUMENTS)
    assert "password=[redacted]" in caught.value.why


def test_asmctl_finds_the_cluster_in_its_environment(bench: Workbench, make_tools: MakeTools) -> None:
    """It takes the guide's arguments and KUBECONFIG."""
    tools = make_tools(asmctl='echo "$KUBECONFIG $@"\n')
    bench.gateway.start_validate("run", bench.address, tools, ["validate", "--with-testing-workloads"])
    assert bench.runs.wait_for_end("run", 20)
    kubeconfig = bench.folder / "kubeconfigs" / "cluster-x.json"
    assert bench.gateway.observe_run("run") == Ended(0, f"{kubeconfig} validate --with-testing-workloads\n")


def test_programs_see_little_of_the_bots_environment(bench: Workbench, make_tools: MakeTools) -> None:
    """Slack's tokens are none of istioctl's business; Google's credentials are."""
    rendered = bench.gateway.render_manifest(make_tools("/usr/bin/env\n"), ARGUMENTS)
    assert "xoxb-secret" not in rendered
    assert "GOOGLE_APPLICATION_CREDENTIALS=key.json" in rendered


def test_the_path_begins_with_the_release_and_kubectl(bench: Workbench, make_tools: MakeTools) -> None:
    """istioctl calls the kubectl whose version was checked."""
    tools = make_tools('echo "$PATH"\n')
    path = bench.gateway.render_manifest(tools, ARGUMENTS).strip().split(os.pathsep)
    assert path[:2] == [str(tools.folder / "bin"), str(bench.folder / "kubectl")]


def test_a_second_bot_adopts_the_apply(bench: Workbench, make_tools: MakeTools, make_fifo: MakeFifo) -> None:
    """After a restart the apply is found running, and never doubled."""
    gate = make_fifo("gate")
    tools = make_tools(f"echo begun; read line < {gate}\n")
    bench.gateway.start_apply("run", bench.address, tools, ARGUMENTS)
    other = Workbench(bench.folder)
    assert isinstance(other.gateway.observe_run("run"), Running)
    other.gateway.start_apply("run", other.address, tools, ARGUMENTS)
    gate.release()
    assert bench.runs.wait_for_end("run", 20)
    assert bench.gateway.observe_run("run") == Ended(0, "begun\n")


def test_an_apply_past_its_limit_is_ended(bench: Workbench, make_tools: MakeTools, make_fifo: MakeFifo) -> None:
    """A hanging istioctl does not hold the upgrade for ever."""
    told = make_fifo("told")
    bench.gateway.start_apply("run", bench.address, make_tools(f"echo > {told}; sleep 600 & wait\n"), ARGUMENTS)
    told.wait_until_told()
    bench.clock.now += 1801
    bench.gateway.observe_run("run")
    assert bench.runs.wait_for_end("run", 20)
    ended = bench.gateway.observe_run("run")
    assert isinstance(ended, Ended)
    assert (ended.exit_code, ended.timed_out) == (-signal.SIGTERM, True)
