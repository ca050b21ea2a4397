"""Files of every tracker: attached by a script, pushed, and read back byte for byte; then from the database alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import mirror
from mirror.connectors.registry import TRACKERS, contents
from mirror.script import Record
from mirror.store.store import Store
from tests.script.conftest import Opening, settings
from tests.support.stage import Stage, stage_class

CONTENT = bytes(range(256)) * 40
NAMES = {"rally": "Name", "versionone": "Filename", "rt": "Filename"}


def signed_in(stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write settings for a source of a stage; return the file."""
    file = settings(folder, {stage.kind: stage.url}, monkeypatch)
    source = stage.source()
    monkeypatch.setenv(f"{stage.kind.upper()}_SECRET", source.credential.secret)
    lines = [f"{name} = {str(value)!r}" for name, value in source.scope.items()]
    if source.credential.user is not None:
        lines.append(f"user = {source.credential.user!r}")
    file.write_text("\n".join([file.read_text(), f"types = {list(source.types)}", *lines]))
    return file


@pytest.mark.parametrize("kind", TRACKERS)
def test_a_file_comes_back_as_it_was_attached(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage_class(kind)(records=40, seed=1, clock=None) as stage:
        stage.allowed = (stage.busy, contents(kind).type_name)
        with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as store:
            assert stage.sync(store, source=stage.source(name=kind)).exit_code == 0
        with mirror.open(signed_in(stage, tmp_path, monkeypatch)) as m:
            record = m[kind][stage.busy].first()
            assert record is not None
            record.attach(CONTENT, name="all.bin")
            (pushed,) = m.push()
            assert pushed.report is not None
            assert [each.outcome for each in pushed.report.changes] == ["done"]
            assert m.sync()[0].exit_code == 0
            (file,) = m[kind][contents(kind).type_name].where(**{NAMES[kind]: "all.bin"})
            assert file.content() == CONTENT
            with pytest.raises(mirror.UsageError, match="is no file"):
                record.content()
            asked = len(stage.requests)
            assert file.content() == CONTENT
            assert len(stage.requests) == asked
        with mirror.open(tmp_path / "mirror.toml") as m:
            (file,) = m[kind][contents(kind).type_name].where(**{NAMES[kind]: "all.bin"})
            assert file.content() == CONTENT
            assert len(stage.requests) == asked
            _every_file_has_contents(m[kind][contents(kind).type_name].limit(5).all())


def _every_file_has_contents(files: list[Record]) -> None:
    assert files
    assert all(isinstance(each.content(), bytes) for each in files)


def test_a_file_that_is_too_large_is_refused_before_it_is_queued(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirror.connectors.rally.contents.RallyContents.largest", 100)
    with opening() as m, pytest.raises(mirror.InvalidEditError, match="at most 100"):
        m["rally"].Defect.first().attach(CONTENT, name="all.bin")
