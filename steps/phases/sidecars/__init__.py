"""The sidecars phase: every pod with an old sidecar gets the new one, or is accounted for."""

from datetime import timedelta

from steps.contract.step import Step
from steps.phases.sidecars.gates import approve_canary, approve_rest
from steps.phases.sidecars.planning import PATIENCE, plan_sidecars
from steps.phases.sidecars.restart import acknowledge_left, restart_canary, restart_waves

# each workload has a patience of its own, which scales with its size; this one only ends what nobody foresaw
WAVES_PATIENCE = timedelta(days=3)

STEPS: tuple[Step, ...] = (
    Step("sidecars/plan", plan_sidecars, PATIENCE),
    Step("sidecars/approve-canary", approve_canary),
    Step("sidecars/canary", restart_canary, WAVES_PATIENCE),
    Step("sidecars/approve", approve_rest),
    Step("sidecars/restart", restart_waves, WAVES_PATIENCE),
    Step("sidecars/acknowledge", acknowledge_left),
)
CANARY_STEPS: frozenset[str] = frozenset({"sidecars/approve-canary", "sidecars/canary"})
