"""The scenes: what is filmed, each from a frame that is there to the frames that it adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from sandbox.bot.settings import CLUSTERS
from sandbox.cluster.server.faults import PodFault
from steps.mesh import ClusterAddress
from tests.journals.clicks import approve_until_held, give_reason, list_clicks, order, run_to_question, snooze
from tests.journals.filming import (
    RETURNING,
    Film,
    FilmRig,
    cut_downloads,
    find_row,
    hold_program,
    is_in,
    name_returning,
)
from tests.journals.going_on import go_on
from tests.journals.silence import film_unheard
from tests.scenarios.rig import ANA, BEN, CAI, CHANNEL
from tests.unit.bot.workbench import write_click

# The film begins at 02:00.
OPENS_LATER = 'windows = [{ days = "mon-sun", hours = "02:30-05:00", zone = "UTC" }]\n'
CLOSED = 'windows = [{ days = "mon-sun", hours = "02:30-01:00", zone = "UTC" }]\n'
LEFT_OVER = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "kiali", "namespace": "istio-system", "labels": {"operator.istio.io/component": "Prometheus"},
    },
    "spec": {"ports": [{"port": 80}]},
}  # fmt: skip
OVERLAY = """\
apiVersion: install.istio.io/v1alpha2
kind: IstioControlPlane
spec:
  values:
    global:
      proxy:
        logLevel: warning
"""
# A gate is frozen while it asks; these also between the decision and the step that holds it against the cluster.
DECIDED = frozenset({"control-plane/approve", "sidecars/approve"})


def film_nothing(film: Film, name: str = "empty") -> None:
    """The journal before any upgrade."""
    film.last = ""
    rig = FilmRig(film.world)
    rig.settle()
    film.freeze(name, "")
    rig.crash()
    film.studio.wait_until_alone()


def film_plan(film: Film) -> None:
    """Every step of a plan that has all of them: a change of mTLS, a removal and a canary."""
    with film.go_back("empty") as rig:
        address = ClusterAddress("administrator", kubeconfig=str(film.world.folder.kubeconfig))
        rig.bot.runner._plans.ports_for(address).kubernetes.apply_object(LEFT_OVER)
        rig.look = Lookout(film, rig)
        rig.command(ANA, "start cluster-x mtls=STRICT canary=data")
        go_on(rig, "cluster-x-1")
        rig.deliver()
        rig.look = lambda: None
        film.freeze("plan-ended")


class Lookout:
    """Freezes each step of the upgrade when it is reached, and what is worth a frame in between."""

    def __init__(self, film: Film, rig: FilmRig) -> None:
        self._film = film
        self._rig = rig
        self._seen: set[str] = set()

    def __call__(self) -> None:
        """Freeze what is new."""
        row = find_row(self._rig)
        if row is None or row.ended_at:
            return
        name = f"plan-{row.plan.index(row.step) + 1:02}-{row.step.replace('/', '-')}"
        gate = "/approve" in row.step or "/acknowledge" in row.step
        if not gate or row.state == "asking":
            self._freeze(name)
        elif row.step in DECIDED and self._rig.bot.journal.find_decision(row):
            self._freeze(f"{name}-decided")
        steps = {step.step: step for step in self._rig.bot.journal.list_steps(row.id)}
        moved = self._rig.bot.journal.count_ledger(row.id).get("upgraded", 0)
        waits = row.step in steps and steps[row.step].outcome == "Waiting"
        if waits and row.step in ("control-plane/rollout", "sidecars/canary"):
            self._freeze(f"{name}-in-flight")
        if waits and row.step == "sidecars/restart" and moved > 20:
            self._freeze(f"{name}-in-flight")

    def _freeze(self, name: str) -> None:
        if name not in self._seen:
            self._seen.add(name)
            self._film.freeze(name)


def film_running_apply(film: Film) -> None:
    """istioctl is stopped in the middle of its apply, and its bot is gone."""
    with film.go_back("plan-16-control-plane-apply") as rig, hold_program(rig):
        rig.turn()
        film.freeze("running-apply")


def film_running_validate(film: Film) -> None:
    """asmctl is stopped in the middle of its checks, and its bot is gone."""
    with film.go_back("plan-19-validate-run") as rig, hold_program(rig):
        rig.turn()
        film.freeze("running-validate")


def film_half_an_archive(film: Film) -> None:
    """The line was cut in the middle of the download."""
    with film.go_back("plan-08-download-fetch") as rig, cut_downloads(film.world):
        rig.run_until(lambda: rig.bot.journal.recall_json("cluster-x-1", "download/failing") is not None, 60)
        film.freeze("half-an-archive")


def film_blocked_download(film: Film) -> None:
    """The release server gave nothing until patience was over."""
    with film.go_back("plan-08-download-fetch") as rig:
        film.world.releases.switches.status = 404
        rig.run_until(lambda: is_in(rig, "blocked"))
        film.freeze("blocked-download")
        film.world.releases.switches.status = 0


def film_blocked_rollout(film: Film) -> None:
    """An image of the control plane can't be pulled; then a person has asked for a retry."""
    fault = PodFault("unpullable", image="*/pilot:1.4.10*")
    with film.go_back("plan-16-control-plane-apply") as rig:
        film.world.cluster.faults.pods.active.append(fault)
        rig.run_until(lambda: is_in(rig, "blocked"))
        film.freeze("blocked-rollout")
        film.world.cluster.faults.clear()


def film_blocked_sidecars(film: Film) -> None:
    """A workload's new pods never get ready."""
    with film.go_back("plan-23-sidecars-approve-decided") as rig:
        film.world.cluster.faults.pods.active.append(PodFault("never-ready", namespace="shop", pod="cart*"))
        rig.run_until(lambda: is_in(rig, "blocked"))
        film.freeze("blocked-sidecars")
        film.world.cluster.faults.clear()


def film_denied(film: Film) -> None:
    """An approver has said no, with a reason."""
    with film.go_back("plan-04-access-approve") as rig:
        rig.command(BEN, "deny cluster-x not before the release party")
        rig.run_until(lambda: is_in(rig, "blocked"))
        film.freeze("denied-access")


def film_paused(film: Film) -> None:
    """Paused while pods are on their way."""
    with film.go_back("plan-24-sidecars-restart-in-flight") as rig:
        rig.command(CAI, "pause cluster-x")
        rig.settle()
        film.freeze("paused-sidecars")


def film_held(film: Film) -> None:
    """Approved before the window opens; and another one that closed before the first sidecar was moved."""
    with film.go_back("plan-04-access-approve", clusters=CLUSTERS + OPENS_LATER) as rig:
        approve_until_held(rig)
        film.freeze("held-access")
    with film.go_back("plan-24-sidecars-restart", clusters=CLUSTERS + CLOSED) as rig:
        rig.run_until(lambda: rig.bot.schedules.find_hold("cluster-x-1") is not None)
        film.freeze("held-sidecars")


def film_schedule(film: Film) -> None:
    """An appointment: asked long before, reminded, snoozed, moved, approved and held until it begins."""
    with film.go_back("empty") as rig:
        rig.command(ANA, "schedule cluster-x 2026-12-01 13:00 Asia/Seoul for 3h")
        rig.run_until(lambda: is_in(rig, "asking"))
        film.freeze("scheduled-asking")
        rig.go_to(datetime(2026, 12, 1, 3, 1, tzinfo=UTC))
        film.freeze("scheduled-reminded")
        snooze(rig)
        rig.settle()
        rig.command(ANA, "schedule cluster-x 2026-12-01 13:10 Asia/Seoul for 3h")
        film.freeze("scheduled-snoozed-and-moved")
        approve_until_held(rig)
        film.freeze("scheduled-held")


def film_first_consent(film: Film) -> None:
    """The first of two approvers has agreed."""
    two = CLUSTERS.replace("[defaults]", "[defaults]\napprovals_needed = 2")
    with film.go_back("plan-23-sidecars-approve", clusters=two) as rig:
        rig.decide_by_code(BEN)
        rig.settle()
        film.freeze("first-consent")


def film_broken_glass(film: Film) -> None:
    """One person has approved alone, outside of the window, and has extended it."""
    glass = CLUSTERS.replace("[defaults]", f'[defaults]\nbreak_glass = ["{CAI}"]') + OPENS_LATER
    with film.go_back("plan-14-control-plane-approve", clusters=glass) as rig:
        rig.command(CAI, "extend cluster-x 2h the fix can not wait")
        rig.command(CAI, f"break-glass cluster-x {rig.find_code()} the fix can not wait")
        film.freeze("broken-glass")


def film_unsettled(film: Film, name: str = "unsettled-clicks") -> None:
    """Clicks of every kind that nobody has answered yet; the last one approves."""
    with film.go_back("plan-23-sidecars-approve") as rig:
        row = find_row(rig)
        assert row is not None
        for click in list_clicks(row, film.world.clock.now()):
            rig.bot.upgrades.receive(click)
        film.freeze(name)


def film_unsent(film: Film, name: str = "unsent") -> None:
    """Slack was away all the time: the outbox holds messages of every kind that nobody has seen."""
    with film.go_back("empty", speaks=False) as rig:
        order(rig, "schedule", ANA, date="2026-12-01", time="02:20", zone="UTC")
        run_to_question(rig)
        film.world.clock.advance(600)
        rig.turn()
        order(rig, "deny", BEN, reason="not yet")
        run_to_question(rig)
        order(rig, "retry", BEN)
        while (row := run_to_question(rig)) and row.step != "sidecars/acknowledge":
            order(rig, "approve", BEN)
        film.freeze(f"{name}-acknowledge")
        order(rig, "approve", BEN)
        while run_to_question(rig):
            order(rig, "approve", BEN)
        film.freeze(f"{name}-ended")


def film_half_sent(film: Film) -> None:
    """Posts that were tried and never answered, and one that Slack refused."""
    with film.go_back("plan-20-sidecars-plan", speaks=False) as rig:
        run_to_question(rig)
        now = film.world.clock.now()
        for message in rig.bot.outbox.list_unsent(now):
            rig.bot.outbox.mark_posting(message.id)
            rig.bot.outbox.defer_message(message.id, now + timedelta(seconds=30), "Slack did not answer clearly")
        film.freeze("half-sent")


def film_abort(film: Film) -> None:
    """Aborted while pods are on their way."""
    with film.go_back("plan-24-sidecars-restart-in-flight") as rig:
        names = {"abort/revoke": "aborting-revoke", "abort/report": "aborting-report"}

        def look() -> None:
            row = find_row(rig)
            if row and row.step in names:
                film.freeze(names.pop(row.step), "aborted")

        rig.look = look
        rig.command(CAI, "abort cluster-x because")
        rig.run_until(lambda: is_in(rig, "aborted"))
        film.freeze("aborted", "aborted")


def film_proposal(film: Film) -> None:
    """A cluster that only GKE names is proposed: read, and never changed."""
    with film.go_back("empty") as rig:
        taken: set[str] = set()

        def look() -> None:
            row = find_row(rig)
            if row and row.step not in taken and not row.ended_at:
                taken.add(row.step)
                film.freeze(f"proposing-{row.step.replace('/', '-')}", "proposed")

        rig.look = look
        rig.command(ANA, "start cluster-y")
        rig.run_until(lambda: is_in(rig, "proposed"))
        film.freeze("proposed", "proposed")


def film_options(film: Film) -> None:
    """What few upgrades have: an overlay from the form, waves that soak, pods that are evicted."""
    careful = CLUSTERS.replace("[defaults]", "[defaults]\nlimits = { soak_seconds = 60 }\nevict_namespaces = ['shop']")
    seen = {"sidecars/soak": "soaking-canary", "sidecars/backoff": "evicting-refused"}
    with film.go_back("empty", clusters=careful) as rig:

        def look() -> None:
            row = find_row(rig)
            if row and row.step == "control-plane/apply" and "overlay-apply" not in film.taken:
                film.freeze("overlay-apply")
            rows = rig.bot.store.read("select key from memory")
            for start, name in seen.items():
                if name not in film.taken and any(str(kept["key"]).startswith(start) for kept in rows):
                    film.freeze(name)

        order(rig, "start", ANA, overlay_texts={"own.yaml": OVERLAY}, canary_namespaces=["data"])
        rig.look = look
        go_on(rig, "cluster-x-1", lambda row: row.step == "sidecars/acknowledge")
        film.freeze("evicted")


def film_skipped(film: Film) -> None:
    """A workload that could not be moved was skipped, for a reason."""
    with film.go_back("blocked-sidecars") as rig:
        film.world.cluster.faults.pods.active.append(PodFault("never-ready", namespace="shop", pod="cart*"))
        give_reason(rig, BEN, "skip", "nobody shops at night")
        film.freeze("skipped-decided")
        go_on(rig, "cluster-x-1", lambda row: row.step == "sidecars/acknowledge")
        film.freeze("skipped-acknowledge")
        film.world.cluster.faults.clear()


def film_return(film: Film) -> None:
    """An upgrade that is taken back before its end, and its way back; its cluster has the operator's role."""
    names = {"access/release": "releasing-access", "landing/land": "landing", **RETURNING}
    film_nothing(film, "empty-with-role")
    with film.go_back("empty-with-role") as rig:
        ends = {"access/release": "upgraded", "landing/land": "rolled back"}

        def look() -> None:
            row = find_row(rig)
            if row and row.step in names and (row.takes_back or row.step in ends) and not row.ended_at:
                film.freeze(names.pop(row.step), "returned" if row.takes_back else ends[row.step])

        rig.look = look
        rig.command(ANA, "start cluster-x")
        go_on(rig, "cluster-x-1", lambda row: row.step == "authorization/approve")
        rig.decide_by_code(BEN)
        rig.run_until(lambda: (row := find_row(rig)) is not None and row.step == "authorization/apply")
        now = film.world.clock.now()
        words = {"reason": "the new proxies leak", "channel": CHANNEL}
        assert rig.bot.upgrades.receive(write_click("return", "rollback", ANA, now, "cluster-x", **words))
        film.freeze("ordered-return", "rolled back")
        rig.run_until(lambda: (row := find_row(rig)) is not None and row.id == "cluster-x-2", 600)
        go_on(rig, "cluster-x-2")
        rig.look = lambda: None
        film.freeze("returned", "returned")


def film_return_steps(film: Film) -> None:
    """The other steps of the way back, one frame each."""
    with film.go_back("ordered-return") as rig:

        def look() -> None:
            row = find_row(rig)
            if row is None or not row.takes_back or row.ended_at or row.step in RETURNING:
                return
            name = name_returning(row.plan, row.step)
            if name not in film.taken and (row.step != "authorization/approve-return" or row.state == "asking"):
                film.freeze(name, "returned")

        rig.look = look
        rig.run_until(lambda: (row := find_row(rig)) is not None and row.id == "cluster-x-2", 600)
        go_on(rig, "cluster-x-2")
        rig.look = lambda: None


SCENES: Mapping[str, Callable[[Film], None]] = {
    "empty": film_nothing,
    "plan-ended": film_plan,
    "running-apply": film_running_apply,
    "running-validate": film_running_validate,
    "half-an-archive": film_half_an_archive,
    "blocked-download": film_blocked_download,
    "blocked-rollout": film_blocked_rollout,
    "blocked-sidecars": film_blocked_sidecars,
    "denied-access": film_denied,
    "paused-sidecars": film_paused,
    "held-sidecars": film_held,
    "scheduled-held": film_schedule,
    "first-consent": film_first_consent,
    "broken-glass": film_broken_glass,
    "unsettled-clicks": film_unsettled,
    "unsent-ended": film_unsent,
    "half-sent": film_half_sent,
    "aborted": film_abort,
    "proposed": film_proposal,
    # Again when messages, clicks and notes had got types of their own.
    "typed-clicks": partial(film_unsettled, name="typed-clicks"),
    "typed-ended": partial(film_unsent, name="typed"),
    "evicted": film_options,
    "skipped-acknowledge": film_skipped,
    # When there were ways back.
    "returned": film_return,
    # When every step of a way back got a frame.
    "return-20-finish-revoke": film_return_steps,
    # When people were told of a channel in one message, and upgrades could be moved.
    "unheard": film_unheard,
}
