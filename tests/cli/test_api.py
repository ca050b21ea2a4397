"""The Python API, as a script uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from requests.auth import HTTPBasicAuth

import mirror
from mirror.api import SyncOptions
from mirror.model.event import Event, SyncEnded, SyncStarted
from mirror.simulators.rally import RallySimulator


def test_a_script_syncs_and_asks(acme: RallySimulator) -> None:
    events: list[Event] = []
    with mirror.open() as m:
        (outcome,) = m.sync(["acme"], SyncOptions(types=("Tag",)), emit=events.append)
        assert (outcome.source, outcome.exit_code, outcome.error) == ("acme", 0, None)
        with m.sql("SELECT count(*) FROM rally_tag WHERE source = ?", ["acme"]) as answer:
            assert list(answer.rows) == [(len(acme.world.ids("Tag", workspace=acme.world.landmarks.workspace)),)]
    assert (type(events[0]), type(events[-1])) == (SyncStarted, SyncEnded)


def test_opening_touches_neither_database_nor_tracker(acme: RallySimulator, folder: Path) -> None:
    with mirror.open() as m:
        assert [each.name for each in m.sources] == ["acme"]
    assert len(acme.requests) == 0
    assert not list(folder.glob("mirror.db*"))


def test_open_takes_a_database_and_a_settings_file(folder: Path) -> None:
    (folder / "other.toml").write_text('database = "sqlite:///a.db"')
    with mirror.open("other.toml") as m:
        assert m.database_label == f"{folder}/a.db"
    with mirror.open("other.toml", database="sqlite:///b.db") as m:
        assert m.database_label == f"{folder}/b.db"


def test_a_script_signs_in_with_an_object_of_its_own(acme: RallySimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_KEY")
    with mirror.open() as m:
        (outcome,) = m.sync(options=SyncOptions(types=("Tag",)))
        assert isinstance(outcome.error, mirror.ConfigError)
    with mirror.open(auth={"acme": HTTPBasicAuth(acme.user, acme.password)}) as m:
        (outcome,) = m.sync(options=SyncOptions(types=("Tag",)))
        assert (outcome.error, outcome.exit_code) == (None, 0)
        m["acme"].Tag.first().refresh()
        assert "by an authentication object of Python" in next(m.check("acme")).detail
    assert acme.password not in Path("mirror.db").read_bytes().decode("latin-1")
    with pytest.raises(mirror.UnknownSourceError):
        mirror.open(auth={"acne": HTTPBasicAuth("a", "b")})


def test_errors_are_in_reach_of_the_caller(folder: Path) -> None:
    with mirror.open() as m:
        with pytest.raises(mirror.UsageError, match="no source is configured"):
            m.sync()
        with pytest.raises(mirror.StoreError, match="no database"), m.sql("SELECT 1"):
            pass
    with pytest.raises(mirror.ConfigError):
        mirror.open("gone.toml")


def test_everything_that_the_package_names_is_there() -> None:
    assert sorted(mirror.__all__) == mirror.__all__
    assert all(hasattr(mirror, name) for name in mirror.__all__)


def test_a_script_that_syncs_can_set_the_fields_that_came_with_it(acme: RallySimulator) -> None:
    with mirror.open() as m:
        m.sync(["acme"], SyncOptions(types=("Tag", "Defect")))
        with pytest.raises(mirror.InvalidEditError, match="no field called 'Mood'"):
            m.set("DE1", {"Mood": "fair"})
        acme.world.add_field("Defect", "c_Mood", "string")
        m.sync(["acme"], SyncOptions(types=("Tag", "Defect")))
        (shown,) = m.set("DE1", {"Mood": "fair"}).changes
        assert (shown.change.field, shown.local) == ("c_Mood", "fair")
