"""istioctl's output."""

from __future__ import annotations

import pytest

from steps.install.istioctl_output import cut_output, describe_apply, read_apply_output

GOOD = """\
- Applying manifest for component Base...
✔ Finished applying manifest for component Base.
- Applying manifest for component Galley...
- Applying manifest for component Pilot...
✔ Finished applying manifest for component Pilot.
✔ Finished applying manifest for component Galley.


✔ Installation complete
"""
BAD = """\
- Applying manifest for component Base...
✔ Finished applying manifest for component Base.
- Applying manifest for component Pilot...
✘ Finished applying manifest for component Pilot.

Component Pilot - manifest apply returned the following errors:

Error: error running kubectl: exit status 1

Error detail:

Error from server (Forbidden): error when creating "STDIN": deployments.apps is forbidden

✘ Errors were logged during apply operation. Please check component installation logs above.

Failed to generate and apply manifests, error: errors were logged during apply operation
"""
WARNED = """\
- Applying manifest for component Base...
✘ Finished applying manifest for component Base.

Component Base - manifest apply returned the following errors:

Error detail:

Warning: apiextensions.k8s.io/v1beta1 CustomResourceDefinition is deprecated in v1.16+, unavailable in v1.22+

✘ Errors were logged during apply operation. Please check component installation logs above.
"""


def test_a_whole_run_is_complete() -> None:
    """Every component finished, interleaved or not."""
    report = read_apply_output(GOOD)
    assert report.complete
    assert report.finished == ("Base", "Pilot", "Galley")
    assert report.errors == ()


def test_a_failure_names_its_detail() -> None:
    """The server's words, not istioctl's frame."""
    report = read_apply_output(BAD)
    assert report.failed == ("Pilot",)
    assert report.errors == (
        'Error from server (Forbidden): error when creating "STDIN": deployments.apps is forbidden',
    )


def test_deprecation_warnings_are_no_errors() -> None:
    """istioctl takes any text on kubectl's stderr for an error."""
    report = read_apply_output(WARNED)
    assert report.errors == ()
    assert report.only_warnings


def test_a_failure_is_more_than_a_warning() -> None:
    """So that 255 is not waved through."""
    assert not read_apply_output(BAD).only_warnings


def test_a_run_that_was_cut_off_is_no_warning() -> None:
    """A component that began and didn't finish."""
    report = read_apply_output(GOOD.partition("✔ Finished applying manifest for component Pilot")[0])
    assert report.running == ("Galley", "Pilot")
    assert not report.only_warnings


@pytest.mark.parametrize("output", ["", "panic: runtime error: invalid memory address", "\x00\x01 lorem ipsum"])
def test_nonsense_is_neither_complete_nor_a_warning(output: str) -> None:
    """A crash before the first component."""
    report = read_apply_output(output)
    assert not report.complete
    assert not report.only_warnings


def test_disabled_components_are_what_would_be_pruned() -> None:
    """The dry run's line."""
    assert read_apply_output("- Pruning objects for disabled component Prometheus...\n").pruned == ("Prometheus",)


def test_progress_has_a_line_a_component() -> None:
    """Done, failed or under way."""
    text = BAD.partition("✘ Finished")[0]
    assert describe_apply(read_apply_output(text)) == ("Base: applied", "Pilot: applying")


def test_the_last_lines_are_kept() -> None:
    """Empty ones are left out."""
    assert cut_output("a\n\nb\nc\n", 2) == ("b", "c")
