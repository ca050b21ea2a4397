"""Records and answers as tables of pandas, polars and Arrow."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import mirror
from mirror.model.schema import Kind
from mirror.script.frames import Table

TERMS = ("FormattedID", "PlanEstimate", "Blocked", "CreationDate", "Owner.Name")
ROOT = Path(__file__).parents[2]


def columns(frame: Any, library: str) -> dict[str, list[Any]]:
    """Return the columns of a frame of whatever library, with None for nothing."""
    if library == "arrow":
        return dict(frame.to_pydict())
    if library == "polars":
        return dict(frame.to_dict(as_series=False))
    return {
        name: [None if each else value for each, value in zip(own.isna(), own, strict=True)] for name, own in frame.items()
    }


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_what_is_selected_is_a_frame(m: mirror.Mirror, library: str) -> None:
    stories = m["rally"].HierarchicalRequirement.order("FormattedID").select(*TERMS)
    found = columns(getattr(stories, f"to_{library}")(), library)
    assert list(found) == list(TERMS)
    rows = list(stories.rows())
    assert rows
    assert list(zip(*found.values(), strict=True)) == rows
    assert all(each.tzinfo is not None for each in found["CreationDate"] if isinstance(each, datetime))


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_all_fields_of_every_type_make_a_frame(m: mirror.Mirror, library: str) -> None:
    for kind in ("rally", "versionone", "rt"):
        for name in m[kind].types():
            records = m[kind][name]
            frame = getattr(records, f"to_{library}")()
            names = list(columns(frame, library))
            assert len(frame) == records.count()
            assert names[0] == "id"


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_columns_have_types_also_when_nothing_is_in_them(m: mirror.Mirror, library: str) -> None:
    nothing = m["rally"].HierarchicalRequirement.select(*TERMS).limit(0)
    frame = getattr(nothing, f"to_{library}")()
    kinds = [str(each) for each in (frame.schema.types if library == "arrow" else frame.dtypes)]
    assert len(kinds) == len(set(kinds)) + 1  # the two texts
    assert "int" not in kinds[0].lower()


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_answers_of_sql_are_frames_as_well(m: mirror.Mirror, library: str) -> None:
    asked = m.sql("SELECT name, plan_estimate FROM rally_hierarchical_requirement WHERE source = ? ORDER BY id", ["rally"])
    found = columns(getattr(asked, f"to_{library}")(), library)
    assert list(zip(*found.values(), strict=True)) == asked.all()


@pytest.mark.parametrize("library", ["polars", "arrow"])
def test_what_no_column_can_hold_as_it_is_becomes_text(library: str) -> None:
    odd: dict[str, tuple[Kind | None, list[Any], list[Any]]] = {
        "json": (Kind.JSON, [{"a": "é"}, None, [1, 2]], ['{"a": "é"}', None, "[1, 2]"]),
        "mixed": (None, ["Low", 3, None], ["Low", "3", None]),
        "lists": (None, [[1], ["b"], []], ["[1]", '["b"]', "[]"]),
        "some lists": (None, [["a"], "b", None], ['["a"]', "b", None]),
        "texts": (None, [["a"], [], None], [["a"], [], None]),
        "numbers": (None, [1, 2.5, Decimal("0.5")], [1.0, 2.5, 0.5]),
        "documents": (None, [{"a": 1}, {"a": "x"}, None], ['{"a": 1}', '{"a": "x"}', None]),
        "nothing": (None, [None, None, None], [None, None, None]),
    }
    kinds, given, wanted = zip(*odd.values(), strict=True)
    table = Table(tuple(odd), kinds, zip(*given, strict=True))
    found = columns(getattr(table, f"to_{library}")(), library)
    assert found == dict(zip(odd, wanted, strict=True))


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_records_of_several_types_make_one_frame(m: mirror.Mirror, library: str) -> None:
    items = m["versionone"].Workitem
    assert len(getattr(items, f"to_{library}")()) == items.count() > 0


def test_a_library_that_is_missing_is_named(m: mirror.Mirror, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['pandas'] = None\n"
        "import mirror\n"
        "with mirror.open() as m:\n"
        "    try: m['rally'].Defect.to_pandas()\n"
        "    except mirror.UsageError as error: print(error)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT), "MIRROR_CONFIG": str(tmp_path / "mirror.toml")}
    told = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert told.stdout == "pandas is not installed; install it with: pip install 'mirror-tracker[frames]'\n"
