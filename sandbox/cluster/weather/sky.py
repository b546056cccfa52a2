"""Which weathers are in force over a simulated cluster, and how each begins and ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.simulation import Simulation


class NoSuchWeather(ValueError):
    """No weather of that name, or a field that it does not have."""


class Weather(Protocol):
    """A trouble. What fills it is a frozen dataclass; its fields have defaults that mean something on cluster-x."""

    def begin(self, cluster: Simulation) -> None:
        """Bring it over the cluster. The cluster's lock is held. Raises ApiError where an object is missing."""
        ...

    def end(self, cluster: Simulation) -> None:
        """Take it back as far as that is in its nature: a lost node comes back, a lost pod does not."""
        ...


@dataclass(frozen=True)
class WeatherKind:
    """A row of the table: `sentence` says what a person would see happen."""

    name: str
    sentence: str
    act: type[Weather]

    def read(self, fields: Mapping[str, object]) -> Weather:
        """Return this weather with some fields of its own. Raises NoSuchWeather, msgspec.ValidationError."""
        known = [field.name for field in dataclasses.fields(self.act)]  # type: ignore[arg-type]
        unknown = sorted(set(fields) - set(known))
        if unknown:
            choice = f"there are {', '.join(known)}" if known else "it has none"
            raise NoSuchWeather(f"weather {self.name} has no field {unknown[0]!r}; {choice}")
        return msgspec.convert(dict(fields), self.act)


class Sky:
    """The weathers in force, in the order in which they began. Hold the cluster's lock."""

    def __init__(self, cluster: Simulation, kinds: Sequence[WeatherKind]) -> None:
        self._cluster = cluster
        self._kinds = kinds
        self._begun: list[tuple[str, Weather]] = []

    def begin(self, name: str, fields: Mapping[str, object] | None = None) -> None:
        """Begin a weather; one that is in force with the same fields stays as it is."""
        weather = self._find(name).read(fields or {})
        if (name, weather) in self._begun:
            return
        weather.begin(self._cluster)
        self._begun.append((name, weather))

    def end(self, name: str = "") -> None:
        """End all weathers of that name, without a name all there are: the last begun first."""
        if name:
            self._find(name)
        for begun, weather in reversed(list(self._begun)):
            if name in ("", begun):
                weather.end(self._cluster)
                self._begun.remove((begun, weather))

    def show(self) -> Json:
        """Return what is in force and what there is."""
        rows = [{"name": name, **dataclasses.asdict(weather)} for name, weather in self._begun]  # type: ignore[call-overload]
        return {"in_force": rows, "weathers": {kind.name: kind.sentence for kind in self._kinds}}

    def _find(self, name: str) -> WeatherKind:
        return find_weather(self._kinds, name)


def find_weather(kinds: Sequence[WeatherKind], name: str) -> WeatherKind:
    """Return the row of a name. Raises NoSuchWeather naming all there are."""
    for kind in kinds:
        if kind.name == name:
            return kind
    raise NoSuchWeather(f"there is no weather {name!r}; there are {', '.join(kind.name for kind in kinds)}")
