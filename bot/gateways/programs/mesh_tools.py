"""The port `MeshTools`: istioctl and asmctl of an unpacked release as child programs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.gateways.calls.faults import judge_disk
from bot.gateways.programs.guarded_runs import GuardedRuns, check_program
from bot.gateways.programs.kubeconfigs import Kubeconfigs
from bot.gateways.programs.kubectl import find_kubectl, parse_kubectl_version
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.short_programs import run_program
from steps.contract.errors import StepError
from steps.contract.ports import ApplyRequest, Kubectl, KubectlCall, Recording, RunState, Tools
from steps.contract.record import Record
from steps.mesh import ClusterAddress

# What a program gets of the bot's own environment, besides PATH and KUBECONFIG.
PASSED_ON = (
    "HOME",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GCE_METADATA_HOST",
    "CLOUDSDK_CONFIG",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "TMPDIR",
)


@dataclass(frozen=True)
class ProgramLimits:
    """How long each program may run, in seconds; `short` is for those that only answer a question."""

    short: float = 60.0
    apply: float = 1800.0
    validate: float = 900.0


class MeshToolsGateway:
    """Runs the tools under `folder`. One instance for the whole program, thread-safe.

    `environment` is the bot's own: its PATH is where kubectl is looked for.
    """

    def __init__(
        self,
        folder: Path,
        kubeconfigs: Kubeconfigs,
        environment: Mapping[str, str],
        are_credentials_found: Callable[[], bool],
        runs: ProgramRuns,
        limits: ProgramLimits,
    ) -> None:
        self._folder = folder.absolute()
        self._kubeconfigs = kubeconfigs
        self._environment = environment
        self._are_credentials_found = are_credentials_found
        self._runs = runs
        self._limits = limits
        self._guarded = GuardedRuns(self._runs, kubeconfigs, environment, self._refresh_token, limits.apply)

    def read_istioctl_version(self, tools: Tools) -> str:
        check_program(tools.istioctl, tools.istioctl_sha256)
        arguments = [str(tools.istioctl), "version", "--remote=false", "-o", "json"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self._folder), "LANG": "C.UTF-8"}
        return parse_kubectl_version("istioctl", run_program(arguments, environment, self._limits.short))

    def find_kubectl(self, server_version: str) -> Kubectl | None:
        return find_kubectl(self._environment.get("PATH", os.defpath), server_version, self._limits.short)

    def start_recording(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, acting_for: str, *, looks: bool
    ) -> None:
        self._guarded.start_recording(run_id, address, request, acting_for, looks=looks)

    def read_recording(self, run_id: str) -> Recording:
        return self._guarded.read_recording(run_id)

    def start_apply(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, record: Record, recorded_by: str
    ) -> None:
        self._guarded.start_apply(run_id, address, request, record, recorded_by)

    def list_calls(self, run_id: str) -> tuple[KubectlCall, ...]:
        return self._guarded.list_calls(run_id)

    def start_validate(self, run_id: str, address: ClusterAddress, tools: Tools, arguments: Sequence[str]) -> None:
        check_program(tools.asmctl, tools.asmctl_sha256)
        kubeconfig = self._kubeconfigs.write_kubeconfig(address)
        environment = self._compose_environment(tools, kubeconfig)
        self._start(run_id, [str(tools.asmctl), *arguments], environment, self._limits.validate)

    def observe_run(self, run_id: str) -> RunState:
        self._refresh_token()
        try:
            return self._runs.observe(run_id)
        except OSError as error:
            raise judge_disk(error, self._folder) from error

    def admit_run(self, run_id: str) -> None:
        self._runs.admit(run_id)

    def list_running(self, upgrade_id: str) -> tuple[str, ...]:
        return self._runs.list_running(f"{upgrade_id}-")

    def has_default_credentials(self) -> bool:
        return self._are_credentials_found()

    def _start(self, run_id: str, command: Sequence[str], environment: Mapping[str, str], limit: float) -> None:
        try:
            self._runs.start(run_id, command, environment, limit, self._refresh_token)
        except OSError as error:
            raise judge_disk(error, self._folder) from error

    def _refresh_token(self) -> None:
        # A program that still runs has a token for some minutes yet; the next look tries again.
        with suppress(StepError):
            self._kubeconfigs.refresh_token()

    def _compose_environment(self, tools: Tools | None, kubeconfig: Path | None) -> dict[str, str]:
        folders = [*([str(tools.folder / "bin")] if tools else []), *self._find_kubectl_folder(), "/usr/bin", "/bin"]
        environment = {name: self._environment[name] for name in PASSED_ON if name in self._environment}
        environment["PATH"] = os.pathsep.join(folders)
        environment["LANG"] = "C.UTF-8"
        if kubeconfig is not None:
            environment["KUBECONFIG"] = str(kubeconfig)
        return environment

    def _find_kubectl(self) -> str:
        return shutil.which("kubectl", path=self._environment.get("PATH", os.defpath)) or ""

    def _find_kubectl_folder(self) -> list[str]:
        kubectl = self._find_kubectl()
        return [str(Path(kubectl).parent.absolute())] if kubectl else []
