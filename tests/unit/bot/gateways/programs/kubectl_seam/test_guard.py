from __future__ import annotations

import hashlib
import json
import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.gateways.programs.kubectl_seam.call_log import read_calls
from bot.gateways.programs.kubectl_seam.guard import drop_deprecations, is_connection_fault, main
from bot.gateways.programs.kubectl_seam.recording import HandedOver
from steps.contract.record import Leaf
from tests.unit.bot.gateways.programs.kubectl_seam.rig import (
    BASE,
    PARENT,
    SELECTOR,
    UID,
    Yard,
    apply_of,
    limits,
    made,
    stream,
)

PILOT = stream(made("ConfigMap", "istio", data={"mesh": "a"}), made("Service", "istio-pilot"))
GET = ("get", "all", "-o", "yaml", "--all-namespaces", "--selector", f"{SELECTOR}=Grafana")
WARNING = (
    "Warning: apiextensions.k8s.io/v1beta1 CustomResourceDefinition is deprecated in v1.16+, unavailable in v1.22+; "
    "use apiextensions.k8s.io/v1 CustomResourceDefinition\n"
)
REFUSED = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n"


def test_a_recorded_apply_changes_nothing(yard: Yard) -> None:
    """It is written down and answered with 0; the real kubectl is not started."""
    rig = yard.record()
    answer = rig.call(apply_of("Pilot"), PILOT)
    assert (answer.code, answer.errors) == (0, "")
    assert rig.read("calls") == ""
    (call,) = read_calls(rig.folder.calls)
    assert (call.verdict, call.component) == ("recorded", "Pilot")
    assert (call.folder / "stdin").read_bytes() == PILOT


def test_without_a_selector_the_labels_name_the_component(yard: Yard) -> None:
    """Base is applied without pruning."""
    rig = yard.record()
    rig.call(BASE, stream(made("Namespace", "istio-system", "Base")))
    assert [call.component for call in read_calls(rig.folder.calls)] == ["Base"]


def test_reads_go_through(yard: Yard) -> None:
    """With the run's kubeconfig, an environment of the run's own, and the lock."""
    rig = yard.record()
    answer = rig.call((*GET[:2], "--kubeconfig", str(rig.folder.kubeconfig), *GET[2:]))
    assert (answer.code, answer.out) == (0, "get all -o yaml --al\n")
    assert rig.read("calls") == f"{' '.join(GET)} --kubeconfig {rig.folder.kubeconfig}\n"
    assert f"HOME={rig.folder.home}" in rig.read("environment")
    assert rig.read("unlocked") == ""


def test_the_approved_write_is_passed_on(yard: Yard) -> None:
    """The record's bytes, without prune, force and selector."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    answer = rig.call(apply_of("Pilot"), PILOT)
    assert (answer.code, answer.errors) == (0, "")
    asked, written = rig.read("calls").splitlines()
    assert asked.startswith("get namespace kube-system")
    assert written == f"apply -n istio-system -f - --kubeconfig {rig.folder.kubeconfig}"
    assert rig.read("stdin").encode() == PILOT
    assert rig.read("unlocked") == ""


def test_other_bytes_of_the_same_objects_are_replaced_by_the_records(yard: Yard) -> None:
    """What reaches the cluster is what was approved, byte for byte."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    other = json.dumps(json.loads(PILOT.split(b"\n\n")[0]), indent=2).encode() + b"\n" + PILOT.split(b"\n\n")[1]
    assert rig.call(apply_of("Pilot"), other).code == 0
    assert rig.read("stdin").encode() == PILOT


@pytest.mark.parametrize(
    ("arguments", "content", "sentence"),
    [
        (apply_of("Pilot"), stream(made("ConfigMap", "istio", data={"mesh": "b"}), made("Service", "istio-pilot")),
         "v1/ConfigMap/istio-system/istio is not as approved: data.mesh is another"),
        (apply_of("Pilot"), stream(made("ConfigMap", "istio", data={"mesh": "a"}), made("Secret", "new")),
         "v1/Secret/istio-system/new is not in the approved record"),
        (apply_of("Pilot"), stream(made("ConfigMap", "istio", data={"mesh": "a"})), "this choice of objects"),
        (apply_of("Galley"), PILOT, "is not in the approved record"),
        (apply_of("Pilot"), b"kind: ConfigMap", "something else than objects in JSON"),
        (apply_of("Pilot"), b"", "handed over no objects"),
        (apply_of("Pilot"), PILOT + b"\n" + PILOT, "twice at once"),
        (("apply", "-f", "other.yaml"), b"", "isn't known to do"),
        (("patch", "-f", "-"), PILOT, "isn't known to do"),
        ((*apply_of("Pilot"), "--server", "https://x"), PILOT, "kubectl with --server"),
        ((*apply_of("Pilot"), "--kubeconfig", "/else"), PILOT, "kubeconfig /else, which is not that of this run"),
        ((), b"", "isn't known to do"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(yard: Yard, arguments: tuple[str, ...], content: bytes, sentence: str) -> None:
    """With a sentence on standard error and in the log; the real kubectl is not asked to write."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    answer = rig.call(arguments, content)
    assert answer.code == 1
    assert sentence in answer.errors
    assert "apply" not in rig.read("calls")
    (call,) = read_calls(rig.folder.calls)
    assert call.verdict == "refused"
    assert sentence in call.sentence


def test_a_part_goes_through_once(yard: Yard) -> None:
    """Nothing is applied twice in one run."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    rig.call(apply_of("Pilot"), PILOT)
    assert "a second time in one run" in rig.call(apply_of("Pilot"), PILOT).errors


def test_deletes_are_answered_and_not_passed_on(yard: Yard) -> None:
    """Removals are the bot's own."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    assert rig.call(("delete", "--selector", f"{SELECTOR}=Grafana", "-f", "-"), b"items: []").code == 0
    assert rig.read("calls") == ""
    assert [(call.verdict, call.component) for call in read_calls(rig.folder.calls)] == [("answered", "Grafana")]


def test_another_cluster_gets_nothing(yard: Yard) -> None:
    """The UID of kube-system is read before each write."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    rig.tell("uid", "another")
    answer = rig.call(apply_of("Pilot"), PILOT)
    assert "is not the approved one" in answer.errors
    assert "apply" not in rig.read("calls")


def test_another_cluster_that_answers_after_a_lost_connection_gets_nothing(yard: Yard) -> None:
    """The UID is read again before the same write is tried again."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    rig.tell("lost", REFUSED)
    answer = rig.call(apply_of("Pilot"), PILOT)
    assert "is not the approved one" in answer.errors
    assert [line.partition(" ")[0] for line in rig.read("calls").splitlines()] == ["get", "apply", "get"]


def test_an_unreadable_cluster_gets_nothing(yard: Yard) -> None:
    """The cause is kubectl's own; the same part may be tried in the next run."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    rig.tell("faults", "error: You must be logged in to the server (Unauthorized)\n")
    answer = rig.call(apply_of("Pilot"), PILOT)
    assert (answer.code, answer.errors) == (1, "error: You must be logged in to the server (Unauthorized)\n")
    assert [call.verdict for call in read_calls(rig.folder.calls)] == ["failed"]


def test_the_servers_deprecations_are_kept_from_istioctl(yard: Yard) -> None:
    """It would take any text for an error; they are counted."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    rig.tell("errors", WARNING + "Warning: something else\n")
    assert rig.call(apply_of("Pilot"), PILOT).errors == "Warning: something else\n"
    assert [call.deprecations for call in read_calls(rig.folder.calls)] == [1]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (WARNING, False),
        ("Warning: policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+\n", False),
        ("Warning: kubectl apply should be used on resource created by kubectl create --save-config\n", True),
        (f"error: {WARNING}", True),
        ("Warning: resource a is deprecated\n", True),
    ],
)
def test_only_notices_of_deprecation_are_dropped(line: str, kept: bool) -> None:
    """In the server's words and no others."""
    assert drop_deprecations(line.encode())[0].decode() == (line if kept else "")


@pytest.mark.parametrize(
    ("errors", "is_ours"),
    [
        (REFUSED, True),
        ('Get "https://h/api": dial tcp 1.2.3.4:443: connect: connection refused', True),
        ("Unable to connect to the server: net/http: TLS handshake timeout", True),
        ("read tcp 1.2.3.4:1->1.2.3.4:443: read: connection reset by peer", True),
        ("dial tcp 1.2.3.4:443: i/o timeout", True),
        ('Get "https://h/api": unexpected EOF', True),
        ('for: "STDIN": Internal error occurred: failed calling webhook "x": Post "y": connection refused', False),
        ("Error from server (Forbidden): pods is forbidden", False),
        ("error: You must be logged in to the server (Unauthorized)", False),
        ('error: the server doesn\'t have a resource type "all"\n', True),
        ('error: unable to recognize "STDIN": no matches for kind "Gateway" in version "networking.istio.io/v1"', True),
        ('error: the server doesn\'t have a resource type "gateways"\n', False),
    ],
)  # fmt: skip
def test_connection_faults_are_told_apart(errors: str, is_ours: bool) -> None:
    """A webhook that is down is none; an API server that has just started doesn't know all of its kinds yet."""
    assert is_connection_fault(errors.encode()) is is_ours


def test_a_connection_fault_is_tried_again(yard: Yard) -> None:
    """An API server that is away for a moment stops nothing."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    rig.tell("faults", REFUSED * 2)
    assert rig.call(apply_of("Pilot"), PILOT).code == 0
    assert [call.attempts for call in read_calls(rig.folder.calls)] == [4]


def test_an_outage_beyond_patience_ends_the_call(yard: Yard) -> None:
    """With kubectl's own words."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)), most=limits(patience=0.0))
    rig.tell("faults", REFUSED * 5)
    answer = rig.call(apply_of("Pilot"), PILOT)
    assert (answer.code, answer.errors) == (1, REFUSED)


def test_the_pauses_grow(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a quarter of a minute."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    rig.tell("faults", REFUSED * 9)
    pauses = call_in_place(rig.folder.path, rig.lock, monkeypatch)
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def call_in_place(home: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Answer one `get` inside this program and return the pauses that were made."""
    rules = json.loads((home / "rules.json").read_bytes())
    pauses: list[float] = []
    with lock.open("a+") as held:
        rules["lock"]["descriptor"] = held.fileno()
        (home / "rules.json").write_text(json.dumps(rules))
        lock.write_text(str(os.getppid()))
        sha256 = hashlib.sha256((home / "rules.json").read_bytes()).hexdigest()
        main([sha256, *GET], home, pauses.append)
    return pauses


def test_nothing_starts_past_the_deadline(yard: Yard) -> None:
    """A run that is over changes nothing any more."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)), most=limits(seconds=-1))
    assert "time limit of this run is over" in rig.call(apply_of("Pilot"), PILOT).errors
    assert rig.read("calls") == ""


def test_nothing_starts_after_istioctls_end(yard: Yard) -> None:
    """Another program than the run's istioctl asks in vain."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    answer = rig.call(apply_of("Pilot"), PILOT, parent='exec 9>>"$0"; echo 1 >"$0"; "$@"')
    assert "the istioctl of this run has ended" in answer.errors


def test_nothing_starts_without_the_lock(yard: Yard) -> None:
    """A bot that starts anew would take the run for ended."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    answer = rig.call(apply_of("Pilot"), PILOT, parent='echo $$ >"$0"; "$@"')
    assert "did not hand on the lock" in answer.errors


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("rules.json", "the rules of this run were changed on disk"),
        ("kubeconfig.json", "the kubeconfig of this run was changed on disk"),
        ("record/000", "the approved record of Pilot was changed on disk"),
        ("../real/kubectl", "kubectl was changed on disk"),
    ],
)
def test_a_changed_file_stops_the_run(yard: Yard, name: str, sentence: str) -> None:
    """Each is hashed at each call."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    with (rig.folder.path / name).open("a") as file:
        file.write("\n")
    assert sentence in rig.call(apply_of("Pilot"), PILOT).errors
    assert "apply" not in rig.read("calls")


def test_rules_that_others_can_write_are_not_followed(yard: Yard) -> None:
    """The folder is this user's alone."""
    rig = yard.guard(yard.approve((apply_of("Pilot"), PILOT)))
    (rig.folder.path / "rules.json").chmod(0o666)
    assert "is not this user's own" in rig.call(apply_of("Pilot"), PILOT).errors


def test_missing_rules_stop_the_run(yard: Yard) -> None:
    """The mode never comes from elsewhere."""
    rig = yard.record()
    (rig.folder.path / "rules.json").unlink()
    answer = rig.call(apply_of("Pilot"), PILOT)
    assert answer.code == 1
    assert "Nothing was passed on." in answer.errors


def test_the_environment_decides_nothing(yard: Yard) -> None:
    """Neither a kubeconfig nor a PATH of the caller's reaches kubectl."""
    rig = yard.record()
    command = f"export KUBECONFIG=/else PYTHONPATH=/else PATH=/else; {PARENT}"
    rig.call(GET, parent=command)
    assert "/else" not in rig.read("environment")


def test_more_than_a_control_plane_is_refused(yard: Yard) -> None:
    """20 MB are far beyond any."""
    rig = yard.record()
    big: dict[str, Any] = made("ConfigMap", "istio", data={"mesh": "x" * 20_000_001})
    assert "more than 20 MB" in rig.call(apply_of("Pilot"), stream(big)).errors


def test_leaves_made_anew_are_compared_by_their_form(yard: Yard) -> None:
    """The record's own bytes reach the cluster; another kind of text is refused."""
    recorded = stream(webhook("QUFBQUFBQUFB"))
    approved = yard.approve((apply_of("Injector"), recorded))
    rig = yard.guard(renew(approved))
    answer = rig.call(apply_of("Injector"), stream(webhook("Qi9CK0JCQkI9")))
    assert (answer.code, rig.read("stdin").encode()) == (0, recorded)
    other = yard.guard(renew(approved), "other").call(apply_of("Injector"), stream(webhook("https://elsewhere")))
    assert "webhooks is another" in other.errors


def webhook(bundle: str) -> dict[str, Any]:
    """The injector's registration with this bundle."""
    hooks = [{"name": "a", "clientConfig": {"caBundle": bundle}}]
    return made("MutatingWebhookConfiguration", "istio-sidecar-injector", "Injector", webhooks=hooks)


def renew(approved: HandedOver) -> HandedOver:
    """The recording with its bundle known to be made anew."""
    (hook,) = approved.record.list_objects()
    leaf = Leaf(hook.key, ("webhooks", 0, "clientConfig", "caBundle"))
    return replace(approved, record=replace(approved.record, renewed=(leaf,)))


def test_a_killed_guard_leaves_an_unknown_call(yard: Yard) -> None:
    """It began and its end was never written."""
    rig = yard.record()
    place = rig.folder.calls / "1"
    place.mkdir()
    (place / "begun.json").write_text(json.dumps({"arguments": list(GET)}))
    assert [(call.verdict, call.exit_code) for call in read_calls(rig.folder.calls)] == [("unknown", None)]


def spend_of_children() -> float:
    """The seconds that ended children of this process have computed."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_a_start_costs_little(yard: Yard) -> None:
    """Thirty starts a run. What counts is the processor's time, as others may use the machine too."""
    rig = yard.record()
    times = []
    for _ in range(5):
        begun = spend_of_children()
        rig.call(apply_of("Pilot"), PILOT)
        times.append(spend_of_children() - begun)
    assert 0 < min(times) < 0.25
    assert UID not in rig.read("calls")
