"""Counts, lengths of time, people and commands in words."""

from __future__ import annotations

import pytest

from steps.contract.wording import (
    Command,
    Person,
    begin_sentence,
    count_things,
    describe_seconds,
    name_phase,
    write_named,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "under 1 s"),
        (119, "119 s"),
        (300, "5 min"),
        (3600, "1 h"),
        (5400, "90 min"),
        (7200, "2 h"),
        (9000, "2 h 30 min"),
        (-5, "under 1 s"),
    ],
)
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    """Short ones in seconds, long ones in hours and minutes."""
    assert describe_seconds(seconds) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 policies"), (1, "1 policy"), (2, "2 policies")])
def test_a_count_has_its_plural(number: int, words: str) -> None:
    """Where an s is not enough the plural is given."""
    assert count_things(number, "policy", "policies") == words


def test_people_and_commands_are_written_by_whoever_shows_the_sentence() -> None:
    """The sentence keeps them apart from the text around them."""
    sentence = f"{Person('U024ANA')} runs {Command('start cluster-x')}, not {{a word}}"

    shown = write_named(sentence, lambda named: f"<{type(named).__name__} {named}>")

    assert shown == "<Person {person U024ANA}> runs <Command {command start cluster-x}>, not {a word}"


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("download verified: Verified OK", "Download verified: Verified OK"),
        ("prod: replace the control plane?", "prod: replace the control plane?"),
        ("istioctl manifest apply has ended", "istioctl manifest apply has ended"),
        ("shop/Deployment/web does not end", "shop/Deployment/web does not end"),
        ("56/58 pods", "56/58 pods"),
        ("mTLS stays PERMISSIVE", "mTLS stays PERMISSIVE"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_a_name_stands_there(text: str, begun: str) -> None:
    """A cluster, a program and an object keep their names as they are written."""
    assert begin_sentence(text, "prod") == begun


def test_a_phase_is_called_by_its_name() -> None:
    """No slash, no dash."""
    assert name_phase("control-plane/approve-mtls") == "control plane"
