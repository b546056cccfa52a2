import pytest

from bot.gateways.probes import ProbesGateway
from steps.contract.errors import GiveUp, TryAgain
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply, Reset, Silence, in_order

AMPLE = (10.0, 10.0)
SHORT = (10.0, 0.2)


def vector(*values: str) -> Reply:
    """An instant vector."""
    result = [{"metric": {}, "value": [1.0, value]} for value in values]
    return Reply.of({"status": "success", "data": {"resultType": "vector", "result": result}})


@pytest.mark.parametrize(("status", "fault"), [(200, ""), (404, ""), (302, ""), (503, "answered 503")])
def test_an_address_must_answer_below_500(serve: Serve, status: int, fault: str) -> None:
    """A redirect or a refusal is an answer."""
    server = serve(in_order(Reply(status)))
    assert ProbesGateway(AMPLE).check_address(server.url) == fault


def test_an_address_that_does_not_answer_is_a_fault(serve: Serve) -> None:
    """After its time limit."""
    server = serve(in_order(Silence()))
    assert ProbesGateway(SHORT).check_address(server.url) == "did not answer within 0.2 s"


def test_an_address_that_hangs_up_is_a_fault(serve: Serve) -> None:
    """A reset is told, not raised."""
    assert ProbesGateway(AMPLE).check_address(serve(in_order(Reset())).url).startswith("could not be reached")


def test_an_address_that_is_none_is_a_fault() -> None:
    """A typing error in the settings is told."""
    assert ProbesGateway(AMPLE).check_address("shop.example.com").startswith("could not be reached")


def test_the_highest_value_counts(serve: Serve) -> None:
    """One bad series is enough; NaN is none."""
    server = serve(in_order(vector("0.2", "NaN", "0.7")))
    assert ProbesGateway(AMPLE).query_metric(server.url, "errors") == 0.7


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_without_an_end_is_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """It would fill the memory."""
    monkeypatch.setattr("bot.gateways.probes.LARGEST_ANSWER", 1_000)
    server = serve(in_order(Reply(status, b" " * 5_000)))
    with pytest.raises(GiveUp, match="with more than 1 kB"):
        ProbesGateway(AMPLE).query_metric(server.url, "errors")


def test_nothing_but_the_status_of_an_address_is_read(serve: Serve) -> None:
    """Whatever it goes on to send."""
    assert ProbesGateway(AMPLE).check_address(serve(in_order(Reply(200, b" " * 5_000, cut=10))).url) == ""


def test_a_scalar_counts(serve: Serve) -> None:
    """Prometheus answers arithmetic with a scalar."""
    server = serve(in_order(Reply.of({"data": {"resultType": "scalar", "result": [1.0, "3"]}})))
    assert ProbesGateway(AMPLE).query_metric(server.url, "1+2") == 3


def test_an_empty_result_has_no_value(serve: Serve) -> None:
    """The step decides what that means."""
    assert ProbesGateway(AMPLE).query_metric(serve(in_order(vector())).url, "errors") is None


def test_the_expression_is_sent_whole(serve: Serve) -> None:
    """Braces, quotes and pluses survive."""
    server = serve(in_order(vector("1")))
    expression = 'sum(rate(x{code=~"5.."}[1m])) + 0'
    ProbesGateway(AMPLE).query_metric(server.url + "/", expression)
    assert (server.requests[0].path, server.requests[0].query["query"]) == ("/api/v1/query", expression)


@pytest.mark.parametrize("answer", [Silence(), Reset(), Reply(503)])
def test_a_prometheus_that_is_away_is_asked_again(serve: Serve, answer: Reply | Reset | Silence) -> None:
    """Its absence says nothing about the mesh."""
    limits = SHORT if isinstance(answer, Silence) else AMPLE
    with pytest.raises(TryAgain):
        ProbesGateway(limits).query_metric(serve(in_order(answer)).url, "errors")


@pytest.mark.parametrize("answer", [Reply.of({"error": "bad expression"}, 400), Reply(200, b"<html>")])
def test_a_refused_expression_is_for_a_person(serve: Serve, answer: Reply) -> None:
    """It will not get better by itself."""
    with pytest.raises(GiveUp):
        ProbesGateway(AMPLE).query_metric(serve(in_order(answer)).url, "errors")


@pytest.mark.parametrize("address", ["prometheus:9090", "ftp://prometheus"])
def test_what_is_no_address_is_for_a_person(address: str) -> None:
    """No later turn would reach it."""
    with pytest.raises(GiveUp, match="is not an address"):
        ProbesGateway(AMPLE).query_metric(address, "errors")


def test_limits_without_a_prometheus_are_a_fault_of_the_settings() -> None:
    """The setting that lacks is named."""
    with pytest.raises(GiveUp, match="prometheus_url"):
        ProbesGateway(AMPLE).query_metric("", "errors")
