"""Releases as files: whole ones, and short ones that inherit what is common."""

from __future__ import annotations

import importlib.resources

import pytest

from steps.contract.release import Release, parse_releases

FOLDER = importlib.resources.files("steps") / "releases"
WHOLE = (FOLDER / "asm-1.4.10-asm.18.toml").read_text()
SHORT = 'inherits = "1.4.10-asm.18"\nreturn_only = true\n[release]\nversion = "1.4.7-asm.0"\n'
SOURCES = ("1.4.5-asm.0", "1.4.6-asm.0", "1.4.7-asm.0", "1.4.9-asm.1", *(f"1.4.10-asm.{n}" for n in range(1, 16)))


def read(**texts: str) -> dict[str, Release]:
    """The releases of these files by version."""
    return {release.version: release for release in parse_releases({"whole": WHOLE, **texts})}


def read_shipped() -> dict[str, Release]:
    """The releases that ship with the bot, by version."""
    texts = {path.name: path.read_text() for path in FOLDER.iterdir() if path.name.endswith(".toml")}
    return {release.version: release for release in parse_releases(texts)}


@pytest.mark.parametrize("version", SOURCES)
def test_every_source_can_be_returned_to(version: str) -> None:
    """One short file each, of which nobody is upgraded to and whose key and address are said to be assumed."""
    release = read_shipped()[version]
    assert (release.return_only, release.assumed) == (True, True)
    assert release.describe_archive("linux").url.endswith(f"/istio-{version}-linux.tar.gz")
    assert len((FOLDER / f"asm-{version}.toml").read_text().splitlines()) == 5


def test_the_release_of_the_guide_assumes_nothing() -> None:
    """Its key and address are the guide's own words."""
    release = read_shipped()["1.4.10-asm.18"]
    assert (release.return_only, release.assumed) == (False, False)


def test_a_short_file_takes_what_it_does_not_say_from_the_release_that_it_names() -> None:
    """All but the version."""
    found = read(short=SHORT)
    assert found["1.4.7-asm.0"].public_key == found["1.4.10-asm.18"].public_key
    assert found["1.4.7-asm.0"].apply_arguments == found["1.4.10-asm.18"].apply_arguments


def test_a_short_file_that_names_key_and_address_assumes_neither() -> None:
    """Its own values count."""
    text = f'{SHORT}base_url = "https://mirror.example/asm"\npublic_key = "own"\n'
    release = read(short=text)["1.4.7-asm.0"]
    assert (release.base_url, release.public_key, release.assumed) == ("https://mirror.example/asm", "own", False)


def test_what_is_replaced_is_inherited_as_replaced() -> None:
    """A folder of one's own may name another address for all."""
    other = WHOLE.replace("https://storage.googleapis.com/gke-release/asm", "https://mirror.example/asm")
    assert read(short=SHORT, other=other)["1.4.7-asm.0"].base_url == "https://mirror.example/asm"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHORT.replace("1.4.10-asm.18", "9"), "short inherits '9', and no file tells all about that release"),
        (SHORT.replace("1.4.10-asm.18", "1.4.7-asm.0"), "short inherits '1.4.7-asm.0', and no file tells all"),
        ("inherits = []\n[release]\nversion = '1'\n", "short inherits \\[\\], and no file"),
        ("[release]\nversion = 7\n", "short lacks the field version"),
        ("release = 7\n", "short lacks the field version"),
        ("[release\n", "short is not TOML"),
        ("[release]\nversion = '1'\n", "short lacks the field apply"),
        (SHORT + "[estimate]\ncontrol_plane_minutes = 7\n", "short has a field of the wrong type"),
    ],
)
def test_a_wrong_file_is_named_with_its_fault(text: str, told: str) -> None:
    """The sentence is for whoever wrote the file."""
    with pytest.raises(ValueError, match=told):
        read(short=text)
