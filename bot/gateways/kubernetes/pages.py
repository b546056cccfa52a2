"""Paged raw lists, one page in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

import msgspec

from bot.gateways.calls.faults import OutsideCall
from bot.gateways.kubernetes.answers import BudgetItem, NamespaceItem, NodeItem, Scaler
from bot.gateways.kubernetes.api_server import JSON, ApiServer, HttpAnswer
from bot.gateways.kubernetes.verdicts import judge_form
from bot.gateways.kubernetes.wire import Controller, Described, Page, PodItem
from steps.contract.errors import TryAgain

PAGE_SIZE = 500
MOST_RESTARTS = 3
T = TypeVar("T")
Item = TypeVar("Item", PodItem, Controller, Described)

POD_PAGES = msgspec.json.Decoder(Page[PodItem])
CONTROLLER_PAGES = msgspec.json.Decoder(Page[Controller])
DESCRIBED_PAGES = msgspec.json.Decoder(Page[Described])
NAMESPACE_PAGES = msgspec.json.Decoder(Page[NamespaceItem])
BUDGET_PAGES = msgspec.json.Decoder(Page[BudgetItem])
SCALER_PAGES = msgspec.json.Decoder(Page[Scaler])
NODE_PAGES = msgspec.json.Decoder(Page[NodeItem])


def list_items(
    server: ApiServer,
    action: str,
    path: str,
    decoder: msgspec.json.Decoder[Page[Item]],
    selector: str = "",
    optional: bool = False,
    media: str = JSON,
    hidden: bool = False,
) -> Iterator[Item]:
    """All items of a list, each once.

    resourceVersion stays unset: with 0 the server ignores the limit. A continue token that expired (410) starts the
    list again; what was given already is not given twice. With `optional` an absent kind is an empty list, with
    `hidden` so is one that the account may not read.
    """
    seen: set[str] = set()
    query = {"labelSelector": selector} if selector else {}
    for _ in range(MOST_RESTARTS):
        for page in _list_pages(server, action, path, decoder, query, media, _find_empty(optional, hidden)):
            if page is None:
                break
            items = page.items or []
            items.reverse()
            while items:  # each is let go as soon as it was given: the next page comes while this one is used up
                item = items.pop()
                if item.metadata.uid not in seen:
                    seen.add(item.metadata.uid)
                    yield item
        else:
            return
    raise TryAgain(f'{server.name} expired the list of "{action}" {MOST_RESTARTS} times while it was read')


def list_whole(
    server: ApiServer,
    action: str,
    path: str,
    decoder: msgspec.json.Decoder[Page[T]],
    query: Mapping[str, str] = MappingProxyType({}),
    optional: bool = False,
) -> list[T]:
    """All items of a short list as they were at one moment; read anew from its start where its token expired."""
    for _ in range(MOST_RESTARTS):
        pages = list(_list_pages(server, action, path, decoder, query, JSON, _find_empty(optional, False)))
        whole = [page for page in pages if page is not None]
        if len(whole) == len(pages):
            return [item for page in whole for item in page.items or ()]
    raise TryAgain(f'{server.name} expired the list of "{action}" {MOST_RESTARTS} times while it was read')


def _list_pages(
    server: ApiServer,
    action: str,
    path: str,
    decoder: msgspec.json.Decoder[Page[T]],
    query: Mapping[str, str],
    media: str,
    empty: tuple[int, ...],
) -> Iterator[Page[T] | None]:
    """The pages in order, none for a status in `empty`; None in place of the rest where the list expired."""
    following = ""
    while True:
        answer = server.read(action, path, _ask_page(query, following), (410, *empty), media)
        if answer.status == 410:
            yield None
            return
        if answer.status in empty:
            return
        page = decode(server, action, answer, decoder)
        following = page.metadata.following
        del answer
        yield page
        if not following:
            return


def _find_empty(optional: bool, hidden: bool) -> tuple[int, ...]:
    return (404,) * optional + (403,) * hidden


def _ask_page(query: Mapping[str, str], following: str) -> Mapping[str, str]:
    page = {**query, "limit": str(PAGE_SIZE)}
    return {**page, "continue": following} if following else page


def decode(server: ApiServer, action: str, answer: HttpAnswer, decoder: msgspec.json.Decoder[T]) -> T:
    """The answer's body. TryAgain where it isn't JSON (cut short), GiveUp where a field has another type."""
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise judge_form(OutsideCall(server.name, action), answer.body, error) from error
