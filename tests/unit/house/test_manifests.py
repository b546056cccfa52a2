"""The manifests are valid and grant no more than the bot needs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.gateways.programs.long_programs import GRACE_SECONDS, WATCH_SECONDS
from bot.gateways.programs.mesh_tools import ProgramLimits
from bot.settings.environment import Settings
from bot.settings.webhooks import Webhook
from handlers.usage import COMMAND, USAGE
from sandbox.cluster.seeds.account_roles import operator_rules
from sandbox.cluster.seeds.viewer import viewer
from sandbox.slack.workspace.cast import SlackApp
from steps.install.record.recorder import READS, VIEWER
from steps.phases.own_binding import OWN_BINDING
from steps.preflight.rights import ADMIN_ROLE, LEASE_NAME, list_rights, list_sidecar_rights
from tests.unit.house.network import read_shipped, render_network_policy

# Below so many bytes of room an alert fires.
LOW_DISK = 2 * 10**9
PLACEHOLDER = re.compile(
    r"^(?!\s*#).*(?:\b(?:REGISTRY|OWNER|PROJECT_ID|YOUR_HOST)\b|example\.com|example-project|\.\.\.)", re.MULTILINE
)
READING_VERBS = {"get", "list", "watch"}
# Slack's methods that the bot calls, with the scope each one asks for (docs.slack.dev/reference/methods).
SCOPES_OF_METHODS = {
    "slash commands, shortcuts": {"commands"},
    "mentions": {"app_mentions:read"},
    "chat.postMessage, chat.update, chat.postEphemeral": {"chat:write"},
    "conversations.open": {"im:write"},
    "conversations.history, conversations.replies": {"channels:history", "groups:history", "im:history"},
    "url_private of a file from a dialog": {"files:read"},
    "files.getUploadURLExternal, files.completeUploadExternal": {"files:write"},
    "usergroups.list, usergroups.users.list": {"usergroups:read"},
    "users.info": {"users:read"},
}


def read_documents(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        yield from (document for document in yaml.safe_load_all(path.read_text()) if document)


def read_one(folder: Path, kind: str, name: str) -> dict[str, Any]:
    return next(
        document
        for document in read_documents(folder)
        if document["kind"] == kind and document["metadata"]["name"] == name
    )


@pytest.fixture(scope="module")
def manifests(project_root: Path) -> Path:
    """Give the folder of the manifests."""
    return project_root / "manifests"


@pytest.fixture(scope="module")
def slack_app(manifests: Path) -> dict[str, Any]:
    """Give the Slack app's manifest."""
    app: dict[str, Any] = yaml.safe_load((manifests / "slack-app.yaml").read_text())
    return app


@pytest.fixture(scope="module")
def pod_spec(manifests: Path) -> dict[str, Any]:
    """Give the pod spec of the bot's StatefulSet."""
    spec: dict[str, Any] = read_one(manifests / "kubernetes", "StatefulSet", "asm-upgrade-bot")["spec"]["template"][
        "spec"
    ]
    return spec


@pytest.fixture(scope="module")
def shipped() -> Settings:
    """The settings of the bot as the manifests have them."""
    return read_shipped()


def test_a_pod_has_time_for_an_apply_that_has_begun(pod_spec: dict[str, Any]) -> None:
    """The bot waits for longer than it may take, and the platform for longer than the bot, which notes how it ended."""
    variables = {one["name"]: one.get("value") for one in pod_spec["containers"][0]["env"]}
    grace = float(variables["ASM_UPGRADE_GRACE"])
    limits = ProgramLimits()
    assert max(limits.apply, limits.validate) + WATCH_SECONDS + GRACE_SECONDS <= grace
    assert grace + 2 * GRACE_SECONDS < pod_spec["terminationGracePeriodSeconds"]


def test_slack_app_asks_for_the_scopes_of_its_methods(slack_app: dict[str, Any]) -> None:
    """The app can do all it does and nothing else."""
    wanted = set().union(*SCOPES_OF_METHODS.values())
    assert set(slack_app["oauth_config"]["scopes"]["bot"]) == wanted


def test_slack_app_keeps_slacks_lengths(slack_app: dict[str, Any]) -> None:
    """Slack accepts the names and descriptions as they are."""
    information = slack_app["display_information"]
    assert len(information["name"]) <= 35
    assert len(information["description"]) <= 140
    assert 174 <= len(information["long_description"]) <= 4000


def test_slash_command_escapes_mentions(slack_app: dict[str, Any]) -> None:
    """An approver named in a command arrives as an id."""
    (command,) = slack_app["features"]["slash_commands"]
    assert command["command"] == "/asm-upgrade"
    assert command["should_escape"] is True


def test_usage_hint_names_commands_that_exist(slack_app: dict[str, Any]) -> None:
    """Slack's composer proposes nothing that the bot does not understand."""
    (command,) = slack_app["features"]["slash_commands"]
    assert command["command"] == COMMAND
    assert set(command["usage_hint"].split(" | ")) <= set(USAGE)


def test_socket_mode_is_the_default(slack_app: dict[str, Any]) -> None:
    """A bot behind a firewall works from the manifest as it is."""
    assert slack_app["settings"]["socket_mode_enabled"] is True


def test_every_resource_file_is_listed(manifests: Path) -> None:
    """kubectl apply -k applies all that the folder holds, but for the example secret."""
    for folder in (manifests / "kubernetes", manifests / "target-cluster"):
        listed = set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])
        assert listed == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}


def test_one_bot_with_a_journal_of_its_own(manifests: Path) -> None:
    """No second pod can mount the journal."""
    spec = read_one(manifests / "kubernetes", "StatefulSet", "asm-upgrade-bot")["spec"]
    assert spec["replicas"] == 1
    assert spec["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_bot_runs_without_privileges(pod_spec: dict[str, Any]) -> None:
    """The pod passes the restricted pod security standard with a read-only root."""
    (container,) = pod_spec["containers"]
    assert pod_spec["securityContext"]["runAsNonRoot"] is True
    assert pod_spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_probes_ask_the_health_port(pod_spec: dict[str, Any]) -> None:
    """Readiness is asked where ASM_UPGRADE_HEALTH_PORT says, liveness where nobody else can keep the port busy."""
    (container,) = pod_spec["containers"]
    port, live = container["ports"]
    assert {"name": "ASM_UPGRADE_HEALTH_PORT", "value": str(port["containerPort"])} in container["env"]
    assert {"name": "ASM_UPGRADE_LIVE_PORT", "value": str(live["containerPort"])} in container["env"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": live["name"]}


def test_viewer_only_reads(manifests: Path) -> None:
    """A proposal needs no right to change anything, nor to read a Secret."""
    rules = read_one(manifests / "target-cluster", "ClusterRole", "asm-upgrade-viewer")["rules"]
    assert all(set(rule["verbs"]) <= READING_VERBS for rule in rules)
    assert not any("secrets" in rule["resources"] for rule in rules)
    assert not any("*" in rule["resources"] for rule in rules if "" in rule["apiGroups"])


def test_viewer_reads_what_the_upgrade_only_reads(manifests: Path) -> None:
    """Whatever a step reads and never changes is granted before any approval."""
    rules = read_one(manifests / "target-cluster", "ClusterRole", "asm-upgrade-viewer")["rules"]
    granted = {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    rights = list_rights()
    changed = {
        (right.group, right.resource) for right in rights if right.verb not in READING_VERBS and not right.subresource
    }
    read = {(right.verb, right.group, right.resource) for right in rights if right.verb in READING_VERBS}
    assert not {right for right in read - granted if right[1:] not in changed}


def test_the_sandbox_sets_the_viewer_up_alike(manifests: Path) -> None:
    """The sandbox's clusters have what an administrator applies."""
    role, binding = viewer()
    assert role["rules"] == read_one(manifests / "target-cluster", "ClusterRole", VIEWER)["rules"]
    bound = read_one(manifests / "target-cluster", "ClusterRoleBinding", VIEWER)["subjects"]
    assert binding["subjects"][0] in bound


def test_operator_may_act_for_the_viewer(manifests: Path) -> None:
    """And for nobody else."""
    rules = read_one(manifests / "target-cluster", "ClusterRole", "asm-upgrade-operator")["rules"]
    acting = [rule for rule in rules if "impersonate" in rule["verbs"]]
    assert acting == [{"apiGroups": [""], "resources": ["users"], "resourceNames": [VIEWER], "verbs": ["impersonate"]}]


def test_viewer_reads_what_a_recording_reads(manifests: Path) -> None:
    """Nothing that istioctl asks for while it is recorded is missing."""
    rules = read_one(manifests / "target-cluster", "ClusterRole", VIEWER)["rules"]
    for right in READS:
        assert any(
            right.verb in r["verbs"] and right.group in r["apiGroups"] and right.resource in r["resources"]
            for r in rules
        )


def test_operator_may_fill_the_binding_that_stands_empty(manifests: Path) -> None:
    """The bot can write itself into that one binding and out of it, and make no other."""
    rules = read_one(manifests / "target-cluster", "ClusterRole", "asm-upgrade-operator")["rules"]
    named = [rule for rule in rules if "rbac.authorization.k8s.io" in rule["apiGroups"]]
    assert [(rule["resources"], rule["verbs"], rule["resourceNames"]) for rule in named] == [
        (["clusterrolebindings"], ["patch"], [OWN_BINDING]),
        (["clusterroles"], ["bind"], [ADMIN_ROLE]),
    ]
    empty = read_one(manifests / "target-cluster", "ClusterRoleBinding", OWN_BINDING)
    assert (empty["roleRef"]["name"], empty["subjects"]) == (ADMIN_ROLE, [])


def test_operator_may_hold_the_one_lease(manifests: Path) -> None:
    """By its name, but for creating it, which can't be limited; the sandbox's operator may as much."""
    rules = read_one(manifests / "target-cluster", "ClusterRole", "asm-upgrade-operator")["rules"]
    assert [rule for rule in rules if "leases" in rule["resources"]] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [LEASE_NAME],
            "verbs": ["get", "patch"],
        },
    ]
    assert operator_rules() == rules


def test_operator_may_do_what_is_looked_for_after_release(manifests: Path) -> None:
    """With the viewer's role it is all that the sidecars and the policies need."""
    roles = [
        read_one(manifests / "target-cluster", "ClusterRole", f"asm-upgrade-{name}") for name in ("viewer", "operator")
    ]
    granted = {
        (verb, group, resource)
        for role in roles
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    wanted = list_sidecar_rights(rollouts=True)
    names = {(one.verb, one.group, "/".join(filter(None, (one.resource, one.subresource)))) for one in wanted}
    covered = {one for one in names if one in granted or (one[0], one[1], "*") in granted}
    assert names - covered == set()


def test_operator_deletes_nothing_and_creates_evictions_and_its_lease(manifests: Path) -> None:
    """Pods are evicted, never deleted; no workload is ever deleted."""
    rules = read_one(manifests / "target-cluster", "ClusterRole", "asm-upgrade-operator")["rules"]
    made = (["pods/eviction"], ["leases"])
    verbs = {verb for rule in rules for verb in rule["verbs"] if rule["resources"] not in made}
    assert verbs == {"patch", "bind", "impersonate"}


def test_example_clusters_file_reads(manifests: Path) -> None:
    """The clusters file that the kustomization carries is valid TOML with approvers."""
    clusters = tomllib.loads((manifests / "kubernetes" / "clusters.toml").read_text())
    assert len(clusters["defaults"]["approvers"]) >= 2
    assert clusters["clusters"]["cluster-x"]["project"] == "example-project"


def test_image_is_built_from_the_lock_and_runs_unprivileged(manifests: Path) -> None:
    """The image installs by hash only and has a user of its own."""
    text = (manifests / "Dockerfile").read_text()
    assert "--require-hashes -r constraints-runtime.txt" in text
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["65532:65532"]


def test_every_file_with_a_placeholder_is_named(manifests: Path, project_root: Path) -> None:
    """Where the documentation says how to install."""
    told = (project_root / "docs" / "operations.md").read_text().partition("## Adding a cluster")[0]
    held = [path for path in manifests.rglob("*.*") if PLACEHOLDER.search(path.read_text())]
    assert len(held) > 8
    assert [str(path.relative_to(manifests)) for path in held if f"{path.name}`" not in told] == []


def test_the_pod_of_a_restore_is_the_bots_own_but_for_what_it_runs(project_root: Path, manifests: Path) -> None:
    """The same volume in the same place, by the same account, as the namespace lets in."""
    told = (project_root / "docs" / "operations.md").read_text()
    (pod,) = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", told, re.DOTALL))
    bot = read_one(manifests / "kubernetes", "StatefulSet", "asm-upgrade-bot")["spec"]
    own, (runs,) = bot["template"]["spec"], pod["spec"]["containers"]
    (claim,) = bot["volumeClaimTemplates"]
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == f"{claim['metadata']['name']}-asm-upgrade-bot-0"
    assert pod["spec"]["securityContext"].items() <= own["securityContext"].items()
    assert runs["volumeMounts"][0] in own["containers"][0]["volumeMounts"]
    assert runs["securityContext"].items() <= own["containers"][0]["securityContext"].items()
    assert {"allowPrivilegeEscalation", "capabilities"} <= runs["securityContext"].keys()


def test_the_image_has_no_base_and_no_kubectl_of_its_own(manifests: Path) -> None:
    """Whoever builds it names both, as its first lines say how to look them up; the sandbox stays out."""
    text = (manifests / "Dockerfile").read_text()
    named = re.findall(r"^ARG (\S+)$", text, re.MULTILINE)
    assert named == ["BASE_IMAGE", "KUBECTL_VERSION", "KUBECTL_SHA256"]
    looked_up = text.partition("ARG ")[0]
    assert [name for name in named if f"--build-arg {name}=" not in looked_up] == []
    assert re.findall(r"^COPY (?!--from).*sandbox", text, re.MULTILINE) == []


def test_the_volume_holds_more_than_what_may_stand_on_it(manifests: Path, shipped: Settings) -> None:
    """Releases and parcels at their bounds, a journal of 10,000 upgrades, and as much again as the alert leaves."""
    claim = read_one(manifests / "kubernetes", "StatefulSet", "asm-upgrade-bot")["spec"]["volumeClaimTemplates"][0]
    room = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) * 2**30
    assert shipped.cache_bytes + shipped.retention.limit + 10_000 * 166_000 + 2 * LOW_DISK < room


def test_the_namespace_refuses_what_has_privileges(manifests: Path) -> None:
    """Pod Security holds every pod of it to "restricted"."""
    namespace = read_one(manifests / "kubernetes", "Namespace", "asm-upgrade")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_nothing_holds_up_a_drain(manifests: Path) -> None:
    """A disruption budget for the one replica would."""
    texts = [path.read_text() for path in manifests.rglob("*.yaml")]
    assert [text for text in texts if re.search(r"^kind: PodDisruptionBudget", text, re.MULTILINE)] == []


@pytest.mark.parametrize("folder", ["kubernetes", "overlays/http-mode"])
def test_the_network_policy_opens_what_is_served(manifests: Path, folder: str) -> None:
    """The ports of the pod as it is there, and no other."""
    (file,) = (manifests / folder).glob("stateful-set*.yaml")
    (served,) = yaml.safe_load(file.read_text())["spec"]["template"]["spec"]["containers"]
    policy = yaml.safe_load((manifests / folder / "network-policy.yaml").read_text())
    let_in = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert let_in == {port["containerPort"] for port in served["ports"]}


def test_the_network_policy_is_what_the_settings_need(manifests: Path, shipped: Settings) -> None:
    """As `./dev docs` writes it from the StatefulSet and clusters.toml beside it."""
    written = (manifests / "kubernetes" / "network-policy.yaml").read_text()
    assert written == render_network_policy(shipped), "run ./dev docs"


def test_every_address_of_the_settings_has_its_port_in_the_network_policy(shipped: Settings) -> None:
    """Slack, releases and their mirror, a proxy, webhooks, probes and Prometheus, each on a port of its own."""
    ((key, cluster),) = list(shipped.clusters.items())[:1]
    options = replace(cluster.options, probe_urls=("http://probe:7001/",), prometheus_url="http://prometheus:7002")
    settings = replace(
        shipped,
        slack=replace(shipped.slack, api_url="https://slack:7003/api/"),
        mirror="http://mirror",
        way_out=replace(shipped.way_out, proxy="http://proxy:7004"),
        webhooks=(Webhook("audit", "https://hooks:7005/", b"secret"),),
        clusters={key: replace(cluster, options=options)},
    )
    egress = yaml.safe_load(render_network_policy(settings))["spec"]["egress"]
    anywhere, metadata = (
        {port["port"] for rule in egress if ("to" in rule) is narrow for port in rule["ports"]}
        for narrow in (False, True)
    )
    assert (anywhere, metadata) == ({53, 80, 443, *range(7001, 7006)}, {80, 988})


def test_the_stand_in_has_the_shortcuts_of_the_app(slack_app: dict[str, Any]) -> None:
    """What the sandbox's page offers in a message's menu is what Slack will."""
    shortcuts = [(one["callback_id"], one["name"]) for one in slack_app["features"]["shortcuts"]]
    assert shortcuts == [(one.callback_id, one.name) for one in SlackApp().shortcuts]
