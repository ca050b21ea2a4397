"""Who may do what: rights of users and groups, for everything or for one queue. rt.md §7.3"""

from __future__ import annotations

from mirror.simulators.rt.columns import TYPE_OF
from mirror.simulators.rt.state import Row, View

EVERYTHING = 0
"""Where a right holds that is granted for the whole system; else the number of a queue."""

_SEE = {
    "queue": "SeeQueue",
    "group": "SeeGroup",
    "customfield": "SeeCustomField",
    "asset": "ShowAsset",
    "catalog": "ShowCatalog",
    "article": "ShowArticle",
    "class": "SeeClass",
}


class Rights:
    """What one user may do."""

    def __init__(self, view: View, user: int) -> None:
        self.user = user
        self._view = view
        self._principals = principals(view, user)
        grants = view.state.grants
        self._held = {(right, where) for principal, right, where in grants if principal in self._principals}
        self.superuser = ("SuperUser", EVERYTHING) in self._held

    def may(self, right: str, queue: int = EVERYTHING) -> bool:
        """Return whether the user has a right, everywhere or in a queue."""
        return self.superuser or (right, EVERYTHING) in self._held or (queue != EVERYTHING and (right, queue) in self._held)

    def queues(self, right: str) -> frozenset[int] | None:
        """Return the queues in which the user has a right; None when in all of them."""
        if self.may(right):
            return None
        return frozenset(where for held, where in self._held if held == right)

    def counts(self, table: str) -> bool:
        """Return whether the rows of a listing are counted for this user (rt.md §4.2)."""
        if table == "user":
            return True
        if table == "ticket":
            return True
        if table in ("transaction", "attachment"):
            return self.superuser
        return self.may("SeeQueue" if table == "customrole" else _SEE.get(table, "SuperUser"))

    def sees(self, table: str, row: Row) -> bool:
        """Return whether a listing shows a row to the user."""
        match table:
            case "ticket":
                return self.may("ShowTicket", row["Queue"])
            case "transaction":
                return self._sees_transaction(row)
            case "attachment":
                transaction = self._view.get("transaction", row["TransactionId"])
                return transaction is not None and self._sees_transaction(transaction)
            case "queue":
                return self.may("SeeQueue", row["id"])
            case "user" | "customrole":
                return True
            case "customfieldvalue":
                return self.may("SeeCustomField")
            case _:
                return self.may(_SEE[table])

    def _sees_transaction(self, row: Row) -> bool:
        if self.superuser:
            return True
        if row["Type"] == "CustomField" and not self.may("SeeCustomField"):
            return False
        table = TYPE_OF.get(row["ObjectType"], "")
        if table == "user":
            return self._sees_history_of(row)
        number = self._view.effective(row["ObjectId"]) if table == "ticket" else row["ObjectId"]
        found = self._view.get(table, number) if table else None
        if found is None or not self.sees(table, found):
            return False
        return table != "ticket" or self._sees_message(row["Type"], found["Queue"])

    def _sees_history_of(self, row: Row) -> bool:
        return self.may("AdminUsers") or row["ObjectId"] == self.user

    def _sees_message(self, kind: str, queue: int) -> bool:
        match kind:
            case "Comment":
                return self.may("ShowTicketComments", queue)
            case "CommentEmailRecord":
                return self.may("ShowTicketComments", queue) and self.may("ShowOutgoingEmail", queue)
            case "EmailRecord":
                return self.may("ShowOutgoingEmail", queue)
        return True


def principals(view: View, user: int) -> set[int]:
    """Return a user and all groups it is in, directly or through others."""
    found = {user}
    while True:
        more = {each for each in view.state.groups if each not in found and found & set(view.members(each))}
        if not more:
            return found
        found |= more
