"""istioctl 1.4 as far as an upgrade needs it: it reads through its kubeconfig and writes through the kubectl on PATH.

Output, exit codes and order follow istio/operator 1.4.10 (cmd/mesh, pkg/manifest/installer.go): 255 for a failure,
64 for bad flags, Base first and then all other components at once.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from sandbox.release.tools.installer import Failed, Installer, Paper
from sandbox.release.tools.kube_api import TRIES, KubeApi, KubeError, read_access
from sandbox.release.tools.kubectl_calls import Kubectl
from sandbox.release.tools.rendering import NotRendered, generated_text, manifest_text, render_components

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    Json = dict[str, Any]


FAILED = 255
BAD_FLAGS = 64
CANCELLED = 1
RELEASES = ("1.4.5-asm.0", "1.4.6-asm.0", "1.4.7-asm.0", "1.4.9-asm.1", "1.4.10-asm.18")


class Parser(argparse.ArgumentParser):
    """Ends with 64 on bad flags, as istioctl does."""

    def error(self, message: str) -> NoReturn:
        """Write the fault in istioctl's words and leave."""
        unknown = re.search(r"unrecognized arguments: (\S+)", message)
        said = f"unknown flag: {unknown.group(1).partition('=')[0]}" if unknown else message
        sys.stderr.write(f"Error: {said}\n")
        sys.exit(BAD_FLAGS)


def main(version: str, pace: float = 0.0, arguments: list[str] | None = None) -> int:
    """Run istioctl of this version and return its exit code; `pace` is the time in seconds a component takes."""
    asked = _parser().parse_args(arguments)
    commands: dict[str, Callable[[], int]] = {
        "version": lambda: _print_version(version, asked),
        "manifest apply": lambda: _apply(version, asked, pace),
        "manifest generate": lambda: _generate(version, asked),
        "manifest diff": lambda: _diff(asked),
        "manifest versions": lambda: _write_lines("Operator version is 1.4.10.", "", *RELEASES),
        "manifest migrate": lambda: _migrate(asked),
    }
    try:
        return commands[asked.command]()
    except (Failed, KubeError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _apply(version: str, asked: argparse.Namespace, pace: float) -> int:
    if not (asked.filename or asked.set or asked.skip_confirmation or _is_confirmed()):
        sys.stdout.write("Cancelled.\n")
        return CANCELLED
    try:
        components = _render(version, asked)
        api = _connect(asked)
        kubectl = Kubectl(asked.kubeconfig, asked.context, asked.dry_run)
        Installer(api, kubectl, Paper(), pace).install(components)
    except Failed as error:
        raise Failed(f"Failed to generate and apply manifests, error: {error}") from error
    return 0


def _render(version: str, asked: argparse.Namespace) -> dict[str, list[Json]]:
    try:
        return render_components(version, asked.set, asked.filename)
    except NotRendered as error:
        sys.stderr.write(f"{error.hint}\n" if error.hint else "")
        where = "generate tree from the set overlay, error" if error.of_flags else "generate manifest"
        raise Failed(f"failed to {where}: {error}") from error


def _is_confirmed() -> bool:
    sys.stdout.write("This will install the default Istio profile into the cluster. Proceed? (y/N) ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().upper() in ("Y", "YES")


def _connect(asked: argparse.Namespace) -> KubeApi:
    try:
        return _api(asked)
    except KubeError as error:
        raise Failed(f"failed to apply manifest with kubectl client: {error}") from error


def _generate(version: str, asked: argparse.Namespace) -> int:
    try:
        components = render_components(version, asked.set, asked.filename)
    except NotRendered as error:
        raise Failed("\n".join(filter(None, (error.hint, str(error))))) from error
    sys.stdout.write(generated_text(components))
    return 0


def _diff(asked: argparse.Namespace) -> int:
    texts = []
    for name in asked.files:
        try:
            texts.append(Path(name).read_text(encoding="utf-8"))
        except OSError as error:
            raise Failed(f"could not read {name}: {error.strerror}") from error
    if texts[0] == texts[1]:
        return _write_lines("Manifests are identical")
    _write_lines("Differences of manifests are:", "", f"{asked.files[0]} -> {asked.files[1]}")
    return 1


def _migrate(asked: argparse.Namespace) -> int:
    where = {"name": "istio-sidecar-injector", "namespace": "istio-system"}
    live = _api(asked).get({"apiVersion": "v1", "kind": "ConfigMap", "metadata": where})
    if live is None:
        raise Failed('failed to get ConfigMap: configmaps "istio-sidecar-injector" not found')
    spec = {"values": json.loads(live["data"]["values"])}
    kind = {"apiVersion": "install.istio.io/v1alpha2", "kind": "IstioControlPlane", "spec": spec}
    sys.stdout.write(manifest_text([kind]))
    return 0


def _print_version(version: str, asked: argparse.Namespace) -> int:
    running = _running_versions(_api(asked)) if asked.remote else []
    if asked.output == "json":
        client = {"version": version, "revision": "sandbox", "golang_version": "go1.13.9", "status": "Clean"}
        mesh = [{"Component": name, "Info": {"version": tag}} for name, tag in running]
        return _write_lines(json.dumps({"clientVersion": client, **({"meshVersion": mesh} if running else {})}))
    if not asked.remote:
        return _write_lines(version)
    return _write_lines(f"client version: {version}", *(f"{name} version: {tag}" for name, tag in running))


def _running_versions(api: KubeApi) -> list[tuple[str, str]]:
    pods = api.list("v1", "Pod", "istio-system", "istio")
    images = {(pod["metadata"]["labels"]["istio"], pod["spec"]["containers"][0]["image"]) for pod in pods}
    return sorted((name, image.rpartition(":")[2]) for name, image in images if name != "nodeagent")


def _api(asked: argparse.Namespace) -> KubeApi:
    return KubeApi(read_access(asked.kubeconfig, asked.context), tries=TRIES)


def _write_lines(*lines: str) -> int:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _parser() -> Parser:
    # Parsers that aren't told their program look for the width of the terminal, which imports all that packs archives.
    parser = Parser(prog="istioctl", allow_abbrev=False)
    commands = parser.add_subparsers(dest="group", required=True, parser_class=Parser, prog="istioctl")
    version = _command(commands.add_parser("version", allow_abbrev=False), "version")
    version.add_argument("--remote", type=_flag, nargs="?", const=True, default=True)
    version.add_argument("--short", "-s", type=_flag, nargs="?", const=True, default=True)
    version.add_argument("--output", "-o", choices=("json", "yaml", ""), default="")
    kinds = commands.add_parser("manifest", allow_abbrev=False).add_subparsers(
        dest="kind", required=True, parser_class=Parser, prog="istioctl manifest"
    )
    for name in ("apply", "generate", "diff", "versions", "migrate"):
        made = _command(kinds.add_parser(name, allow_abbrev=False), f"manifest {name}")
        if name in ("apply", "generate"):
            _rendering_flags(made, name == "generate")
        if name == "diff":
            made.add_argument("files", nargs=2)
    return parser


def _command(parser: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    parser.set_defaults(command=name)
    parser.add_argument("--kubeconfig", "-c", default="")
    parser.add_argument("--context", default="")
    parser.add_argument("--logtostderr", action="store_true")
    parser.add_argument("--dry-run", type=_flag, nargs="?", const=True, default=False)
    parser.add_argument("--verbose", action="store_true")
    return parser


def _rendering_flags(parser: argparse.ArgumentParser, generates: bool) -> None:
    parser.add_argument("--set", "-s", action="append", default=[])
    parser.add_argument("--filename", "-f", default="")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--skip-confirmation", action="store_true")
    # Accepted and without effect, as in every 1.4: the value is never passed on.
    parser.add_argument("--wait", "-w", action="store_true")
    parser.add_argument("--readiness-timeout", default="300s")
    if generates:
        parser.add_argument("--output", "-o", default="")


def _flag(text: str) -> bool:
    if text.lower() in ("true", "1", "t"):
        return True
    if text.lower() in ("false", "0", "f"):
        return False
    raise argparse.ArgumentTypeError(f"invalid argument {text!r}")
