"""Which simulators there are: one entry each, imported only when one is asked for, because they need an extra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mirror.errors import UsageError
from mirror.named import named
from mirror.simulators.base import Scene, Simulator
from mirror.simulators.clock import Clock

_STRICT = "answers as documented"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a simulator is, and what must be known of it before it is imported.

    Attributes:
        title: the tracker as people call it.
        simulator: `module:Class`; a Simulator whose class takes port, profile, records, seed, clock and what `secret` names.
        scene: `module:NAME` of the Scene that `mirror demo` plays on it.
        secret: the argument of the class for the secret that it accepts, and the name of the option.
        variable: the environment variable that users of the tracker keep such a secret in.
        profiles: each with what it does; the first is the default.
    """

    title: str
    simulator: str
    scene: str
    secret: str
    variable: str
    profiles: Mapping[str, str]


SIMULATORS = {
    "rally": Entry(
        "Rally",
        "mirror.simulators.rally:RallySimulator",
        "mirror.simulators.rally.scene:SCENE",
        "api_key",
        "RALLY_APIKEY",
        {"strict": _STRICT, "hostile": "lags, shifts pages and loses answers"},
    ),
    "versionone": Entry(
        "VersionOne",
        "mirror.simulators.versionone:VersionOneSimulator",
        "mirror.simulators.versionone.scene:SCENE",
        "token",
        "VERSIONONE_TOKEN",
        {
            "strict": _STRICT,
            "hostile": "knows nothing but the oldest interface, lags, shifts pages and loses answers",
            "classic": "is as before 2022",
            "2022": "counts only when asked",
            "strict26": "takes no number for a state, and never counts",
            "sso": "takes only tokens",
        },
    ),
    "rt": Entry(
        "Request Tracker",
        "mirror.simulators.rt:RTSimulator",
        "mirror.simulators.rt.scene:SCENE",
        "token",
        "RT_TOKEN",
        {"strict": _STRICT, "hostile": "lags, has small pages, shuffles them and loses answers"},
    ),
}


def create(
    kind: str,
    *,
    records: int,
    seed: int,
    profile: str = "strict",
    port: int = 0,
    secret: str | None = None,
    clock: Clock | None = None,
) -> Simulator:
    """Return a new simulator, listening and not yet answering.

    Args:
        records: about how many to begin with.
        seed: equal numbers give equal records, at equal times of the clock.
        port: 0 takes any free one.
        secret: which one it accepts; one of its own when None.
        clock: the tracker's time; the machine's own if None.

    Raises:
        UsageError: the port is taken, or the simulators' extra is not installed.
    """
    entry = SIMULATORS[kind]
    own = {} if secret is None else {entry.secret: secret}
    try:
        made = _load(entry.simulator)(port=port, profile=profile, records=records, seed=seed, clock=clock, **own)
    except SystemExit:
        # Werkzeug's way to say that the port cannot be had; it has said so on standard error.
        raise UsageError(f"port {port} is taken; choose another, or leave --port out") from None
    return cast("Simulator", made)


def scene(kind: str) -> Scene:
    """Return what the demo plays on simulators of that kind.

    Raises:
        UsageError: the simulators' extra is not installed.
    """
    return cast("Scene", _load(SIMULATORS[kind].scene))


def _load(place: str) -> Any:
    try:
        return named(place)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("mirror"):
            raise
        raise UsageError("the simulator needs an extra: pip install 'mirror-tracker[simulate]'") from None
