"""Two arms of plain signal values on held-out telemetry, and what each single change between them is worth.

It knows nothing of insights or releases. A *player* is a change that can be made or not, by number; a `Layer`
speaks for one kind of signal on one series, before or after its player's change is made, or always. All
changes made is the arm `after`, none of them the arm `before`; what lies between was never served and says
what each change contributes.

Detection is counted by incident, however many series saw it, false alarms by series. Each is a small game of
those players alone that speak there, so most are weighed exactly; contributions are sums of these.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from apps.analysis import grid, shapley
from apps.analysis.accounting import Counts
from apps.analysis.profiles import DEFAULT_SETTING, apply

from .sightings import service_of, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from apps.analysis.types import Interval, Setting

    from .holding import HeldOut

Coalition: TypeAlias = frozenset[int]


@dataclass(frozen=True)
class Layer:
    """Columns of one kind of signal on one series. `player` None: always there, whatever is changed.

    `joins`: it speaks once its player's change is made; else only until then.
    """

    player: int | None
    kind: str
    columns: Mapping[str, object]
    joins: bool = True

    def speaks(self, made: Coalition) -> bool:
        return self.player is None or (self.player in made) is self.joins


@dataclass(frozen=True, eq=False)
class Part:
    """One series: its held-out part, its metric family, and what speaks for it.

    Of the `layers` that speak the first of each kind wins. `overlays` are laid over the result as they are,
    a column that is None is taken away.
    """

    series_id: str
    family: str
    held: HeldOut
    layers: Sequence[Layer] = ()
    overlays: Sequence[Layer] = ()

    @property
    def players(self) -> Coalition:
        return frozenset(layer.player for layer in (*self.layers, *self.overlays) if layer.player is not None)

    def vector(self, made: Coalition) -> dict[str, object]:
        """The columns that would be served with these changes made."""
        chosen: dict[str, Layer] = {}
        for layer in self.layers:
            if layer.speaks(made):
                chosen.setdefault(layer.kind, layer)
        values: dict[str, object] = {}
        for kind in sorted(chosen):
            values.update(chosen[kind].columns)
        for layer in self.overlays:
            if layer.speaks(made):
                values.update(layer.columns)
        return values


@dataclass(frozen=True)
class Sight:
    """An incident on one series, as `sightings` groups them."""

    series_id: str
    interval: Interval
    sources: frozenset[str]
    number: int


@dataclass(frozen=True)
class Heard:
    """What one setting does on the held-out part of a series: false alarms, and each incident's delay."""

    false_alarms: int
    delays_s: tuple[float | None, ...]


@dataclass(frozen=True)
class Unit:
    """Something that is counted: the false alarms of a series, or an incident. `detected` says which."""

    service: str
    family: str
    detected: bool
    players: Coalition
    worth: Callable[[Coalition], float]


@dataclass(frozen=True)
class Piece:
    """The contribution of one player to one unit; `half` is the error of drawing orders."""

    service: str
    family: str
    detected: bool
    value: float
    half: float
    left_out: float
    """What is lost when this change alone is taken back: worth(all) - worth(all but it)."""


@dataclass(eq=False)
class Study:
    """All parts, with what was heard of them so far."""

    parts: Mapping[str, Part]
    _heard: dict[tuple[str, Setting], Heard] = field(default_factory=dict)

    def heard(self, series_id: str, made: Coalition) -> Heard:
        """One series with these changes made; each setting is replayed once."""
        part = self.parts[series_id]
        setting = apply(DEFAULT_SETTING, part.vector(made & part.players))
        if (series_id, setting) not in self._heard:
            self._heard[series_id, setting] = listen(part.held, setting)
        return self._heard[series_id, setting]

    def incidents(self) -> list[list[Sight]]:
        """Every held-out incident once, with the series that saw it."""
        return together(
            Sight(name, interval, part.held.sources[interval], number)
            for name, part in sorted(self.parts.items())
            for number, interval in enumerate(part.held.case.test_scorer.incidents)
        )

    def delay_s(self, incident: Sequence[Sight], made: Coalition) -> float | None:
        """Seconds from the start of an incident to the first alarm on any of its series; None: missed."""
        delays = (self.heard(one.series_id, made).delays_s[one.number] for one in incident)
        return min((delay for delay in delays if delay is not None), default=None)

    def units(self) -> list[Unit]:
        """Everything that is counted, each with the players that can change it."""
        return [*map(self._silence, sorted(self.parts)), *map(self._sight, self.incidents())]

    def _silence(self, series_id: str) -> Unit:
        part = self.parts[series_id]
        return Unit(
            service_of(series_id),
            part.family,
            detected=False,
            players=part.players,
            worth=lambda made: float(self.heard(series_id, made).false_alarms),
        )

    def _sight(self, incident: Sequence[Sight]) -> Unit:
        first = incident[0].series_id  # an incident counts once, for its first series
        return Unit(
            service_of(first),
            self.parts[first].family,
            detected=True,
            players=frozenset().union(*(self.parts[one.series_id].players for one in incident)),
            worth=lambda made: float(self.delay_s(incident, made) is not None),
        )

    def counts(self, made: Coalition) -> dict[str, Counts]:
        """What the arm with these changes does, by service."""
        found: dict[str, Counts] = defaultdict(Counts)
        for name, part in self.parts.items():
            found[service_of(name)] += Counts(
                false_alarms=self.heard(name, made).false_alarms,
                monitored_us=part.held.case.test_scorer.watched_us,
            )
        for incident in self.incidents():
            delay = self.delay_s(incident, made)
            found[service_of(incident[0].series_id)] += Counts(
                incidents=1,
                detected=int(delay is not None),
                delays_s=() if delay is None else (delay,),
                censored_s=(max(map(self._watched_s, incident)),) if delay is None else (),
            )
        return dict(sorted(found.items()))

    def _watched_s(self, one: Sight) -> float:
        tolerance = self.parts[one.series_id].held.case.split.tolerance_us
        return (one.interval.end_us + tolerance - one.interval.start_us) / 1e6


def listen(held: HeldOut, setting: Setting) -> Heard:
    """One setting on one held-out part."""
    case, scorer = held.case, held.case.test_scorer
    rows = grid.alarm_rows(case.prepared, setting, case.split.test)
    return Heard(scorer.false_alarms(rows), scorer.delays(rows))


def contributions(units: Iterable[Unit], *, seed: int) -> dict[int, list[Piece]]:
    """What each player contributes to each unit that it can change; pieces of nothing are left out."""
    found: dict[int, list[Piece]] = defaultdict(list)
    for unit in units:
        shares = shapley.shares(unit.players, unit.worth, seed=seed)
        whole = unit.worth(unit.players)
        for player, share in shares.items():
            left_out = whole - unit.worth(unit.players - {player})
            if share.value or share.half or left_out:
                found[player].append(
                    Piece(unit.service, unit.family, unit.detected, share.value, share.half, left_out)
                )
    return dict(found)
