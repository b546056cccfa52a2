"""The calls that the announcer makes: post, edit, look for a message, upload, answer privately."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.slack.api.answers import (
    Answered,
    Fields,
    Refused,
    SlackAnswer,
    Unclear,
    call_slack,
    sort_lost_upload,
    sort_upload,
)
from bot.slack.api.shared_files import is_slack_address
from bot.slack.drawing.messages import EVENT_TYPE, Drawing

# The clocks of bot and Slack may differ by some minutes.
LOOK_BACK = timedelta(minutes=15)
PAGES = 20
ANSWER_SECONDS = 10


class Postbox:
    """Slack as the announcer uses it. `posting` must not retry by itself."""

    def __init__(self, posting: WebClient, reading: WebClient) -> None:
        self._posting = posting
        self._reading = reading
        self._rooms: dict[str, str] = {}

    def find_room(self, channel: str) -> str | SlackAnswer:
        """The conversation to post to: a person's id stands for the direct messages with them; or why there is none."""
        if not channel.startswith(("U", "W")):
            return channel
        if channel not in self._rooms:
            answer = call_slack(lambda: self._posting.conversations_open(users=channel))
            if not isinstance(answer, Answered):
                return answer
            self._rooms[channel] = str((answer.fields.get("channel") or {}).get("id") or channel)
        return self._rooms[channel]

    def post(self, channel: str, thread: str, drawing: Drawing) -> SlackAnswer:
        """chat.postMessage; with a thread as a reply to it."""
        return call_slack(
            lambda: self._posting.chat_postMessage(
                channel=channel,
                thread_ts=thread or None,
                reply_broadcast=True if thread and drawing.broadcast else None,
                text=drawing.text,
                blocks=list(drawing.blocks) or None,
                metadata=_copy_metadata(drawing),
                unfurl_links=False,
                unfurl_media=False,
            )
        )

    def edit(self, channel: str, ts: str, drawing: Drawing) -> SlackAnswer:
        """chat.update; without blocks the old ones are removed."""
        return call_slack(
            lambda: self._posting.chat_update(
                channel=channel,
                ts=ts,
                text=drawing.text,
                blocks=list(drawing.blocks) or None,
                metadata=_copy_metadata(drawing),
            )
        )

    def upload(self, channel: str, thread: str, filename: str, title: str, text: str) -> SlackAnswer:
        """Upload a text file into the thread."""
        content = text.encode()
        slot = call_slack(lambda: self._posting.files_getUploadURLExternal(filename=filename, length=len(content)))
        if not isinstance(slot, Answered):
            return slot
        url, file_id = str(slot.fields["upload_url"]), str(slot.fields["file_id"])
        sent = self._send_bytes(url, content)
        if sent is not None:
            return sent
        return call_slack(
            lambda: self._posting.files_completeUploadExternal(
                files=[{"id": file_id, "title": title}], channel_id=channel, thread_ts=thread or None
            )
        )

    def _send_bytes(self, url: str, content: bytes) -> SlackAnswer | None:
        import requests

        try:
            # followed, a redirect would be a GET of a page, which takes nothing
            response = requests.post(url, data=content, timeout=ANSWER_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            return sort_lost_upload(error)
        return sort_upload(response.status_code)

    def find_message(self, channel: str, thread: str, outbox_id: str, since: datetime) -> str | SlackAnswer:
        """The ts of the latest message with this id in its metadata, "" where there is none, or why it is unknown."""
        return self._search(channel, thread, since, lambda message: _read_outbox_id(message) == outbox_id)

    def find_file(self, channel: str, thread: str, filename: str, since: datetime) -> str | SlackAnswer:
        """The ts of the message that carries the file of this name, "" where there is none, or why it is unknown."""
        return self._search(channel, thread, since, lambda message: filename in _list_file_names(message))

    def _search(
        self, channel: str, thread: str, since: datetime, matches: Callable[[Fields], bool]
    ) -> str | SlackAnswer:
        found = ""
        for page in self._read_pages(channel, thread, since):
            if not isinstance(page, Answered):
                return page
            messages: Sequence[Fields] = page.fields.get("messages") or ()
            found = max([found, *(str(message.get("ts", "")) for message in messages if matches(message))])
        return found

    def _read_pages(self, channel: str, thread: str, since: datetime) -> Iterator[SlackAnswer]:
        cursor: str | None = None
        for _ in range(PAGES):
            page = call_slack(lambda: self._read_page(channel, thread, since, cursor))  # noqa: B023
            yield page
            if not isinstance(page, Answered):
                return
            cursor = str((page.fields.get("response_metadata") or {}).get("next_cursor") or "") or None
            if cursor is None:
                return
        yield Unclear(f"more than {PAGES} pages of messages in {channel}")

    def _read_page(self, channel: str, thread: str, since: datetime, cursor: str | None) -> SlackResponse:
        oldest = f"{(since - LOOK_BACK).timestamp():.6f}"
        if thread:
            return self._reading.conversations_replies(
                channel=channel, ts=thread, oldest=oldest, include_all_metadata=True, limit=200, cursor=cursor
            )
        return self._reading.conversations_history(
            channel=channel, oldest=oldest, include_all_metadata=True, limit=200, cursor=cursor
        )

    def answer(self, url: str, user: str, channel: str, drawing: Drawing, thread: str = "") -> SlackAnswer:
        """A private answer: to the response_url where it is one of Slack's, else an ephemeral or a direct message.

        Where the person acted in the app's Home, `channel` is that person's own id.
        """
        if url and is_slack_address(url, self._posting.base_url) and self._answer_by_url(url, drawing):
            return Answered({})
        text, blocks = drawing.text, list(drawing.blocks) or None
        if not (user and channel):
            return Refused("no_channel_for_answer")
        if channel == user:
            return call_slack(
                lambda: self._posting.chat_postMessage(channel=user, text=text, blocks=blocks, unfurl_links=False)
            )
        return call_slack(
            lambda: self._posting.chat_postEphemeral(
                channel=channel, user=user, text=text, blocks=blocks, thread_ts=thread or None
            )
        )

    def _answer_by_url(self, url: str, drawing: Drawing) -> bool:
        try:
            response = WebhookClient(url, timeout=ANSWER_SECONDS, retry_handlers=[]).send(
                text=drawing.text,
                blocks=list(drawing.blocks) or None,
                response_type="ephemeral",
                replace_original=False,
            )
        except (OSError, ValueError):
            return False
        # a proxy's page, to which urllib follows a redirect, has taken nothing
        return response.status_code == 200 and not response.body.lstrip().startswith("<")


def _copy_metadata(drawing: Drawing) -> dict[str, object] | None:
    return dict(drawing.metadata) if drawing.metadata else None


def _read_outbox_id(message: Fields) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return ""
    return str((metadata.get("event_payload") or {}).get("outbox_id") or "")


def _list_file_names(message: Fields) -> list[str]:
    return [str(file.get("name")) for file in message.get("files") or ()]
