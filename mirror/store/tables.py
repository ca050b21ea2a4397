"""The bookkeeping tables: all named `mirror_*`, created and changed by the migrations only.

Record tables (`rally_defect`) are not here: they follow the tracker's catalog, see `record_tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text, false

from mirror.store.column_types import Instant, JsonText

OPEN_END = 2**63 - 1  # stands for "no last id" in slice.until_id, which is part of a key and so cannot be null

metadata = MetaData()


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


# The view work_item reads name and url: no migration can drop or rename this table below it.
source = Table(
    "mirror_source",
    metadata,
    _key("name"),
    Column("tracker", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("adopted_at", Instant, nullable=False),
    Column("url", Text, nullable=False, server_default=""),  # root address, without a trailing slash
)

record_type = Table(
    "mirror_type",
    metadata,
    _key("source"),
    _key("type"),
    Column("tracker", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("tracking", Text, nullable=False),
    Column("key_field", Text),
    Column("name_field", Text),
    Column("stamp_field", Text),
    Column("restorable", Boolean, nullable=False),
    Column("transient", Boolean, nullable=False),
    Column("family", Text, nullable=False),
    Column("state", Text, nullable=False),  # offered, vanished
    Column("vanished_at", Instant),
    Column("grown", Boolean, nullable=False, server_default=false()),  # has a field that stored rows were read without
    Column("loaded", Boolean, nullable=False, server_default=false()),  # the first load has ended
    Column("synced_at", Instant),  # when something about the type was last stored
    Column("complete_at", Instant),  # what had changed before then is here: a sync that began then left nothing out
    Column("actions", JsonText, nullable=False, server_default="[]"),  # JSON list: create, delete, comment, attach, rank
    Column("operations", JsonText, nullable=False, server_default="[]"),  # JSON list of the tracker's own names
    Column("work_item", JsonText),  # JSON object: roles of its fields in the view work_item; null when it is not in it
    Column("history_since", Instant),  # since when what is replaced is kept in <table>__history; null when it is not
)

# One line for each column or link table: a reference has two or three.
field = Table(
    "mirror_field",
    metadata,
    _key("source"),
    _key("type"),
    _key("column_name"),  # for kind links and values: the name of the link table
    Column("field", Text, nullable=False),
    Column("part", Text, nullable=False),  # value, id, name, type
    Column("kind", Text, nullable=False),
    Column("column_kind", Text, nullable=False),
    Column("position", Integer, nullable=False),  # among the fields of the type, in the tracker's order
    Column("display_name", Text, nullable=False),
    Column("native_type", Text, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("read_only", Boolean, nullable=False),
    Column("custom", Boolean, nullable=False),
    Column("polymorphic", Boolean, nullable=False),
    Column("targets", JsonText, nullable=False),  # JSON list of type names
    Column("allowed_values", JsonText, nullable=False),  # JSON list of texts
    Column("max_length", BigInteger),
    Column("create_only", Boolean, nullable=False, server_default=false()),  # read-only once the record is there
    Column("vanished_at", Instant),
)

load_slice = Table(
    "mirror_slice",
    metadata,
    _key("source"),
    _key("type"),
    Column("until_id", BigInteger, primary_key=True, autoincrement=False),
    Column("after_id", BigInteger, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("done", Boolean, nullable=False),
)

watermark = Table(
    "mirror_watermark",
    metadata,
    _key("source"),
    _key("type"),
    Column("changed_until", Instant, nullable=False),
    Column("position", BigInteger),  # the tracker's own running number of the last change listed; null without one
)

tombstone = Table(
    "mirror_tombstone",
    metadata,
    _key("source"),
    _key("type"),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("last_row", JsonText, nullable=False),  # JSON object, column -> value
    Column("last_links", JsonText),  # JSON object, link table -> list of its rows; null without any
    Column("tombstoned_at", Instant, nullable=False),
    Column("deleted_at", Instant),  # as the tracker says; null when it does not
    Column("merged_into", BigInteger),
)

# Records to be looked at again, whatever their revision says: kind `record` is read again, kind `name` may be shown under
# an older name elsewhere.
suspect = Table(
    "mirror_suspect",
    metadata,
    _key("source"),
    _key("kind"),
    _key("type"),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
)

# Who referred to a record when it vanished.
referrer = Table(
    "mirror_referrer",
    metadata,
    _key("source"),
    _key("type"),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _key("referrer_type"),
    Column("referrer_id", BigInteger, primary_key=True, autoincrement=False),
)

# When records of types whose history is kept were away, where their own change time does not tell when they came back.
absence = Table(
    "mirror_absence",
    metadata,
    _key("source"),
    _key("type"),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("back_at", Instant, primary_key=True),
    Column("gone_at", Instant, nullable=False),
)

quarantine = Table(
    "mirror_quarantine",
    metadata,
    _key("source"),
    _key("type"),
    _key("record"),  # the id, or a digest of the document when not even that could be read
    Column("id", BigInteger),
    Column("reason", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# The last comparison of a type with the tracker.
verification = Table(
    "mirror_verification",
    metadata,
    _key("source"),
    _key("type"),
    Column("verified_at", Instant, nullable=False),
    Column("records", BigInteger, nullable=False),  # that the tracker listed
    Column("missing", BigInteger, nullable=False),  # there, but not here
    Column("stale", BigInteger, nullable=False),  # here in another revision
    Column("surplus", BigInteger, nullable=False),  # here, but not there any more
    Column("sampled", BigInteger, nullable=False),  # compared whole
    Column("differing", BigInteger, nullable=False),  # of these, with another value though the revision is the same
    Column("repaired", Boolean, nullable=False),  # all that was found was read again afterwards
)

lease = Table(
    "mirror_lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1: there is one writer
    Column("holder", Text, nullable=False),
    Column("since", Instant, nullable=False),
)

run = Table(
    "mirror_run",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("source", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),  # null while it runs, and for ever when it was killed
    Column("outcome", Text),
    Column("requests", BigInteger),
    Column("inserted", BigInteger),
    Column("updated", BigInteger),
    Column("unchanged", BigInteger),
    Column("tombstoned", BigInteger),
    Column("quarantined", BigInteger),
    Index("ix_mirror_run_source", "source", "id"),
)

failure = Table(
    "mirror_failure",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# Whether it is mirror itself that writes to record tables now. The triggers on them ask; only a transaction of ours sets
# it, and unsets it before it ends, so no other client ever sees it set. On Postgres a setting of the transaction serves.
writing = Table(
    "mirror_writing",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("active", Boolean, nullable=False),
)

# The queue: what was changed here and is not on the tracker yet, as far as is known. Columns as in model.change.Change.
change = Table(
    "mirror_change",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("field", Text, nullable=False, server_default=""),
    Column("item", Text, nullable=False, server_default=""),
    Column("base", JsonText),
    Column("value", JsonText),
    Column("base_revision", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("remote", JsonText),
    Column("attempt", BigInteger),
    Column("sent_at", Instant),
    Column("made_at", Instant, nullable=False),
    Column("made_by", Text, nullable=False, server_default=""),
    Column("via", Text, nullable=False),
    Column("lost_at", Instant),
    Index("ix_mirror_change_record", "source", "type", "record_id"),
    sqlite_autoincrement=True,  # an id is never used again, so that it means one change for ever; Postgres sees to it anyhow
)

# The audit trail: each attempt to send a change, and each end of one.
log = Table(
    "mirror_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("change_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("temporary_id", BigInteger),  # what a record created here had before; null for others
    Column("label", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("base", JsonText),
    Column("value", JsonText),
    Column("remote", JsonText),
    Column("base_revision", Text),
    Column("revision", Text),  # of the record afterwards; null when it is not known
    Column("outcome", Text, nullable=False),  # a word of model.change.End
    Column("words", Text, nullable=False),
    Column("attempt", BigInteger),
    Column("made_at", Instant, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("sent_at", Instant),
    Column("settled_at", Instant, nullable=False),
    Index("ix_mirror_log_record", "source", "type", "record_id"),
)

# The content of files that wait to be attached.
blob = Table(
    "mirror_blob",
    metadata,
    _key("digest"),  # SHA-256 of the content, hexadecimal
    Column("content", LargeBinary, nullable=False),
)

# Who watches which types; one line for each type. `source` and `type` are the exact names.
watcher = Table(
    "mirror_watcher",
    metadata,
    _key("name"),
    _key("source"),
    _key("type"),
    Column("created", Boolean, nullable=False),  # is told of these
    Column("changed", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("own", Boolean, nullable=False),  # also of what was pushed from here
    Column("since_start", Boolean, nullable=False),  # also of what was there, or was loaded, to begin with
    Column("since", Instant, nullable=False),
    Index("ix_mirror_watcher_type", "source", "type"),
)

# What happened to records on the tracker and was not told yet; each watcher has lines of its own, which go once he was told.
journal = Table(
    "mirror_journal",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("watcher", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("happening", Text, nullable=False),  # a word of model.happening.Happening
    Column("changes", JsonText),  # JSON object, field -> [before, after]; null unless it was changed
    Column("noted_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),  # to tell it, that failed
    Column("said", Text, nullable=False, server_default=""),  # by the last of them
    Index("ix_mirror_journal_watcher", "watcher", "id"),
    sqlite_autoincrement=True,  # see mirror_change
)

note = Table("mirror_note", metadata, _key("source"), _key("key"), Column("value", Text, nullable=False))
