from __future__ import annotations

import base64

import requests

from tests.unit.sandbox.slack.rig import CHANNEL, Stage


def test_the_sdks_upload_lands_in_the_thread(stage: Stage) -> None:
    """files_upload_v2 makes one message with the file, below its root."""
    root = stage.client.chat_postMessage(channel=CHANNEL, text="root")["ts"]
    stage.client.files_upload_v2(
        channel=CHANNEL, thread_ts=root, filename="diff.txt", title="The diff", content="a\nb", initial_comment="see"
    )
    message = stage.window.messages()[-1]
    (file,) = message["files"]
    assert (message["thread_ts"], message["text"]) == (root, "see")
    assert (file["title"], file["size"], file["preview"]) == ("The diff", 3, "a\nb")


def test_a_download_needs_the_bots_token(stage: Stage) -> None:
    """Without the token Slack answers its sign-in page with 200, not the file."""
    answer = stage.window.post(
        "attach", user="U0ANA00001", name="overlay.yaml", content_base64=base64.b64encode(b"a: 1").decode()
    )
    url = answer["file"]["url_private_download"]
    token = {"Authorization": f"Bearer {stage.stand_in.cast.app.bot_token}"}
    assert requests.get(url, timeout=30).headers["Content-Type"].startswith("text/html")
    assert requests.get(url, headers=token, timeout=30).content == b"a: 1"


def test_an_attachment_that_is_not_base64_is_refused(stage: Stage) -> None:
    """The answer says what is wrong."""
    answer = stage.window.post("attach", user="ana", name="x", content_base64="%%%")
    assert answer == {"ok": False, "error": "content_base64 is not base64"}


def test_an_unknown_upload_address_is_not_found(stage: Stage) -> None:
    """Bytes sent to an invented address are refused."""
    assert requests.post(f"{stage.site.url}/upload/v1/invented", data=b"x", timeout=30).status_code == 404
