"""What one turn of a step does to its cluster: noted as begun before the first call, and with each call's result.

Whatever is not a read counts, so that a step can't act off the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from bot.engine.sights import READING, Sights
from bot.engine.turn import Turn, TurnMemory
from bot.journal.audit import Acted, Deed, Fell
from bot.journal.rows import ACTED
from steps.contract.errors import NoPlace, StepError
from steps.contract.leases import Lease
from steps.contract.ledger import LedgerEntry
from steps.contract.notes import Json
from steps.contract.ports import Gke, KubectlCall, Kubernetes, MeshTools, ProgramEnded, RunState
from steps.contract.record import Record
from steps.mesh import Binding, EvictionRefused, PodGone, WorkloadRef

# A method of a port whose types are the port's own.
PortMethod: TypeAlias = Callable[..., Any]

# The one write that is no act on the mesh: an hour of it would be a hundred lines of the audit.
RENEWING = "renew_lease"
# What is written down and still begins no step: a Lease is the bot's own, and changes no mesh.
LEASING = "write_lease"
# Child programs that change a cluster. What fails of a start fails before there is a program.
STARTING = ("start_apply", "start_validate")
BEGUN = "engine/begun"
# What is written of one deed, and how many of one turn.
LONGEST = 300
MOST_DEEDS = 100
BATCH = "the bot ended before it saw the result, and that of others begun at the same time"


class NothingNew(Exception):
    """Somebody paused or aborted the upgrade while its step ran: the call was not made."""


class Witness:
    """Writes into a turn what its step does. What a killed bot had begun in the turn before is told first.

    `find_stop` says why nothing may be begun any more, "" while it may: it is asked before each call, and told whether
    the turn has begun anything yet, so that a pause counts from its moment and not from the next turn on. `step` is
    the step with its generation, None for what runs beside the plan: that begins nothing of the step at hand.
    """

    def __init__(
        self, memory: TurnMemory, turn: Turn, step: tuple[str, int] | None, find_stop: Callable[[bool], str]
    ) -> None:
        self._memory = memory
        self._turn = turn
        self._step: Json = list(step) if step else None
        self._find_stop = find_stop
        self._noted = False
        self._begun = False
        self._sights = Sights()
        left = memory.recall(BEGUN)
        if isinstance(left, Mapping):
            self._add(str(left["did"]), str(left["to"]), BATCH)
            memory.revise(BEGUN, None)

    def watch_cluster(self, kubernetes: Kubernetes) -> Kubernetes:
        """The same cluster, seen once a turn, with every call that is no read written down."""
        return cast(Kubernetes, _Watched(self._sights.watch(kubernetes), _acts, self._wrap))

    def watch_google(self, gke: Gke) -> Gke:
        """The same project, seen once a turn."""
        return self._sights.watch(gke)

    def watch_tools(self, tools: MeshTools) -> MeshTools:
        """The same programs, with every start that changes a cluster written down, and how it ended, once."""
        watched = _Watched(tools, lambda name: name in (*STARTING, "observe_run"), self._wrap_tool)
        return cast(MeshTools, watched)

    def _wrap_tool(self, name: str, method: PortMethod, tools: Any) -> PortMethod:
        if name == "observe_run":
            return lambda run_id: self._see_end(tools, run_id)

        def start(run_id: str, *arguments: Any) -> Any:
            if stop := self._find_stop(self._begun):
                raise NothingNew(stop)
            self._memory.remember(_name_run(run_id), name)
            return self._wrap(name, method, tools)(run_id, *arguments)

        return start

    def _see_end(self, tools: MeshTools, run_id: str) -> RunState:
        state, key = tools.observe_run(run_id), _name_run(run_id)
        started = self._memory.recall(key)
        if isinstance(state, ProgramEnded) and started in STARTING:
            self._add("end of program", run_id, _describe_end(state))
            for call in tools.list_calls(run_id) if started == STARTING[0] else ():
                if call.is_write:
                    self._add(f"kubectl {call.verb}", call.component, _describe_call(call))
            self._memory.revise(key, "told")
        return state

    def _wrap(self, name: str, method: PortMethod, _port: object) -> PortMethod:
        def call(*arguments: Any, **named: Any) -> Any:
            stop = self._find_stop(self._begun)
            if stop:
                raise NothingNew(stop)
            did, to = name.replace("_", " "), _describe_arguments([*arguments, *named.values()])
            self._note(did, to)
            take_back = self._begin(name)
            try:
                answer = method(*arguments, **named)
            except BaseException as fault:
                if _is_harmless(name, fault):
                    take_back()
                if not isinstance(fault, NoPlace):  # nothing was begun
                    self._add(did, to, f"failed: {fault}")
                raise
            if isinstance(answer, EvictionRefused | PodGone):
                take_back()
            self._add(did, to, _describe_answer(answer))
            return answer

        return call

    def _begin(self, name: str) -> Callable[[], None]:
        """Before a call that begins the step: it runs on after its window, also where the bot is killed in the call.

        Answers how that is taken back, together with the turn's outcome, where the call turns out to have changed
        nothing; a call that comes after the first begins nothing.
        """
        if self._begun or self._step is None or name == LEASING:
            return lambda: None
        before = self._memory.recall(ACTED)
        if before != self._step:
            self._memory.note_at_once(ACTED, self._step)
        self._begun = True

        def take_back() -> None:
            self._begun = False
            if before != self._step:
                self._memory.revise(ACTED, before)

        return take_back

    def _note(self, did: str, to: str) -> None:
        """Before the first call of a turn: a bot that is killed in it finds out that it had begun."""
        if not self._noted:
            self._memory.note_at_once(BEGUN, {"did": did, "to": to})
            self._memory.revise(BEGUN, None)
            self._noted = True

    def _add(self, did: str, to: str, result: str) -> None:
        self._turn.deeds.append(Deed(did, to[:LONGEST], result[:LONGEST]))


class _Watched:
    """A port whose chosen methods are wrapped when they are looked up."""

    def __init__(
        self, port: object, chosen: Callable[[str], bool], wrap: Callable[[str, PortMethod, Any], PortMethod]
    ) -> None:
        self._port = port
        self._chosen = chosen
        self._wrap = wrap

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return self._wrap(name, method, self._port) if self._chosen(name) else method


def describe_deeds(step: str, turn: Turn) -> list[Acted]:
    """What the turn did, for the audit; nothing where it only looked."""
    deeds = turn.deeds[:MOST_DEEDS]
    if len(turn.deeds) > MOST_DEEDS:
        deeds = [*deeds, Deed("and more", "", f"{len(turn.deeds) - MOST_DEEDS} of them")]
    return [Acted(step, tuple(deeds))] if deeds else []


def list_fallen(step: str, turn: Turn, known: Sequence[LedgerEntry]) -> list[Fell]:
    """The workloads that began to fail in the turn; `known` is the ledger before it."""
    before = {entry.workload for entry in known if entry.state == "failed"}
    failed = [entry for entry in turn.entries.values() if entry.state == "failed" and entry.workload not in before]
    counted = Counter(entry.workload for entry in failed)
    reasons = {entry.workload: entry.reason for entry in failed}
    return [Fell(step, workload, pods, reasons[workload][:LONGEST]) for workload, pods in counted.items()]


def _acts(name: str) -> bool:
    return not name.startswith(READING) and name != RENEWING


def _is_harmless(name: str, fault: BaseException) -> bool:
    """Whether it is certain that the call changed nothing."""
    return isinstance(fault, StepError) and (fault.changed_nothing or name in STARTING)


def _name_run(run_id: str) -> str:
    return f"engine/run/{run_id}"


def _describe_arguments(arguments: Sequence[object]) -> str:
    return " ".join(filter(None, map(_describe_argument, arguments)))


def _describe_argument(argument: object) -> str:
    match argument:
        case str():
            return argument
        case WorkloadRef():
            return str(argument)
        case Binding(name=name, role=role, users=users):
            return f"{name} ({role} for {', '.join(users) or 'nobody'})"
        case Lease(namespace=namespace, name=name, holder=holder):
            return f"{namespace}/{name} for {holder or 'nobody'}"
        case Record():
            return f"record {argument.digest}"
        case Mapping():
            place = argument.get("metadata") or {}
            return "/".join(filter(None, [argument.get("kind"), place.get("namespace"), place.get("name")]))
        case _:
            return ""


def _describe_answer(answer: object) -> str:
    match answer:
        case EvictionRefused(why=why):
            return f"refused: {why}"
        case PodGone():
            return "gone already"
        case _:
            return "accepted"  # what became of it is in the ledger, or in the program's end


def _describe_end(ended: ProgramEnded) -> str:
    code = "its exit code was not seen" if ended.exit_code is None else f"exit {ended.exit_code}"
    return f"{code}, past its time limit" if ended.timed_out else code


def _describe_call(call: KubectlCall) -> str:
    code = "exit not seen" if call.exit_code is None else f"exit {call.exit_code}"
    return " ".join(filter(None, [f"{call.verdict}, {code}", call.sentence]))
