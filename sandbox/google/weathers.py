"""What can be wrong with the metadata server from the start, by name; each sets switches of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.google.metadata import MetadataSwitches
from sandbox.web.switchboard import set_switches


@dataclass(frozen=True)
class MetadataWeather:
    """A row of the table: `sentence` says what a person would see happen."""

    name: str
    sentence: str
    switches: Mapping[str, object]

    def begin(self, switches: MetadataSwitches) -> None:
        """Bring it over the metadata server; `/control/metadata` ends it."""
        set_switches(switches, dict(self.switches))


PREFIX = "metadata-"
PAGE = "<html><title>Sign in</title></html>"
METADATA_WEATHERS = (
    MetadataWeather("metadata-away", "The metadata server refuses connections.", {"away": True}),
    MetadataWeather("metadata-errors", "The metadata server answers with 503.", {"status": 503}),
    MetadataWeather(
        "metadata-late", "The metadata server of a new pod refuses its first minute.", {"late_seconds": 60}
    ),
    MetadataWeather(
        "metadata-page", "A sign-in page is in the metadata server's place.", {"status": 200, "body": PAGE}
    ),
    MetadataWeather("metadata-slow", "The metadata server takes five seconds for each answer.", {"seconds": 5}),
    MetadataWeather("metadata-throttled", "The metadata server answers with 429.", {"status": 429}),
    MetadataWeather("metadata-unbound", "The pod's account may not act as the bot's.", {"status": 403}),
)


def find_metadata_weather(name: str) -> MetadataWeather:
    """Return the row of a name. Raises ValueError naming all there are."""
    for one in METADATA_WEATHERS:
        if one.name == name:
            return one
    raise ValueError(f"there is no weather {name!r}; there are {', '.join(one.name for one in METADATA_WEATHERS)}")


def describe_metadata_weathers() -> str:
    """Return the table as lines of a terminal."""
    width = max(len(one.name) for one in METADATA_WEATHERS)
    return "\n".join(f"{one.name:<{width}}  {one.sentence}" for one in METADATA_WEATHERS)
