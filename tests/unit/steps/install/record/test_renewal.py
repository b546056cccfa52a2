from __future__ import annotations

from typing import Any

from steps.contract.record import Call, ObjectKey, Record, RecordedObject, write_canonically
from steps.install.record.renewal import COMPONENT_LABEL, compare_recordings

COMPONENTS = {"ConfigMap": "Kiali", "MutatingWebhookConfiguration": "Injector", "Secret": "Injector"}


def made(kind: str, name: str = "a", component: str = "", **fields: Any) -> RecordedObject:
    labels = {COMPONENT_LABEL: component or COMPONENTS[kind]}
    content = {"kind": kind, "metadata": {"name": name, "labels": labels}, **fields}
    return RecordedObject(ObjectKey("v1", kind, "istio-system", name), write_canonically(content))


def record(*objects: RecordedObject) -> Record:
    return Record((Call("Any", ("apply",), objects, "0"),))


def webhook(bundle: str) -> RecordedObject:
    return made("MutatingWebhookConfiguration", webhooks=[{"clientConfig": {"caBundle": bundle}}])


def kiali(key: str, rest: str = "") -> RecordedObject:
    return made("ConfigMap", data={"config.yaml": f"a: 1\n{rest}login_token:\n  signing_key: {key}\n"})


def test_equal_recordings_have_nothing_renewed() -> None:
    """The rule, for the guide's flags."""
    compared = compare_recordings(record(kiali("abcdefgh")), record(kiali("abcdefgh")))
    assert (compared.record.renewed, compared.others) == ((), ())


def test_the_known_leaves_are_found() -> None:
    """Kiali's signing key, the injector's self-signed certificate."""
    one = record(kiali("abcdefgh"), webhook("QUFBQUFBQUE="), made("Secret", data={"key.pem": "QUFBQUFBQUE="}))
    other = record(kiali("ijklmnop"), webhook("QkJCQkJCQkI="), made("Secret", data={"key.pem": "QkJCQkJCQkI="}))
    compared = compare_recordings(one, other)
    assert compared.others == ()
    assert [(leaf.path, leaf.line) for leaf in compared.record.renewed] == [
        (("data", "config.yaml"), "signing_key"),
        (("webhooks", 0, "clientConfig", "caBundle"), ""),
        (("data", "key.pem"), ""),
    ]
    assert compared.record.digest == compare_recordings(other, one).record.digest


def test_any_other_difference_is_named() -> None:
    """A rendering that can't be foreseen can't be approved."""
    one, other = (
        made("ConfigMap", component="Pilot", data={"mesh": "a"}),
        made("ConfigMap", component="Pilot", data={"mesh": "b"}),
    )
    assert compare_recordings(record(one), record(other)).others == ("v1/ConfigMap/istio-system/a: data.mesh",)


def test_a_known_leaf_with_a_difference_beside_it_is_named() -> None:
    """Only the one line of the text is made anew."""
    compared = compare_recordings(record(kiali("abcdefgh")), record(kiali("ijklmnop", "b: 2\n")))
    assert compared.others == ("v1/ConfigMap/istio-system/a: data.config.yaml",)


def test_an_object_that_only_one_has_is_named() -> None:
    """Whichever it is."""
    one, other = record(kiali("abcdefgh")), record(kiali("abcdefgh"), made("Secret", "b", data={}))
    for pair in ((one, other), (other, one)):
        assert compare_recordings(*pair).others == ("v1/Secret/istio-system/b",)
