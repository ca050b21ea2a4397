"""Rally's types and their attributes as text tables; `schema.py` reads them.

Source: rally.md §10.1, §10.2, §10.4 (marks S unless a line there says otherwise), §7 for the metadata types.

One type per header line: `Name : Parent [verbs] [prefix=XX] [name=Display Name]`. Verbs: c create, u update,
d delete, q query, R restorable, a abstract, h keeps a revision history. A type has its ancestors' attributes as well.

One attribute per line: `Name kind[flags] [argument] [=default]`. Flags: ! required, r read-only, c settable at creation
only, h hidden from the wire. Kinds: string text integer decimal boolean date raw; `pick a|b` (rating), `state a|b`;
`ref Type`; `many Type.OtherEnd` (writable on both ends, the other end may be missing); `inverse Type.Field` (read-only).
"""

from __future__ import annotations

from mirror.simulators.rally.definitions_support import COLLABORATION, METADATA, PLANNING, SETTINGS, TRACKING
from mirror.simulators.rally.definitions_work import CORE, PORTFOLIO, WORK_ITEMS

TABLES = (CORE, WORK_ITEMS, PORTFOLIO, PLANNING, SETTINGS, COLLABORATION, TRACKING, METADATA)

CUSTOM_FIELDS = (
    # (type, element name, kind, argument): one of every kind, spread over the busiest types. rally.md §7 S.
    ("HierarchicalRequirement", "c_KanbanState", "pick", "Ready|Coding|Testing|Done"),
    ("HierarchicalRequirement", "c_CustomerReference", "string", ""),
    ("HierarchicalRequirement", "c_BusinessCase", "text", ""),
    ("HierarchicalRequirement", "c_Votes", "integer", ""),
    ("HierarchicalRequirement", "c_Confidence", "decimal", ""),
    ("HierarchicalRequirement", "c_Compliance", "boolean", ""),
    ("HierarchicalRequirement", "c_PromisedDate", "date", ""),
    ("HierarchicalRequirement", "c_Platforms", "multi", "Web|iOS|Android|Windows"),
    ("HierarchicalRequirement", "c_Wiki", "weblink", ""),
    ("HierarchicalRequirement", "c_Reviewer", "ref", "User"),
    ("Defect", "c_FoundBy", "ref", "User"),
    ("Defect", "c_Ticket", "weblink", ""),
    ("Defect", "c_RootCause", "pick", "Code|Design|Requirement|Environment"),
    ("Defect", "c_Browsers", "multi", "Chrome|Firefox|Safari|Edge"),
    ("Defect", "c_Regression", "boolean", ""),
    ("Defect", "c_CustomerImpact", "text", ""),
    ("Task", "c_Activity", "pick", "Development|Test|Documentation"),
    ("TestCase", "c_AutomationId", "string", ""),
    ("PortfolioItem/Feature", "c_Budget", "decimal", ""),
    ("PortfolioItem/Feature", "c_Sponsor", "ref", "User"),
    ("PortfolioItem/Initiative", "c_Region", "pick", "EMEA|Americas|APAC"),
)
