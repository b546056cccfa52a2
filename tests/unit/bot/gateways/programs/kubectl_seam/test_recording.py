from __future__ import annotations

from bot.gateways.programs.kubectl_seam.recording import read_recording
from tests.unit.bot.gateways.programs.kubectl_seam.rig import BASE, SELECTOR, Yard, apply_of, made, stream

PILOT = stream(made("ConfigMap", "istio", data={"mesh": "a"}), made("Service", "istio-pilot"))
NAMESPACE = stream(made("Namespace", "istio-system", "Base"))
GET = ("get", "all", "-o", "yaml", "--all-namespaces", "--selector", f"{SELECTOR}=Grafana")


def test_the_record_is_what_istioctl_handed_over(yard: Yard) -> None:
    """Calls, components, objects, and the very bytes."""
    rig = yard.record()
    rig.call((*BASE[:1], "--kubeconfig", str(rig.folder.kubeconfig), *BASE[1:]), NAMESPACE)
    rig.call(apply_of("Pilot"), PILOT)
    read = read_recording(rig.folder.calls)
    assert read.recording.record.components == ("Base", "Pilot")
    assert [call.arguments for call in read.recording.record.calls] == [BASE, apply_of("Pilot")]
    assert read.recording.contents == (NAMESPACE, PILOT)
    assert [str(found.key) for found in read.recording.record.list_objects("Pilot")] == [
        "v1/ConfigMap/istio-system/istio",
        "v1/Service/istio-system/istio-pilot",
    ]
    assert (read.failed, read.removed) == ((), ())


def test_the_order_of_components_is_nothing_of_the_record(yard: Yard) -> None:
    """istioctl applies them at once, in any order."""
    one = yard.approve((apply_of("Pilot"), PILOT), (BASE, NAMESPACE)).record
    other = yard.approve((BASE, NAMESPACE), (apply_of("Pilot"), PILOT)).record
    assert one.digest == other.digest


def test_calls_that_went_wrong_are_told(yard: Yard) -> None:
    """The reader decides whether there is a record all the same."""
    rig = yard.record()
    rig.tell("faults", "error: You must be logged in to the server (Unauthorized)\n")
    rig.call(GET)
    rig.call(("patch",))
    failed = read_recording(rig.folder.calls).failed
    assert [(call.verb, call.verdict) for call in failed] == [("get", "passed"), ("patch", "refused")]
    assert "Unauthorized" in failed[0].stderr


def test_what_would_have_been_removed_is_told(yard: Yard) -> None:
    """By the component that is switched off."""
    rig = yard.record()
    rig.call(("delete", "--selector", f"{SELECTOR}=Grafana", "-f", "-"), b"items: []")
    assert [call.component for call in read_recording(rig.folder.calls).removed] == ["Grafana"]


def test_what_was_read_before_is_read_again_from_the_disk(yard: Yard) -> None:
    """The same bytes are made sense of once; other bytes in their place are another record."""
    rig = yard.record()
    rig.call(apply_of("Pilot"), PILOT)
    first, again = (read_recording(rig.folder.calls).recording.record for _ in range(2))
    assert all(one.text is other.text for one, other in zip(again.list_objects(), first.list_objects(), strict=True))
    (place,) = rig.folder.calls.iterdir()
    (place / "stdin").write_bytes(PILOT.replace(b'"a"', b'"b"'))
    changed = read_recording(rig.folder.calls).recording.record
    assert changed.digest != first.digest


def test_what_two_runs_hand_over_alike_is_kept_once(yard: Yard) -> None:
    """Each has a kubeconfig of its own, which says nothing of it: twins of a cluster cost no memory of their own."""
    texts = list[str]()
    for rig in (yard.record("one"), yard.record("other")):
        rig.call((*BASE[:1], "--kubeconfig", str(rig.folder.kubeconfig), *BASE[1:]), NAMESPACE)
        texts += [made.text for made in read_recording(rig.folder.calls).recording.record.list_objects()]
    assert texts[0] is texts[1]


def test_what_a_text_says_is_forgotten_with_the_look_that_asked(yard: Yard) -> None:
    """Texts alone stay in memory, so that what is kept is bounded by what was handed over."""
    rig = yard.record()
    rig.call(apply_of("Pilot"), PILOT)
    first, again = (read_recording(rig.folder.calls).recording.record.list_objects() for _ in range(2))
    assert [made.content["kind"] for made in first] == ["ConfigMap", "Service"]
    assert not any("content" in vars(made) for made in again)
