"""The nouns that scripts are written with: a source's records by the tracker's own names, read from the mirror alone."""

from mirror.script.belonging import File, Remark
from mirror.script.changes import Change, Changes
from mirror.script.items import Items
from mirror.script.null import NULL, Null
from mirror.script.record import Record
from mirror.script.records import Records
from mirror.script.scripting import Scripting
from mirror.script.source import SourceView
from mirror.script.watcher import Watcher
from mirror.script.watching import Delivery, FailedCall, Watching

__all__ = [
    "NULL",
    "Change",
    "Changes",
    "Delivery",
    "FailedCall",
    "File",
    "Items",
    "Null",
    "Record",
    "Records",
    "Remark",
    "Scripting",
    "SourceView",
    "Watcher",
    "Watching",
]
