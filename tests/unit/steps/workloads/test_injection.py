import pytest

from steps.contract.errors import GiveUp
from steps.mesh import InjectorWebhook, Namespace, Requirement
from steps.workloads.injection import (
    INJECT,
    Injector,
    Selector,
    describe_version,
    expects_sidecar,
    is_injected_namespace,
    is_target_image,
    parse_injector,
    read_selector,
)
from tests.unit.steps.contract.test_documents import BOMB
from tests.unit.steps.rig import load_release

INJECTOR = Injector("enabled", "gcr.io/gke-release/asm", "1.4.10-asm.18")
VALUES = '{"global": {"hub": "h", "tag": "t", "proxy": {"image": "proxyv2"}}}'


@pytest.mark.parametrize("answer", ["y", "yes", "true", "on", "True", "ON"])
def test_an_annotation_that_says_yes_injects(answer: str) -> None:
    """The injector takes four words for yes, in any case."""
    assert expects_sidecar({}, {INJECT: answer}, False, Injector("disabled", "h", "t"))


@pytest.mark.parametrize("answer", ["false", "no", "1", "enabled", " true"])
def test_any_other_annotation_keeps_the_sidecar_out(answer: str) -> None:
    """Whatever is not one of the four words means no."""
    assert not expects_sidecar({}, {INJECT: answer}, False, INJECTOR)


def test_an_empty_annotation_leaves_it_to_the_policy() -> None:
    """An empty value is as good as none."""
    assert expects_sidecar({}, {INJECT: ""}, False, INJECTOR)


def test_the_host_network_beats_every_annotation() -> None:
    """A pod on the host's network is never injected."""
    assert not expects_sidecar({}, {INJECT: "true"}, True, INJECTOR)


def test_never_comes_before_always() -> None:
    """A pod that both selectors match gets no sidecar."""
    both = Selector({"app": "web"})
    injector = Injector("enabled", "h", "t", never=(both,), always=(both,))
    assert not expects_sidecar({"app": "web"}, {}, False, injector)


def test_always_beats_a_disabled_policy() -> None:
    """A selector can inject where the policy doesn't."""
    injector = Injector("disabled", "h", "t", always=(Selector({"app": "web"}),))
    assert expects_sidecar({"app": "web"}, {}, False, injector)


def test_an_annotation_beats_the_selectors() -> None:
    """Selectors decide only what the annotation leaves open."""
    injector = Injector("enabled", "h", "t", never=(Selector({"app": "web"}),))
    assert expects_sidecar({"app": "web"}, {INJECT: "true"}, False, injector)


def test_an_unknown_policy_injects_nobody() -> None:
    """An illegal policy beats even the annotation, as in the injector."""
    assert not expects_sidecar({}, {INJECT: "true"}, False, Injector("maybe", "h", "t"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "app", "operator": "In", "values": ["web"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["web"]}, False),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "tier", "operator": "DoesNotExist"}, True),
        ({"key": "tier", "operator": "Exists"}, False),
        ({"key": "app", "operator": "Like"}, False),
    ],
)
def test_expressions_select_as_in_kubernetes(expression: dict[str, object], expected: bool) -> None:
    """The four operators of label selectors; an unknown one selects nothing."""
    assert read_selector({"matchExpressions": [expression]}).matches({"app": "web"}) is expected


def test_an_empty_selector_selects_nothing() -> None:
    """The injector skips empty selectors."""
    assert not Selector().matches({"app": "web"})


def test_a_labelled_namespace_is_injected() -> None:
    """The webhook's default selector is the label."""
    assert is_injected_namespace(Namespace("shop", {"istio-injection": "enabled"}), INJECTOR)


def test_an_unlabelled_namespace_is_not_injected() -> None:
    """Without the label the webhook is never called."""
    assert not is_injected_namespace(Namespace("shop"), INJECTOR)


def test_injection_by_default_needs_no_label() -> None:
    """enableNamespacesByDefault turns the label round."""
    injector = Injector("enabled", "h", "t", by_default=True)
    assert is_injected_namespace(Namespace("shop"), injector)
    assert not is_injected_namespace(Namespace("shop", {"istio-injection": "disabled"}), injector)


def test_the_webhook_may_select_another_label() -> None:
    """injectLabel was changed: the webhook's own selector counts."""
    webhook = InjectorWebhook("w", True, "Fail", "istio-system", "s", {"mesh": "on"})
    assert is_injected_namespace(Namespace("shop", {"mesh": "on"}), INJECTOR, webhook)


@pytest.mark.parametrize(
    ("labels", "injected"),
    [({}, True), ({"istio-injection": "disabled"}, False), ({"istio-env": "x"}, False), ({"name": "mesh"}, False)],
)
def test_the_webhooks_expressions_count(labels: dict[str, str], injected: bool) -> None:
    """As istio 1.4 writes them for injection by default (charts/sidecarInjectorWebhook)."""
    expressions = (
        Requirement("name", "NotIn", ("mesh",)),
        Requirement("istio-injection", "NotIn", ("disabled",)),
        Requirement("istio-env", "DoesNotExist"),
    )
    webhook = InjectorWebhook("w", True, "Fail", "istio-system", "s", {}, expressions)
    assert is_injected_namespace(Namespace("shop", labels), INJECTOR, webhook) is injected


def test_kube_system_is_never_injected() -> None:
    """Two namespaces are excluded whatever their labels say."""
    assert not is_injected_namespace(Namespace("kube-system", {"istio-injection": "enabled"}), INJECTOR)


def test_the_configuration_is_read_with_its_template() -> None:
    """The template's own text, which is not YAML once rendered, is only a string here."""
    config = "policy: disabled\nneverInjectSelector:\n- matchLabels: {a: b}\ntemplate: |-\n  {{ if }}: [\n"
    injector = parse_injector({"config": config, "values": VALUES}, "istio-system/istio-sidecar-injector")
    assert injector == Injector("disabled", "h", "t", never=(Selector({"a": "b"}),))


@pytest.mark.parametrize("texts", [None, {"config": "", "values": "{}"}, {"config": ":", "values": "nonsense"}])
def test_a_configuration_that_says_nothing_is_a_clear_fault(texts: dict[str, str] | None) -> None:
    """An absent or broken ConfigMap is named."""
    with pytest.raises(GiveUp, match="istio-system/istio-sidecar-injector"):
        parse_injector(texts, "istio-system/istio-sidecar-injector")


@pytest.mark.parametrize(
    "image",
    [
        "gcr.io/gke-release/asm/proxyv2:1.4.10-asm.18",
        "localhost:5000/asm/proxyv2:1.4.10-asm.18",
        "gcr.io/gke-release/asm/proxyv2:1.4.10-asm.18-distroless",
        "gcr.io/gke-release/asm/proxyv2:1.4.10-asm.18@sha256:00",
    ],
)
def test_the_tag_tells_the_target(image: str) -> None:
    """Registry, port, variant and digest change nothing."""
    assert is_target_image(image, load_release())


@pytest.mark.parametrize(
    "image",
    [
        "gcr.io/gke-release/asm/proxyv2:1.4.10-asm.1",
        "gcr.io/gke-release/asm/proxyv2@sha256:00",
        "localhost:5000/proxyv2",
        "docker.io/istio/proxyv2:1.4.10",
    ],
)
def test_anything_else_is_not_the_target(image: str) -> None:
    """Other builds, bare digests and open-source images are old."""
    assert not is_target_image(image, load_release())


def test_a_digest_stands_in_for_a_missing_version() -> None:
    """A sentence about an image without a tag names its digest."""
    assert describe_version("gcr.io/asm/proxyv2@sha256:00") == "sha256:00"


@pytest.mark.parametrize(
    "texts",
    [
        {"config": BOMB, "values": VALUES},
        {"config": "[" * 5000, "values": VALUES},
        {"config": "policy: 2001-99-99", "values": VALUES},
        {"config": "", "values": "[" * 100_000},
        {"config": "", "values": '{"global": {"hub": "h", "tag": 1e999}}'},
        {"config": "- 1", "values": VALUES},
    ],
)
def test_a_hostile_config_map_is_a_sentence(texts: dict[str, str]) -> None:
    """Whoever may write the ConfigMap must not end the bot of all clusters by it."""
    with pytest.raises(GiveUp, match=r"ConfigMap istio-sidecar-injector can't be read"):
        parse_injector(texts, "istio-sidecar-injector")
