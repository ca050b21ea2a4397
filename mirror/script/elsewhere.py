"""What people may look for who come from another toolkit, and what it is here. Only messages of errors are made of it."""

from __future__ import annotations

from collections.abc import Mapping

SOURCE: Mapping[str, str] = {
    "getAllowedValues": "allowed_values(type, field)",
    "getStates": "states(type)",
    "getState": 'State.where(Name="…", TypeDef="…").first()',
    "getAllUsers": "User.all()",
    "getUserInfo": 'User.where(UserName="…").first()',
    "getProject": 'Project("…")',
    "getProjects": "Project.all()",
    "getWorkspace": 'Workspace("…")',
    "getWorkspaces": "Workspace.all()",
    "getSchemaInfo": "types() and typedef(type)",
    "getAttachment": "record.Attachments",
    "getAttachments": "record.Attachments",
    "addAttachment": "record.attach(file)",
    "deleteAttachment": "attachment.delete()",
    "addCollectionItems": "record.Tags.add(item)",
    "dropCollectionItems": "record.Tags.drop(item)",
    "rankAbove": 'record.rank("above", other)',
    "rankBelow": 'record.rank("below", other)',
    "rankToTop": 'record.rank("top")',
    "rankToBottom": 'record.rank("bottom")',
    "update": "record.update(…)",
    "delete": "record.delete()",
    "find": "Defect.find(…)",
    "search": "Artifact.find('Name contains \"…\"')",
    "asset_from_oid": "asset(oid)",
    "commit": "push() of the mirror: m.push()",
    "get_ticket": "ticket(number)",
    "get_user": 'user("…")',
    "get_queue": 'queue("…")',
    "search_tickets": 'ticket.find("…")',
    "create_ticket": "ticket.create(…)",
    "comment_ticket": 'ticket(number).comment("…")',
    "get_links": "ticket(number).RefersTo, DependsOn, MemberOf and so on",
    "change_links": "ticket(number).RefersTo.add(…)",
    "get_history": "transaction.where(…)",
    "get_attachment": "attachment.where(…)",
}
"""Of a source."""

RECORDS: Mapping[str, str] = {
    "filter": 'find("…")',
    "asof": "as_of(…)",
    "query": 'find("…")',
    "set": "update_many(…)",
    "length": "count()",
    "max_length": "count()",
    "resultCount": "count()",
    "next": "first()",
    "queryAll": "all()",
    "reQueryAll": "all()",
    "get_all": "all()",
    "get_all_in_kanban_states": "where(KanbanState=[…])",
    "get_all_in_iteration": 'where(Iteration="…")',
    "get_all_for_story": 'where(WorkProduct="…")',
    "get": 'a call, such as Defect("DE17")',
    "get_by_formatted_id": 'a call, such as Story("US1")',
    "create_from_ref": "asset(ref) of the source",
    "set_cache_timeout": 'sync(if_older_than="2m") of the mirror',
}
"""Of records."""

ITEMS: Mapping[str, str] = {
    "append": "add(item)",
    "extend": "add(*items)",
    "insert": "add(item)",
    "remove": "drop(item)",
    "pop": "drop(item)",
    "clear": "replace([])",
    "sort": "sorted(…)",
    "all": "list(…)",
    "first": "[0]",
    "next": "[0]",
}
"""Of a collection of a record; the first ones are those of Python's own lists."""

RECORD: Mapping[str, str] = {
    "ref": "oid",
    "idref": "oid",
    "intid": "id",
    "title": "Name",
    "attributes": "data()",
    "details": "data()",
    "set": "update(…)",
    "pending": "update(…)",
    "update_rally": "push() of the mirror: m.push()",
    "delete_from_cache": "refresh()",
    "rally_url": "url",
    "file_data": "content()",
    "get_blob": "content()",
}
"""Of one record."""


def here(known: Mapping[str, str], name: str) -> str:
    """Return what to say, behind the message, of a name that is not there: what it is here; "" when that is not known."""
    return f"; here that is {known[name]}" if name in known else ""
