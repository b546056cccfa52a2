"""The download phase."""

from __future__ import annotations

from datetime import timedelta

import pytest

from steps.contract.cards import Progress
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.options import UpgradeOptions
from steps.contract.step import Blocked, Done, Waiting
from steps.notes.download import describe_way_back
from steps.phases.download import choose_archive, choose_platform, fetch, preview, unpack, verify
from tests.unit.steps.builders import NEW, OLD
from tests.unit.steps.paper import Paper, start_paper


def fresh() -> Paper:
    """An upgrade that has not downloaded anything."""
    paper = start_paper()
    for key in ("download/previous", "download/tools"):
        del paper.memory.values[key]
    return paper


def test_a_slice_is_told_in_megabytes() -> None:
    """With a progress bar's figures, and no pause."""
    paper = fresh()
    paper.files.slices = 3
    outcome = paper.run(fetch)
    assert isinstance(outcome, Waiting)
    assert outcome.why.endswith("tar.gz: 5 of 15 MB") or outcome.why.endswith("zip: 5 of 15 MB")
    assert outcome.progress == Progress(5, 15, "MB")
    assert outcome.retry_in == 0.0


def test_a_complete_file_is_done() -> None:
    """With its size."""
    outcome = fresh().run(fetch)
    assert isinstance(outcome, Done)
    assert outcome.sentence.endswith("5.0 MB")


def test_a_server_that_gives_nothing_is_given_ten_minutes() -> None:
    """A slow download may take hours, one without a byte may not."""
    paper = fresh()
    paper.files.faults[NEW] = TryAgain("the release server answered 503")
    assert isinstance(paper.run(fetch), Waiting)
    paper.advance(timedelta(minutes=10))
    outcome = paper.run(fetch)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "nothing could be downloaded for 10 min: the release server answered 503"


def test_a_download_that_goes_on_forgets_the_fault() -> None:
    """Only minutes in a row count."""
    paper = fresh()
    paper.files.slices = 9
    for fault in (TryAgain("503"), None, TryAgain("503")):
        paper.files.faults = {NEW: fault} if fault else {}
        assert isinstance(paper.run(fetch), Waiting)
        paper.advance(timedelta(minutes=9))


def test_a_retry_gives_the_server_its_time_again() -> None:
    """The generation is higher."""
    paper = fresh()
    paper.files.faults[NEW] = TryAgain("503")
    paper.run(fetch)
    paper.advance(timedelta(minutes=20))
    paper.generation += 1
    assert isinstance(paper.run(fetch), Waiting)


def test_the_verification_is_the_milestone() -> None:
    """Hash, sentence and key are kept as evidence."""
    paper = fresh()
    assert paper.run(verify) == Done("download verified: Verified OK, sha256 abababababab…")
    assert paper.memory.recall("download/sha256") == "ab" * 32


def test_the_tools_are_checked_and_kept() -> None:
    """istioctl of the release, kubectl in its window."""
    paper = fresh()
    assert paper.run(unpack) == Done(f"istioctl {NEW}, kubectl 1.27.1")
    assert isinstance(paper.memory.recall("download/tools"), dict)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("1.4.10", "the archive's istioctl says it is 1.4.10, which is not an ASM build"),
        ("1.4.9-asm.1", f"the archive's istioctl says it is 1.4.9-asm.1, not {NEW}"),
        ("", "the archive's istioctl says it is nothing, which is not an ASM build"),
    ],
)
def test_another_istioctl_blocks(version: str, sentence: str) -> None:
    """It would fail on the asm profile, or install something else."""
    paper = fresh()
    paper.tools.version = version
    outcome = paper.run(unpack)
    assert isinstance(outcome, Blocked)
    assert outcome.why == sentence


def test_a_version_with_a_hash_behind_it_is_the_release_s_own() -> None:
    """1.4.10-asm.18-<sha>."""
    paper = fresh()
    paper.tools.version = f"{NEW}-{'a' * 40}"
    assert isinstance(paper.run(unpack), (Done, Waiting))


@pytest.mark.parametrize("version", ["1.18.20", "1.20.2", "1.27.1", "1.32.4"])
def test_any_kubectl_of_today_will_do(version: str) -> None:
    """The guard takes away what newer ones can't do."""
    paper = fresh()
    paper.tools.kubectl = version
    assert isinstance(paper.run(unpack), (Done, Waiting))


def test_a_kubectl_that_is_too_old_blocks() -> None:
    """Before anything is applied."""
    paper = fresh()
    paper.tools.kubectl = "1.15.1"
    outcome = paper.run(unpack)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "kubectl 1.15.1 is older than 1.18"


def test_the_previous_release_is_fetched_as_well() -> None:
    """For the way back."""
    paper = fresh()
    paper.run(unpack)
    assert paper.files.fetched[OLD] == 1
    assert describe_way_back(paper.context()) == (
        f"{OLD} is downloaded and verified; {{command rollback cluster-x REASON}} goes back to it"
    )


def test_a_previous_release_that_is_not_to_be_had_is_no_fault() -> None:
    """The cards say so."""
    paper = fresh()
    paper.files.faults[OLD] = GiveUp("there is no such file on the server (404)", "Nothing.")
    assert isinstance(paper.run(unpack), Done)
    assert describe_way_back(paper.context()) == "no way back by the bot: there is no such file on the server (404)"


def test_a_server_that_is_away_is_waited_for_only_a_while() -> None:
    """The way back is not worth the upgrade's time."""
    paper = fresh()
    paper.files.faults[OLD] = TryAgain("the server does not answer")
    assert isinstance(paper.run(unpack), Waiting)
    paper.advance(timedelta(minutes=3))
    assert isinstance(paper.run(unpack), Done)
    assert describe_way_back(paper.context()) == "no way back by the bot: the server does not answer"


def test_on_the_target_there_is_nothing_to_go_back_to() -> None:
    """Only sidecars are left."""
    paper = fresh()
    paper.memory.values["prepare/source"] = {"version": NEW}
    paper.run(unpack)
    assert describe_way_back(paper.context()) == "no way back by the bot: the control plane is already on the target"


def test_the_preview_shows_images_old_and_new() -> None:
    """And keeps hash, arguments and images for the next phase."""
    paper = start_paper()
    outcome = paper.run(preview)
    assert isinstance(outcome, Done)
    assert outcome.card is not None
    assert [attachment.name for attachment in outcome.attachments] == ["difference.txt", "manifest.yaml"]
    assert paper.memory.recall("download/rendered") is not None


def test_a_local_archive_is_taken_instead_of_a_download() -> None:
    """It is verified all the same."""
    paper = start_paper()
    paper.options = UpgradeOptions(archive="/srv/asm.tar.gz")
    assert choose_archive(paper.context()).local_path == "/srv/asm.tar.gz"


def test_a_mirror_takes_the_place_of_google_s_address() -> None:
    """File name and key stay the release's."""
    paper = start_paper()
    paper.options = UpgradeOptions(archive="https://mirror.example/asm/")
    archive = choose_archive(paper.context())
    assert archive.url.startswith("https://mirror.example/asm/istio-1.4.10-asm.18-")


@pytest.mark.parametrize(("name", "platform"), [("linux", "linux"), ("darwin", "osx"), ("win32", "win")])
def test_each_platform_has_its_archive(name: str, platform: str) -> None:
    """By Python's name for it."""
    assert choose_platform(name) == platform


def test_an_unknown_platform_is_told() -> None:
    """There is no archive for it."""
    with pytest.raises(GiveUp, match="freebsd"):
        choose_platform("freebsd14")
