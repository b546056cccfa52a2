from steps.contract.step import Ask, Done
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start


def fill(cluster: PaperCluster) -> None:
    """A mesh with a workload of each kind."""
    cluster.add("Deployment", "shop", "web", 5, pace=2)
    cluster.add("Deployment", "shop", "cart", 3)
    cluster.add("StatefulSet", "store", "db", 3, pace=1)
    cluster.add("DaemonSet", "store", "logs", 4, pace=2)
    cluster.add("ReplicaSet", "batch", "lone", 2)
    cluster.add("Job", "batch", "import", 1)
    cluster.add_bare_pod("batch", "shell")
    cluster.move_control_plane()


def finish(rig: Rig[PaperCluster]) -> Done:
    """Approve and run the rest of the phase."""
    assert isinstance(rig.approve("approve"), Done)
    assert isinstance(rig.run("restart"), Done)
    done = rig.approve("acknowledge")
    assert isinstance(done, Done)
    return done


def test_every_pod_ends_upgraded_or_manual(cluster: PaperCluster) -> None:
    """A whole phase leaves Jobs and bare pods to a person and upgrades all others."""
    fill(cluster)
    rig = start(cluster)
    finish(rig)
    assert (rig.count("upgraded"), rig.count("manual"), len(rig.ledger.committed)) == (17, 2, 19)


def test_every_owned_pod_runs_the_new_sidecar(cluster: PaperCluster) -> None:
    """The cluster itself shows the release's sidecar wherever the ledger says so."""
    fill(cluster)
    finish(start(cluster))
    pods = [pod for pod in cluster.pods.values() if pod.namespace != "istio-system"]
    old = {pod.name for pod in pods if not pod.proxy_image.endswith(cluster.release.version)}
    assert {name.partition("-")[0] for name in old} == {"import", "shell"}


def test_each_workload_is_restarted_once(cluster: PaperCluster) -> None:
    """No workload is restarted twice."""
    fill(cluster)
    finish(start(cluster))
    assert len(cluster.restarts) == len({ref for ref, _ in cluster.restarts}) == 4


def test_the_acknowledge_gate_names_the_command(cluster: PaperCluster) -> None:
    """What is left to a person is shown with the command to run."""
    fill(cluster)
    rig = start(cluster)
    rig.approve("approve")
    rig.run("restart")
    asked = rig.turn("acknowledge")
    assert isinstance(asked, Ask)
    assert any("kubectl -n batch delete pod shell" in line for d in asked.card.details for line in d.lines)


def test_a_pod_left_to_a_person_that_went_away_is_gone(cluster: PaperCluster) -> None:
    """Although others of its workload stand: nobody acknowledges a pod that is not there."""
    web = cluster.add("Deployment", "shop", "web", 3, paused=True)
    cluster.move_control_plane()
    rig = start(cluster)
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("manual") == 3
    cluster.scale(web.ref, 1)
    for _ in range(5):
        cluster.tick()
    asked = rig.turn("acknowledge")
    assert isinstance(asked, Ask)
    assert asked.question == "1 pod not re-injected and left to a person. Acknowledge?"
    assert (rig.count("manual"), rig.count("gone")) == (1, 2)
