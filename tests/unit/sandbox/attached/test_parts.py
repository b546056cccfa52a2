"""What the sandbox puts around a cluster that it was given."""

from __future__ import annotations

import asyncio
import base64
import json
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner

from bot.app.cli import main
from sandbox.attached.access import Access, read_access
from sandbox.attached.account import describe_kubeconfig
from sandbox.attached.cluster import claim_folder
from sandbox.attached.demo import MARK, describe_mesh, describe_workloads, is_marked, list_namespaces
from sandbox.attached.injector import InjectingWebhook
from sandbox.attached.placement import list_changes
from sandbox.bot.settings import describe_kubeconfig_cluster
from sandbox.clock import SimulatedClock
from sandbox.cluster.http.tls import ensure_certificate
from sandbox.cluster.objects.patches import MERGE_PATCH, STRATEGIC_PATCH, apply_patch
from sandbox.cluster.seeds.objects import daemon_set, pod
from sandbox.hosted_cluster import open_cluster
from sandbox.release.kubectl.patches import annotate, find_patch
from sandbox.release.tools.rendering import render_components
from sandbox.state_folder import StateFolder
from tests.unit.sandbox.attached.given import open_given

URL = "https://127.0.0.1:4443/inject"


def test_everything_of_the_demo_bears_its_label() -> None:
    """By which it is known and removed."""
    assert all(is_marked(made) for made in [*describe_mesh(), *describe_workloads()])


def test_the_demos_namespaces_are_all_named() -> None:
    """What is asked about is what is made."""
    made = [*describe_mesh(), *describe_workloads()]
    assert {one["metadata"]["namespace"] for one in made if "namespace" in one["metadata"]} <= set(list_namespaces())


def test_a_pod_is_placed_on_the_demos_nodes() -> None:
    """With what it asked for itself."""
    made = pod("shop", "web")
    made["spec"]["nodeSelector"] = {"disk": "fast"}
    changes = {change["path"]: change["value"] for change in list_changes(made)}
    assert changes["/spec/nodeSelector"] == {"disk": "fast", **MARK}
    assert changes["/spec/tolerations"][-1]["key"] in MARK


def test_a_daemon_set_is_placed_by_its_template() -> None:
    """Or it would wait for pods on nodes that no pod of it may run on."""
    paths = {change["path"] for change in list_changes(daemon_set("data", "agent"))}
    assert paths == {"/spec/template/spec/nodeSelector", "/spec/template/spec/tolerations"}


def test_a_placed_pod_stays_as_it_is() -> None:
    """Webhooks may be called twice for one pod."""
    made = pod("shop", "web")
    for change in list_changes(made):
        made["spec"][change["path"].rpartition("/")[2]] = change["value"]
    assert list_changes(made) == []


def test_the_bot_is_told_no_flag_that_istioctl_does_not_know() -> None:
    """The injector itself sees to it that it is called by its address."""
    told = tomllib.loads(describe_kubeconfig_cluster(Path("k")))["clusters"]["cluster-x"]
    assert told == {"kubeconfig": "k", "production": True}


def test_an_apply_takes_the_injectors_address_away_again() -> None:
    """The API server takes an address or a Service, not both; so the address stands in kubectl's annotation."""
    rendered = render_components("1.4.10-asm.18", ["profile=asm"], "")["Injector"]
    wanted = next(annotate(made) for made in rendered if made["kind"] == "MutatingWebhookConfiguration")
    injector = InjectingWebhook(cast(Any, None), "PEM", URL)
    live = apply_patch(wanted, injector.put_in_order(wanted), MERGE_PATCH)
    assert injector.put_in_order(live) is None
    assert set(live["webhooks"][0]["clientConfig"]) == {"url", "caBundle"}
    again = apply_patch(live, find_patch(live, wanted), STRATEGIC_PATCH)
    assert again["webhooks"][0]["clientConfig"] == wanted["webhooks"][0]["clientConfig"]


def test_a_client_certificate_opens_the_cluster(tmp_path: Path) -> None:
    """As kind's kubeconfigs have it."""
    with open_given(tmp_path) as given:
        config = json.loads(given.kubeconfig.read_text())
        pair = ensure_certificate(tmp_path / "client")
        config["users"][0]["user"] = {
            "client-certificate-data": base64.b64encode((pair.folder / "tls.crt").read_bytes()).decode(),
            "client-key-data": base64.b64encode((pair.folder / "tls.key").read_bytes()).decode(),
        }
        given.kubeconfig.write_text(json.dumps(config))
        access = read_access(given.kubeconfig)
    assert (access.headers(), len(access.trust().get_ca_certs())) == ({}, 1)


def test_a_context_may_be_named(tmp_path: Path) -> None:
    """In place of the current one."""
    with open_given(tmp_path) as given:
        config = json.loads(given.kubeconfig.read_text())
        name, config["current-context"] = config["current-context"], "gone"
        given.kubeconfig.write_text(json.dumps(config))
        assert read_access(given.kubeconfig, name).server == given.url


def test_the_bots_kubeconfig_holds_its_own_token_alone() -> None:
    """And the trust of the one given."""
    access = Access("https://cluster.example", "PEM", server_name="kubernetes")
    told = json.loads(describe_kubeconfig(access, "bots-token"))
    assert told["users"] == [{"name": "bot", "user": {"token": "bots-token"}}]
    assert told["clusters"][0]["cluster"] == {
        "server": "https://cluster.example",
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
        "tls-server-name": "kubernetes",
    }


def test_a_state_folder_belongs_to_one_cluster(tmp_path: Path) -> None:
    """Its journal speaks of that one."""
    claim_folder(StateFolder(tmp_path), "https://one.example")
    claim_folder(StateFolder(tmp_path), "https://one.example")
    with pytest.raises(ValueError, match=r"is that of https://one\.example; choose another"):
        claim_folder(StateFolder(tmp_path), "https://two.example")


def test_the_simulated_cluster_does_not_take_a_given_ones_state(tmp_path: Path) -> None:
    """Nor does a given one take the simulated one's."""
    claim_folder(StateFolder(tmp_path), "https://one.example")

    async def open_simulated() -> None:
        async with open_cluster(StateFolder(tmp_path), SimulatedClock(1.0, 0.0)):
            raise AssertionError

    with pytest.raises(ValueError, match="given by --kubeconfig"):
        asyncio.run(open_simulated())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--yes"], "go with --kubeconfig"),
        (["--remove"], "go with --kubeconfig"),
        (["--kubeconfig", "somewhere", "--speed", "3"], "keeps real time"),
        (["--kubeconfig", "somewhere", "--weather", "quota"], "has its own"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(options: list[str], sentence: str) -> None:
    """Before anything starts."""
    ended = CliRunner().invoke(main, ["sandbox", *options])
    assert (ended.exit_code, sentence in ended.output) == (2, True)
