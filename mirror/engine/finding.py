"""Turns what people call a record, or a type, into that record or type; over all sources.

A record is `US123`, `S-01005`, `ticket/17`, `Defect:17`, `Story:S-01005`, `NEW-3`, each also as `source:KEY`. Upper and
lower case never matter where they do not tell two records apart.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mirror.engine.validate import is_storable
from mirror.errors import UnknownRecordError, UnknownTypeError
from mirror.model.layout import Layout
from mirror.store.finding import Finder, Hit, Layouts

_NEW = re.compile(r"new-([1-9]\d*)", re.IGNORECASE)
_SEPARATORS = ("/", ":")
_MOMENT = re.compile(r"(.+:\d+):\d+")
_FEW = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a key leads to.

    Attributes:
        label: what people call it, without the source.
        is_here: it has a local row; else it was deleted here, or is gone on the tracker, and only its changes are left.
    """

    layout: Layout
    record_id: int
    label: str
    is_here: bool = True

    @property
    def source(self) -> str:
        """The source it belongs to."""
        return self.layout.source


def find(finder: Finder, layouts: Layouts, text: str) -> Found:
    """Return the record that people call `text`.

    Raises:
        UnknownRecordError: there is none, or there are several; says what to type instead.
    """
    wanted = text.strip()
    if not is_storable(wanted):
        raise UnknownRecordError(f"no record is called {text!r}: it has characters that are no text")
    for chosen, rest in _readings(layouts, wanted):
        here = _found(finder, chosen, rest)
        hits = here or [each for each in finder.absent(chosen) if _is_called(each, rest)]
        if hits:
            break
    if len(hits) == 1:
        return Found(hits[0].layout, hits[0].id, label_of(hits[0]), is_here=bool(here))
    if hits:
        names = _told_apart(hits, layouts)
        raise UnknownRecordError(f"{text!r} may be {_listed(names)}: say which", names)
    _refuse_unknown_source(layouts, wanted)
    raise _unknown(finder, *_readings(layouts, wanted)[0], wanted)


def find_type(layouts: Layouts, text: str) -> Layout:
    """Return the type that people call `text`: by its name, its display name or its table, also as `source:TYPE`.

    Raises:
        UnknownTypeError: there is none; carries the nearest names.
        UnknownRecordError: several sources have it.
    """
    chosen, rest = _narrowed(layouts, text.strip())
    every = [each for types in chosen.values() for each in types.values()]
    exact = [each for each in every if each.type.name == rest]
    found = exact or [each for each in every if rest.casefold() in _type_names(each)]
    if not found:
        _refuse_unknown_source(layouts, text.strip())
        near = difflib.get_close_matches(rest, sorted({each.type.name for each in every}), n=_FEW)
        raise UnknownTypeError(text, tuple(near))
    if len(found) > 1:
        names = tuple(f"{each.source}:{each.type.name}" for each in found)
        raise UnknownRecordError(f"{text!r} may be {_listed(names)}: say which", names)
    return found[0]


def label_of(hit: Hit) -> str:
    """Return what people call a record: its key, or type and id, or NEW-3 for one that was created here."""
    if hit.id < 0:
        return f"NEW-{-hit.id}"
    return hit.key or f"{hit.layout.type.name}/{hit.id}"


def new_number(text: str) -> int | None:
    """Return 3 for `NEW-3`, in any case; None for anything else."""
    match = _NEW.fullmatch(text)
    return int(match[1]) if match else None


def typed(layouts: Iterable[Layout], text: str) -> tuple[list[Layout], str] | None:
    """Return the types that `text` begins with and what stands behind the separator; None when it names no type."""
    lowered = text.casefold()
    best: dict[int, list[Layout]] = {}
    for each in layouts:
        for name in _type_names(each):
            if lowered.startswith(tuple(f"{name}{mark}" for mark in _SEPARATORS)) and len(text) > len(name) + 1:
                best.setdefault(len(name), []).append(each)
                break
    if not best:
        return None
    longest = max(best)
    return best[longest], text[longest + 1 :]


def reference(layouts: Iterable[Layout], text: str) -> str:
    """Return `defect/123` of a reference as trackers write them; what leads to no type as it is.

    That is `/defect/123`, an address that ends so, or `Defect:123:99`, where the last number says which version of it.
    rally.md §3, versionone.md §1
    """
    if "/" not in text:
        return _MOMENT.sub(r"\1", text)
    steps = text.partition("?")[0].strip("/").split("/")
    endings = ("/".join(steps[number:]) for number in range(len(steps)))
    kinds = list(layouts)
    return next((each for each in endings if typed(kinds, each) is not None), text)


@lru_cache(maxsize=1024)
def _type_names(layout: Layout) -> frozenset[str]:
    names = (layout.type.name, layout.type.display_name, layout.table)
    return frozenset(each.casefold() for each in names if each)


def _narrowed(layouts: Layouts, text: str) -> tuple[Layouts, str]:
    """Return the sources that `text` can be about, and `text` without the name of a source."""
    head, colon, rest = text.partition(":")
    named = {name: types for name, types in layouts.items() if name.casefold() == head.casefold()}
    return (named, rest.strip()) if colon and rest.strip() and named else (layouts, text)


def _readings(layouts: Layouts, text: str) -> list[tuple[Layouts, str]]:
    """Return the ways to read a key: a word before a colon names a source, or where it has none of that, a type."""
    narrowed = _narrowed(layouts, text)
    return [narrowed] if narrowed[1] == text else [narrowed, (layouts, text)]


def _refuse_unknown_source(layouts: Layouts, text: str) -> None:
    """Refuse `word:KEY` where the word names neither a source nor a type.

    Raises:
        UnknownRecordError: it names none.
    """
    head, colon, rest = text.partition(":")
    every = [each for types in layouts.values() for each in types.values()]
    is_source = head.casefold() in {each.casefold() for each in layouts}
    if not colon or not head.isidentifier() or not rest.strip() or is_source or typed(every, text) is not None:
        return
    near = difflib.get_close_matches(head, [*layouts, *sorted({each.type.name for each in every})], n=_FEW, cutoff=0.75)
    hint = f"; did you mean {_listed(near)}?" if near else ""
    there = f"there {'is' if len(layouts) == 1 else 'are'} {', '.join(layouts)}"
    raise UnknownRecordError(f"{text!r}: no source and no type is called {head!r}; {there}{hint}", tuple(near))


def _found(finder: Finder, layouts: Layouts, text: str) -> list[Hit]:
    every = [each for types in layouts.values() for each in types.values()]
    number = new_number(text)
    if number is not None:
        return finder.created(layouts, number)
    with_type = typed(every, text)
    if with_type is not None:
        types, rest = with_type
        hits = _of_types(finder, layouts, types, rest)
        if hits:
            return hits
    return finder.by_key(every, text) if not text.isdecimal() else []


def _of_types(finder: Finder, layouts: Layouts, types: Sequence[Layout], text: str) -> list[Hit]:
    number = new_number(text)
    if number is not None:
        return [each for each in finder.created(layouts, number) if each.layout in types]
    if text.isdecimal():
        return finder.by_id(types, int(text))
    return finder.by_key(types, text) or finder.by_name(types, text)


def _is_called(hit: Hit, text: str) -> bool:
    names = {label_of(hit), hit.key, *(f"{hit.layout.type.name}{mark}{hit.id}" for mark in _SEPARATORS)}
    return text.casefold() in {each.casefold() for each in names if each}


def _told_apart(hits: Sequence[Hit], layouts: Layouts) -> tuple[str, ...]:
    """Return a name for each of these records that leads to no other of them."""
    labels = [label_of(each) for each in hits]
    by_source = [f"{each.layout.source}:{label}" for each, label in zip(hits, labels, strict=True)]
    if len(set(labels)) == len(hits) and len({each.layout.source for each in hits}) == 1:
        return tuple(labels)
    if len(set(by_source)) == len(hits):
        return tuple(by_source)
    several = len(layouts) > 1
    return tuple(f"{f'{each.layout.source}:' if several else ''}{each.layout.type.name}/{each.id}" for each in hits)


def _listed(names: Collection[str]) -> str:
    shown = list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _unknown(finder: Finder, layouts: Layouts, rest: str, text: str) -> UnknownRecordError:
    every = [each for types in layouts.values() for each in types.values()]
    if not rest:
        return UnknownRecordError("an empty text is no key")
    if rest.isdecimal():
        names = tuple(f"{each.layout.type.name}/{each.id}" for each in finder.by_id(every, int(rest)))
        said = f"; it may be {_listed(names)}" if names else ""
        return UnknownRecordError(f"{text!r} does not say of which type it is: say TYPE/{rest}{said}", names)
    if new_number(rest) is not None:
        return UnknownRecordError(f"nothing that was created here is called {text!r}; see: mirror changes")
    near = _near(finder, every, rest)
    hint = f"; near to it: {', '.join(near)}" if near else ""
    return UnknownRecordError(f"no record here is called {text!r}{hint}; if the tracker has it, run: mirror sync", near)


def _near(finder: Finder, layouts: Sequence[Layout], text: str) -> tuple[str, ...]:
    """Return keys that begin like `text`: with as much of it as any does."""
    with_type = typed(layouts, text)
    if with_type is not None:
        layouts, text = with_type
    for length in range(len(text) - 1, 0, -1):
        keys = {each.casefold(): each for each in finder.near_keys(layouts, text[:length])}
        if keys:
            close = difflib.get_close_matches(text.casefold(), keys, n=_FEW)
            return tuple(keys[each] for each in close or sorted(keys)[:_FEW])
    return ()


def by_source(layouts: Iterable[Layout]) -> dict[str, Mapping[str, Layout]]:
    """Return source -> type name -> layout."""
    found: dict[str, dict[str, Layout]] = {}
    for each in layouts:
        found.setdefault(each.source, {})[each.type.name] = each
    return dict(found)
