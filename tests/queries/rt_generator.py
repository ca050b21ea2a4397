"""Random queries over what is in the data, from a seed; about one in twenty is wrong."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

from mirror.store.store import Store

Question = tuple[str, str, str]
"""Type, query, order."""

_SIGNS = ("=", "!=", "<", "<=", ">", ">=")
_LIKES = ("LIKE", "NOT LIKE", "STARTSWITH", "NOT STARTSWITH", "ENDSWITH", "NOT ENDSWITH")
_NULLS = ("IS NULL", "IS NOT NULL")
_PLACEHOLDER = re.compile(r"Status (!?=) '__(in)?active__'", re.IGNORECASE)
_NUMBERS = "id Priority InitialPriority FinalPriority TimeWorked TimeLeft TimeEstimated".split()
_DATES = "Created Started Starts Due Resolved Told LastUpdated".split()
_LINKS = "DependsOn DependedOnBy MemberOf HasMember RefersTo ReferredToBy".split()
_ROLES = ("Owner", "Requestor", "Cc", "AdminCc", "Watcher", "CustomRole.{Engineer}", "CustomRole.{Sales}", "QueueAdminCc")
_RELATIVE = ("-7 days", "tomorrow", "2 weeks ago", "-3 months", "+1 year", "next month", "yesterday", "6 months", "nonsense")
_WRONG = (
    "Due != '2027-01-01'",
    "Creator LIKE 'root'",
    "Type > 'ticket'",
    "NOT Status = 'new'",
    "Nope = 3",
    "Owner = Nobody",
    "id IN (1, 2)",
    "Requestor.Shoe = 'x'",
    "RefersTo > 3",
    "(id > 3",
    "id > 3 AND",
    "Status = 'new' Queue = 'General'",
    "Lifecycle IS NULL",
    "UpdatedBy > 'root'",
    "CCGroup != 'Staff'",
)
_KEYS = (
    *("Subject", "Status", "Queue", "Priority", "Due", "Starts", "Told", "TimeWorked", "Creator", "FinalPriority"),
    *("CF.{Severity}", "CF.{Tags}", "CF.{Target Date}", "Requestor.EmailAddress", "Cc.Name"),
)


class Generator:
    """Makes questions; the same seed over the same data makes the same."""

    def __init__(self, store: Store, seed: int) -> None:
        self._random = random.Random(seed)
        self._subjects = self._all(store, "SELECT subject FROM rt_ticket WHERE subject IS NOT NULL ORDER BY id")
        self._queues = self._all(store, "SELECT name FROM rt_queue ORDER BY id")
        self._names = self._all(store, "SELECT name FROM rt_user WHERE name <> 'RT_System' ORDER BY id")
        self._addresses = self._all(store, "SELECT email_address FROM rt_user WHERE email_address IS NOT NULL ORDER BY id")
        self._days = self._all(store, "SELECT due FROM rt_ticket WHERE due IS NOT NULL ORDER BY id")
        self._customs = {
            "Severity": ["low", "normal", "high", "critical"],
            "External ID": self._all(store, "SELECT cf_external_id FROM rt_ticket WHERE cf_external_id > '' ORDER BY id"),
            "Notes": ["second", "LL", "first line"],
            "Platforms": ["linux", "windows", "macos", "bsd"],
            "Tags": ["red", "green", "with,comma", "x"],
        }
        self._makers: tuple[Callable[[], str], ...] = (
            *(self._text, self._status, self._number, self._date, self._queue, self._owner, self._person, self._person),
            *(self._link, self._custom, self._custom, self._custom_date, self._transaction, self._columns, self._rare),
        )

    def question(self) -> Question:
        """Return the next one."""
        kind = self._random.random()
        if kind < 0.05:
            return "ticket", self._random.choice(_WRONG), ""
        if kind < 0.12:
            return self._of_other_type()
        order = self._random.choice((*_KEYS, "", "", "", "")) if self._random.random() < 0.7 else ""
        if order:
            order = f"{self._random.choice(('', '-'))}{order},id"
        query = self._group(self._random.choice((0, 1, 1, 2, 2, 3)))
        while _is_misread(query):
            query = self._group(2)
        return "ticket", query, order

    @staticmethod
    def _all(store: Store, query: str) -> list[str]:
        with store.read(query) as found:
            return [str(each[0]) for each in found.rows]

    def _group(self, depth: int) -> str:
        if depth == 0:
            return self._random.choice(self._makers)()
        parts = [self._group(self._random.randrange(depth)) for _ in range(self._random.choice((2, 2, 3)))]
        word = self._random.choice((" AND ", " OR ", " and "))
        return "(" + word.join(parts) + ")" if self._random.random() < 0.8 else word.join(parts)

    def _quoted(self, text: str) -> str:
        text = self._random.choice((text, text, text.upper() if text.isascii() else text))
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def _piece(self, texts: list[str]) -> str:
        text = self._random.choice(texts)
        start = self._random.randrange(len(text))
        return text[start : start + self._random.randrange(1, 6)]

    def _text(self) -> str:
        if self._random.random() < 0.4:
            return f"Subject {self._random.choice(_SIGNS)} {self._quoted(self._random.choice(self._subjects))}"
        return f"Subject {self._random.choice(_LIKES)} {self._quoted(self._piece(self._subjects))}"

    def _status(self) -> str:
        words = ("new", "open", "stalled", "resolved", "rejected", "deleted", "__Active__", "__Inactive__")
        sign = self._random.choice(("=", "!=", "=", "LIKE", ">", "<="))
        return f"Status {sign} {self._quoted(self._random.choice(words[: 8 if sign in ('=', '!=') else 6]))}"

    def _number(self) -> str:
        name = self._random.choice(_NUMBERS)
        if self._random.random() < 0.1:
            return f"{name} {self._random.choice((*_NULLS, 'LIKE 1'))}"
        value = self._random.choice((0, 5, 10, 15, 20, 33, 43, 50, 70, 90.5))
        return f"{name} {self._random.choice(_SIGNS)} {self._random.choice((value, self._quoted(str(value))))}"

    def _moment(self) -> str:
        if self._random.random() < 0.4:
            return self._random.choice(_RELATIVE)
        stamp = self._random.choice(self._days)
        return self._random.choice((stamp[:10], f"{stamp[:10]} {stamp[11:19]}", stamp[:10].replace("-", "/")))

    def _date(self) -> str:
        name = self._random.choice(_DATES)
        if self._random.random() < 0.2:
            return f"{name} {self._random.choice(_NULLS)}"
        return f"{name} {self._random.choice(('=', '<', '<=', '>', '>='))} '{self._moment()}'"

    def _queue(self) -> str:
        sign = self._random.choice(("=", "!=", "LIKE", "NOT LIKE"))
        value = self._piece(self._queues) if "LIKE" in sign else self._random.choice((*self._queues, "1", "4", "Nope"))
        return f"Queue {sign} {self._quoted(value)}"

    def _owner(self) -> str:
        name = self._random.choice(("Owner", "Creator", "LastUpdatedBy"))
        value = self._random.choice((*self._names, "Nobody", "__CurrentUser__", "6", "14"))
        return f"{name} {self._random.choice(('=', '!='))} '{value}'"

    def _person(self) -> str:
        role = self._random.choice(_ROLES)
        if self._random.random() < 0.15:
            return f"{role} {self._random.choice(_NULLS)}"
        column = self._random.choice(("", ".EmailAddress", ".Name", ".Name", ".Organization", ".Nickname", ".id"))
        if column == ".id" or (role.startswith("CustomRole") and not column):
            return f"{role}{column} {self._random.choice(('=', '!='))} {self._random.choice((6, 14, 34, 36))}"
        texts = self._names if column == ".Name" else [*self._addresses, "Acme", "Users & Sons", "wob"]
        may_not = column in ("", ".Name", ".EmailAddress")  # what RT answers if several users are meant is not known here
        if self._random.random() < 0.5:
            sign = self._random.choice(("=", "!=") if may_not else ("=",))
            return f"{role}{column} {sign} {self._quoted(self._random.choice(texts))}"
        likes = _LIKES if role == "Owner" else [each for each in _LIKES if not each.startswith("NOT")]
        return f"{role}{column} {self._random.choice(likes)} {self._quoted(self._piece(texts))}"

    def _link(self) -> str:
        name = self._random.choice(_LINKS)
        if self._random.random() < 0.4:
            return f"{name} {self._random.choice(_NULLS)}"
        return f"{name} {self._random.choice(('=', '=', '!='))} {self._random.randrange(1, 44)}"

    def _custom(self) -> str:
        name = self._random.choice(list(self._customs))
        values = self._customs[name]
        if self._random.random() < 0.2:
            return f"CF.{{{name}}} {self._random.choice(_NULLS)}"
        if self._random.random() < 0.5:
            sign = self._random.choice(("=", "!=") if name in ("Tags", "Platforms") else _SIGNS)
            return f"CF.{{{name}}} {sign} {self._quoted(self._random.choice(values))}"
        likes = ("LIKE", "NOT LIKE") if name in ("Tags", "Platforms") else _LIKES
        return f"CF.{{{name}}} {self._random.choice(likes)} {self._quoted(self._piece(values))}"

    def _custom_date(self) -> str:
        name = self._random.choice(("Target Date", "Seen At"))
        if self._random.random() < 0.2:
            return f"CF.{{{name}}} {self._random.choice(_NULLS)}"
        signs = _SIGNS if name == "Target Date" else _SIGNS[1:]  # RT makes OR of a whole day into AND
        return f"CF.{{{name}}} {self._random.choice(signs)} '{self._moment()}'"

    def _transaction(self) -> str:
        if self._random.random() < 0.5:
            return f"UpdatedBy {self._random.choice(('=', '!='))} '{self._random.choice(('root', 'RT_System', 'agent'))}'"
        if self._random.random() < 0.4:
            name, word = self._random.choice((("Filename", "data"), ("ContentType", "text"), ("ContentType", "text/plain")))
            compared = [f"{each} '{word}'" for each in (*_SIGNS[:2], *_LIKES)]
            return f"{name} {self._random.choice((*_NULLS, *compared))}"
        return f"Updated {self._random.choice(('<', '>', '>='))} '{self._random.choice(_RELATIVE)}'"

    def _columns(self) -> str:
        number, other = self._random.choice(_NUMBERS), self._random.choice(_NUMBERS[1:])
        date, another = self._random.choice(_DATES), self._random.choice((*_DATES, "CF.{Target Date}"))
        dates = f"{date} {self._random.choice(('<', '<=', '>', '>='))} {another}"
        return self._random.choice((dates, f"{number} {self._random.choice(_SIGNS)} {other}"))

    def _rare(self) -> str:
        return self._random.choice(
            (
                *("Type != 'x'", "Type = 'reminder'", "SLA IS NULL", "SLA != 'x'", "SLA = 'GOLD'", "Lifecycle = 'default'"),
                *("RequestorGroup = 'Everyone else'", "OwnerGroup = 'Staff'", "AdminCcGroup = 'Staff'", "CF.{Nope} = 'x'"),
                *("CF.{Nope} != 'x'", "CF.{Host} LIKE 'HOST'", "Due = NULL", "Subject != NULL", "Priority = 'Medium'"),
                *("Status != 'new' OR Status != 'open'", "Watcher NOT LIKE 'user'"),
            )
        )

    def _of_other_type(self) -> Question:
        name, field, values = self._random.choice(
            (
                ("queue", "Name", self._queues),
                ("user", "Name", self._names),
                ("user", "EmailAddress", self._addresses),
                ("customfield", "Name", ["Severity", "Tags", "Notes", "Host", "Content"]),
                ("customfield", "Type", ["Select", "Freeform", "Text"]),
                ("group", "Name", ["Staff", "Everyone else"]),
                ("asset", "Name", ["laptop", "Desktop", "lost"]),
                ("article", "Name", ["how to", "How not to"]),
                ("transaction", "Type", ["Create", "Status", "AddLink", "Comment"]),
            )
        )
        conditions: list[dict[str, object]] = [] if name != "group" else [{"field": "Domain", "value": "UserDefined"}]
        for _ in range(self._random.choice((1, 1, 2, 3))):
            signs = ("=", "!=", "<", ">=", *_LIKES) if field == "Name" else ("=", "LIKE", "STARTSWITH")
            operator = self._random.choice(signs)
            value = self._piece(values) if operator in _LIKES else self._random.choice(values)
            conditions.append({"field": field, "operator": operator, "value": value})
            if self._random.random() < 0.4:
                conditions[-1]["entry_aggregator"] = self._random.choice(("AND", "OR"))
        return name, json.dumps(conditions, ensure_ascii=False), ""


def _is_misread(query: str) -> bool:
    """Return whether a query means the active, or the inactive, statuses twice: RT joins the first as it does the second."""
    meanings = [(sign == "=") is not bool(word) for sign, word in _PLACEHOLDER.findall(query)]
    return len(meanings) > len(set(meanings))
