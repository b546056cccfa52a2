"""A right that comes only after the window has closed."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.windows.permits import CONTROL_PLANE_START, WRITING
from steps.contract.errors import NotGranted
from steps.contract.step import Context, Outcome, Waiting
from steps.mesh import Binding
from tests.unit.bot.engine.test_deeds import Places
from tests.unit.bot.schedule.held import NIGHTS
from tests.unit.bot.workbench import BEN, START, Build


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("step", sorted(WRITING - CONTROL_PLANE_START))
def test_a_right_that_comes_late_lets_nothing_begin_once_the_window_is_closed(
    build: Build, step: str, *, begun: bool
) -> None:
    """Retry in its last minutes waits for the right; only what has begun runs on past the end.

    The control plane's backup is held before that, for room.
    """
    called: list[datetime] = []

    def write(ctx: Context) -> Outcome:
        called.append(ctx.now)
        if begun and len(called) == 2:
            ctx.kubernetes.create_binding(Binding("b", "r", ()))
            return Waiting("running", 5)
        raise NotGranted("GKE answered 403", "Grant the role, then retry.")

    engine = build({step: write}, downtime=NIGHTS, ports=Places())
    engine.add_upgrade([step])
    engine.runner.turn()
    engine.clock.time = datetime(2026, 12, 1, 3, 57, tzinfo=START.tzinfo)
    engine.click("retry", BEN, "cluster-x-1")
    for _ in range(2):
        engine.runner.turn()
        engine.clock.advance(60)
    engine.clock.advance(300)
    engine.runner.turn()
    assert len(called) == (4 if begun else 3)
    assert begun or engine.row().due == datetime(2026, 12, 1, 22, tzinfo=START.tzinfo)
