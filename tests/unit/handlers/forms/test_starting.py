"""Starting by the form, through the real Bolt app."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bot.clicks.orders import Start, StartOptions
from tests.unit.bot.slack.stand_in import CHANNEL
from tests.unit.handlers.front import ANA, BEN, Front, build_cluster

OVERLAY = "apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\nspec:\n  profile: asm\n"


@pytest.fixture
def form(front: Front) -> Iterator[dict[str, Any]]:
    """The form, opened by ana with `start` alone."""
    front.command("start")
    view = front.slack.wait_for_form(ANA)
    yield view
    front.slack.act("view-close", user=ANA, view_id=view["id"])


def submit(front: Front, form: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Submit the form with what was typed, by block."""
    actions = {block["block_id"]: block["element"]["action_id"] for block in form["blocks"] if "element" in block}
    given = {block: {actions[block]: value} for block, value in values.items()}
    return front.slack.act("view-submit", user=ANA, view_id=form["id"], values=given)


def attach(front: Front, name: str, content: str) -> dict[str, Any]:
    """A file that ana has put into the form."""
    encoded = base64.b64encode(content.encode()).decode()
    file = front.slack.act("attach", user=ANA, name=name, content_base64=encoded)["file"]
    assert isinstance(file, dict)
    return file


def test_the_form_offers_the_clusters_that_may_be_started(form: dict[str, Any]) -> None:
    """From clusters.toml."""
    options = form["blocks"][0]["element"]["options"]
    assert [option["value"] for option in options] == ["cluster-x", "cluster-y"]


def read_overlays(front: Front) -> Mapping[str, str]:
    """The overlays of the start that was received last."""
    assert isinstance(front.book.last.order, Start)
    return front.book.last.order.options.overlay_texts


def test_nobody_is_offered_what_they_may_not_start(front: Front) -> None:
    """Ben is no requester."""
    front.command("start", user=BEN)
    assert "no cluster here that you could start" in str(front.slack.wait_for_form(BEN)["blocks"])


def test_an_untouched_form_starts_with_the_clusters_own_options(front: Front, form: dict[str, Any]) -> None:
    """Nothing is set that nobody chose."""
    submit(front, form)
    click = front.book.last
    assert (click.order, click.channel) == (Start("cluster-x", StartOptions(testing_workloads=True)), CHANNEL)


def test_everything_chosen_is_committed(front: Front, form: dict[str, Any]) -> None:
    """As the arguments of a start."""
    submit(
        front,
        form,
        cluster="cluster-y",
        mtls="STRICT",
        set="values.kiali.enabled=true\n\nvalues.tracing.enabled=true",
        overlay=OVERLAY,
        testing=[],
        canary="shop, blog",
        skip="ops",
    )
    assert front.book.last.order == Start(
        "cluster-y",
        StartOptions(
            mtls="STRICT",
            flags=("values.kiali.enabled=true", "values.tracing.enabled=true"),
            overlay_texts={"pasted.yaml": OVERLAY},
            testing_workloads=False,
            canary_namespaces=("shop", "blog"),
            skip_namespaces=("ops",),
        ),
    )


@pytest.mark.parametrize(("chosen", "kept"), [("leave", "leave"), ("take", "")])
def test_the_options_of_the_earlier_install_are_left_by_choice_alone(
    front: Front, form: dict[str, Any], chosen: str, kept: str
) -> None:
    """Untouched the form takes them."""
    (block,) = [one for one in form["blocks"] if one.get("block_id") == "earlier"]
    assert block["element"]["initial_option"]["value"] == "take"
    submit(front, form, earlier=chosen)
    assert isinstance(front.book.last.order, Start)
    assert front.book.last.order.options.earlier_options == kept


def test_an_uploaded_overlay_is_read(front: Front, form: dict[str, Any]) -> None:
    """With the bot's token, from Slack's own host."""
    submit(front, form, files=[attach(front, "mesh.yaml", OVERLAY)])
    assert read_overlays(front) == {"mesh.yaml": OVERLAY}


@pytest.mark.parametrize(
    ("block", "typed", "part"),
    [
        ("set", "no flag at all", "exactly one ="),
        ("set", "a=b,c", "no comma"),
        ("set", 'a.b="c"', "quote"),
        ("set", "tag=1.4.9-asm.1", "install another version"),
        ("set", "installPackagePath=/tmp/charts", "install from another package"),
        ("canary", "Shop", "no namespace can be called"),
        ("skip", "kube_system", "no namespace can be called"),
        ("overlay", OVERLAY + "  spek: 1\n", "IstioControlPlane doesn't know"),
        ("overlay", "kind: ConfigMap", "it takes IstioControlPlane"),
        ("overlay", "a: &a [1]\nb: *a", "anchors"),
        ("overlay", "a: [", "not YAML"),
    ],
)
def test_a_fault_stands_at_its_field(front: Front, form: dict[str, Any], block: str, typed: str, part: str) -> None:
    """And nothing is committed."""
    answer = submit(front, form, **{block: typed})
    assert (part in answer["ack"]["errors"][block], front.book.clicks) == (True, [])


def test_all_faults_of_a_form_are_told_at_once(front: Front, form: dict[str, Any]) -> None:
    """Each at its field, those of a file at the files, also beside one that was pasted and a file that is fine."""
    files = [attach(front, "bad.yaml", "kind: ConfigMap"), attach(front, "mesh.yaml", OVERLAY)]
    given = {"set": "no flag", "overlay": "a: [", "canary": "Shop", "skip": "kube_system"}
    errors = submit(front, form, files=files, **given)["ack"]["errors"]
    assert set(errors) == {"set", "overlay", "files", "canary", "skip"}
    assert (errors["overlay"].startswith("pasted.yaml"), errors["files"].startswith("bad.yaml")) == (True, True)
    assert "mesh.yaml" not in errors["files"]


def test_what_may_not_go_together_is_told_beside_other_faults(front: Front, form: dict[str, Any]) -> None:
    """Nobody mends one fault only to be told of the next."""
    errors = submit(front, form, set="no flag", canary="shop", skip="shop")["ack"]["errors"]
    assert set(errors) == {"set", "skip"}


@pytest.mark.parametrize("block", ["canary", "skip"])
def test_a_namespace_that_does_not_exist_is_refused_at_its_field(
    front: Front, form: dict[str, Any], block: str
) -> None:
    """With what comes close; where the cluster could not be read in time, prepare says it."""
    front.readings.want(build_cluster("cluster-x").address, lambda: None)
    front.readings.turn()
    answer = submit(front, form, **{block: "shop dta"})
    assert answer["ack"]["errors"] == {block: "there is no namespace dta; close to it: data"}
    assert front.book.clicks == []


def test_a_wrong_file_is_a_fault_at_its_field(front: Front, form: dict[str, Any]) -> None:
    """By its name."""
    answer = submit(front, form, files=[attach(front, "wrong.yaml", "kind: Secret\n")])
    assert answer["ack"]["errors"]["files"].startswith("wrong.yaml has kind")


def test_a_namespace_can_not_be_first_and_left_alone(front: Front, form: dict[str, Any]) -> None:
    """What is wrong with two fields together stands at the later one."""
    answer = submit(front, form, canary="shop, blog", skip="shop")
    assert answer["ack"]["errors"]["skip"] == "shop can't be both re-injected first and left alone."


def test_two_files_of_one_name_are_a_fault(front: Front, form: dict[str, Any]) -> None:
    """One of them would silently be lost."""
    files = [attach(front, "mesh.yaml", OVERLAY), attach(front, "mesh.yaml", OVERLAY + "  hub: example\n")]
    answer = submit(front, form, files=files)
    assert "mesh.yaml is there twice" in answer["ack"]["errors"]["files"]


def test_several_files_are_read(front: Front, form: dict[str, Any]) -> None:
    """In the order in which they were given."""
    submit(front, form, files=[attach(front, name, OVERLAY) for name in ("b.yaml", "a.yaml")], overlay=OVERLAY)
    assert list(read_overlays(front)) == ["pasted.yaml", "b.yaml", "a.yaml"]


def test_a_file_that_is_too_large_is_a_fault(front: Front, form: dict[str, Any]) -> None:
    """Whatever Slack says about its size."""
    file = attach(front, "mesh.yaml", OVERLAY + "#" * 300_000) | {"size": 10}
    assert "larger than 256 KiB" in submit(front, form, files=[file])["ack"]["errors"]["files"]


@pytest.mark.parametrize("command", ["start", "schedule cluster-x"])
def test_a_form_that_slack_does_not_open_is_said(front: Front, command: str) -> None:
    """The trigger lives three seconds."""
    front.slack.fault("error", method="views.open", error="expired_trigger_id")
    front.command(command)
    assert "did not open the form" in front.slack.wait_for_whisper(ANA)


def test_the_token_is_not_sent_to_a_foreign_host(front: Front, form: dict[str, Any]) -> None:
    """An external file's address points anywhere."""
    file = attach(front, "mesh.yaml", OVERLAY) | {"url_private_download": "http://127.0.0.1:9/steal"}
    answer = submit(front, form, files=[file])
    assert "not stored in Slack" in answer["ack"]["errors"]["files"]


def test_choosing_another_cluster_shows_what_is_known_of_it(front: Front, form: dict[str, Any]) -> None:
    """The form is filled anew."""
    front.slack.act("click", user=ANA, view_id=form["id"], action_id="asm-start:cluster", value="cluster-y")
    front.slack.wait_for("views", lambda state: "us-central1-a/cluster-y" in str(state["views"][ANA]))
    assert front.slack.state()["views"][ANA][-1]["blocks"][0]["element"]["initial_option"]["value"] == "cluster-y"
