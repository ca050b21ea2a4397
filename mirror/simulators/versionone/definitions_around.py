"""What stands around the work, as text tables in the notation of `definitions.py`.

Source: versionone.md §7.1 to §7.3; the placement of the newer types below BaseAsset or beside it is its mark I.
AuthoredAt and SentAt are in the user's zone like every date that is not called UTC (§9 D).
"""

from __future__ import annotations

from mirror.simulators.versionone.definitions_work import AUDITED, STATEFUL

PLANNING = """
Request : BaseAsset number=R- order=Order short=Number
    Number Text:rb
    Scope Relation:!b Scope/Requests
    Order Rank:b
    Resolution LongText:b
    Reference Text:b
    RequestedBy Text:b
    Owner Relation:b Member/OwnedRequests
    Category Relation:b RequestCategory
    Priority Relation:b RequestPriority
    Status Relation:b RequestStatus
    Source Relation:b StorySource
    ResolutionReason Relation:b RequestResolution
    SpurredBy Relation Issue/SpurredRequests
    Issues Relation:* Issue/Requests
    @ops Inactivate Reactivate QuickClose QuickSignup
Issue : BaseAsset number=I- order=Order short=Number
    Number Text:rb
    Scope Relation:!b Scope/Issues
    Order Rank:b
    TargetDate Date:bd
    IdentifiedBy Text:b
    Resolution LongText:b
    Reference Text:b
    Owner Relation:b Member/OwnedIssues
    Team Relation:b Team/Issues
    Category Relation:b IssueCategory
    Priority Relation:b IssuePriority
    Source Relation:b StorySource
    ResolutionReason Relation:b IssueResolution
    Retrospectives Relation:* Retrospective/Issues
    @ops Inactivate Reactivate QuickClose QuickSignup
Goal : BaseAsset number=G- order=Order short=Number
    Number Text:rb
    Scope Relation:!b Scope/Goals
    Order Rank
    Category Relation:b GoalCategory
    Priority Relation:b GoalPriority
    Team Relation Team/Goals
    @ops Inactivate Reactivate QuickClose
Retrospective : BaseAsset
    Scope Relation:!b Scope/Retrospectives
    Date Date:bd
    Summary LongText:b
    FacilitatedBy Relation:b Member/FacilitatedRetrospectives
    Team Relation:b Team/Retrospectives
    Timebox Relation:b Timebox/Retrospectives
    @ops Inactivate Reactivate Copy
Environment : BaseAsset number=EN- short=Number
    Number Text:rb
    Scope Relation:!b Scope/Environments
    @ops Inactivate Reactivate
Milestone : BaseAsset
    Scope Relation:!b Scope/Milestones
    Date Date:bd
    Owner Relation Member/OwnedMilestones
    @ops Inactivate Reactivate
Release : BaseAsset
    Scope Relation:!b Scope/Releases
    BeginDate Date:bd
    EndDate Date:bd
    @ops Inactivate Reactivate
ValueStream : BaseAsset
    Scope Relation:!b Scope/ValueStreams
    Budget Relation Budget/ValueStreams
    @ops Inactivate Reactivate
StrategicTheme : BaseAsset
    Scope Relation:!b Scope/StrategicThemes
    Level Relation StrategicThemeLevel
    Parent Relation StrategicTheme/Children
    @ops Inactivate Reactivate
Roadmap : BaseAsset
    Scope Relation:!b Scope/Roadmaps
    BeginDate Date:bd
    EndDate Date:bd
    @ops Inactivate Reactivate
Budget : BaseAsset
    Scope Relation:!b Scope/Budgets
    Amount Numeric:b
    BeginDate Date:bd
    EndDate Date:bd
    Parent Relation Budget/Children
    @ops Inactivate Reactivate
Allocation : BaseAsset
    Budget Relation:!b Budget/Allocations
    Epic Relation:b Epic/Allocations
    Amount Numeric:b
    @ops Inactivate Reactivate
"""

QUALITY = """
RegressionPlan : BaseAsset number=RP- short=Number
    Number Text:rb
    Scope Relation:!b Scope/RegressionPlans
    Reference Text:b
    Owner Relation:b Member/OwnedRegressionPlans
    @ops Inactivate Reactivate
RegressionSuite : BaseAsset number=RS- short=Number
    Number Text:rb
    RegressionPlan Relation:!b RegressionPlan/RegressionSuites
    Reference Text:b
    Estimate Numeric:b
    Owner Relation:b Member/OwnedRegressionSuites
    RegressionTests Relation:*b RegressionTest/RegressionSuites
    @ops Inactivate Reactivate
RegressionTest : BaseAsset number=RT- short=Number
    Number Text:rb
    Scope Relation:!b Scope/RegressionTests
    Reference Text:b
    Setup LongText:b
    Steps LongText:b
    Inputs LongText:b
    ExpectedResults LongText:b
    Tags Text:b
    Team Relation:b Team/RegressionTests
    Category Relation:b TestCategory
    Status Relation:b RegressionTestStatus
    GeneratedFrom Relation:b Test/GeneratedRegressionTests
    Owners Relation:*b Member/OwnedRegressionTests
    @ops Inactivate Reactivate
TestSuite : BaseAsset
    Reference Text:b
    @ops Inactivate Reactivate
BuildProject : BaseAsset
    Reference Text:b
    @ops Inactivate Reactivate
BuildRun : BaseAsset order=Date
    BuildProject Relation:!b BuildProject/BuildRuns
    Reference Text:b
    Date Date:b
    Elapsed Numeric:b
    Status Relation:b BuildStatus
    Source Relation:b BuildSource
    ChangeSets Relation:*b ChangeSet/BuildRuns
    @ops Inactivate Reactivate
ChangeSet : BaseAsset
    Reference Text:b
    @ops Inactivate Reactivate
Bundle : BaseAsset
    Reference Text:b
    Phase Relation:b Phase
    ChangeSets Relation:*b ChangeSet/Bundles
    @ops Inactivate Reactivate
"""

_BESIDE = AUDITED + STATEFUL + "    @ops Delete\n"

BESIDE = f"""
Actual : - order=Date
    Date Date:!bd
    Value Numeric:!b
    Member Relation:!b Member/Actuals
    Scope Relation:!b Scope/Actuals
    Workitem Relation:!b Workitem/Actuals
    Timebox Relation:b Timebox/Actuals
    Team Relation:b Team/Actuals
{AUDITED}
Capacity : -
    Value Numeric:!b
    Scope Relation:!b Scope/Capacities
    Timebox Relation:!b Timebox/Capacities
    Member Relation:b Member/Capacities
    Team Relation:b Team/Capacities
{AUDITED}
Attachment : - display=Name order=Name description=Description
    Name Text:!b
    Description LongText:b
    Asset Relation:!b BaseAsset/Attachments
    Filename Text:!b
    ContentType Text:!b
    Content Blob:!
    Category Relation:b AttachmentCategory
{_BESIDE}
EmbeddedImage : -
    Asset Relation:!b BaseAsset/EmbeddedImages
    ContentType Text:!b
    Content Blob:!
    ContentHash Guid:r
{_BESIDE}
Image : -
    ContentType Text:!b
    Content Blob:!
{_BESIDE}
Link : - display=Name order=Name
    Name Text:!b
    Asset Relation:!b BaseAsset/Links
    URL Text:!b
    OnMenu Boolean:b
{_BESIDE}
Note : - display=Name order=Name
    Name Text:!b
    Content LongText:!b
    Personal Boolean:!b
    Asset Relation:!b BaseAsset/Notes
    Category Relation:b NoteCategory
    InResponseTo Relation:b Note/Responses
    PersonalTo Relation:b Member/PersonalNotes
{_BESIDE}
Conversation : -
    Participants Relation:*b Member/Conversations
{_BESIDE}
Expression : - order=AuthoredAt
    Content LongText:b
    AuthoredAt Date:b
    IsTopic Boolean:rb
    Author Relation:b Member/Expressions
    InReplyTo Relation:b Expression/Replies
    BelongsTo Relation:!b Conversation/ContainedExpressions
    Mentions Relation:*b BaseAsset/MentionedInExpressions
{_BESIDE}
Message : - display=Name
    Name Text:!b
    Description LongText:b
    RelatedAsset Relation:b BaseAsset/Messages
    SentAt Date:rb
    Recipients Relation:*b Member/ReceivedMessages
    @ops Send
{_BESIDE}
MessageReceipt : -
    Message Relation:!b Message/Receipts
    Recipient Relation:!b Member/MessageReceipts
    IsRead Boolean:rb
    IsArchived Boolean:rb
    @ops MarkAsRead MarkAsUnread MarkAsArchived MarkAsUnarchived
{_BESIDE}
ScopeLabel : - display=Name
    Name Text:!b
{_BESIDE}
MemberLabel : - display=Name
    Name Text:!b
{_BESIDE}
Snapshot : -
    Scope Relation:!b Scope/Snapshots
    Date Date:!bd
    Value Numeric:b
{AUDITED}
Grant : -
    ID Relation:r @self
    Key Opaque:r
    Moment Opaque:r
    AssetType AssetType:rb
    SecurityScope Relation:r Scope
    Member Relation:!b Member/Grants
    Scope Relation:!b Scope/Grants
    Role Relation:!b Role/Grants
"""

SYSTEM = f"""
Role : - display=Name order=Order
    Name LocalizerTag:rb
    Description Text:r
    Order Rank:r
{AUDITED}
State : - display=Name order=Code
    Name LocalizerTag:rb
    Code Text:rb
    Order Rank:r
{AUDITED}
Scheme : BaseAsset
    Reference Text
    @ops Inactivate Reactivate
AssetType : - display=Name order=Name
    Name Text:rb
    IsAbstract Boolean:r
    IsCustom Boolean:r
    NumberPattern Text:r
    Base Relation:r AssetType/Derived
{AUDITED}
AttributeDefinition : - display=Name order=Name
    Name Text:rb
    Token Text:rb
    AttributeType Text:rb
    IsBasic Boolean:rb
    IsRequired Boolean:rb
    IsReadOnly Boolean:rb
    IsMultivalue Boolean:rb
    IsCustom Boolean:rb
    IsCanned Boolean:rb
    Asset Relation:rb AssetType/AttributeDefinitions
    RelatedAsset Relation:rb AssetType
{AUDITED}
Operation : - display=Name order=Name
    Name Text:rb
    Token Text:rb
    Asset Relation:rb AssetType/Operations
    Validator Relation:rb AttributeDefinition
{AUDITED}
"""

LISTS = (
    "StoryStatus TaskStatus TestStatus EpicStatus ThemeStatus RequestStatus ScopeStatus BuildStatus RegressionTestStatus "
    "StoryCategory TaskCategory TestCategory EpicCategory ThemeCategory RequestCategory IssueCategory GoalCategory "
    "NoteCategory AttachmentCategory DefectType WorkitemPriority EpicPriority RequestPriority IssuePriority GoalPriority "
    "WorkitemRisk StorySource TaskSource ThemeSource BuildSource DefectResolution RequestResolution IssueResolution "
    "ClassOfService DeliveryCategory PlanningLevel Phase VersionLabel StrategicThemeLevel Custom_Region Custom_Platform"
).split()
"""Types derived from List without attributes of their own; the last two are custom. versionone.md §7.2."""

CUSTOM_FIELDS = """
Story Custom_CustomerReference Text
Story Custom_BusinessCase LongText
Story Custom_Confidence Numeric
Story Custom_Compliance Boolean
Story Custom_PromisedDate Date:d
Story Custom_ReviewedAt Date
Story Custom_LeadTime Duration
Story Custom_Region Relation Custom_Region
Story Custom_Platforms Relation:* Custom_Platform
Story Custom_Reviewer Relation Member
Story Custom_RelatedEpics Relation:* Epic
Story Custom_Votes LongInt
Story Custom_ExternalId Guid
Story Custom_Labels Text:*
Story Custom_Secret Password
Story Custom_CustomRank Rank
Story Custom_Sketch Blob
Story Custom_Phase State
Story Custom_Legacy Opaque
Story Custom_Tag LocalizerTag
Story Custom_Kind AssetType
PrimaryWorkitem Custom_Team2 Relation Team
Defect Custom_RootCause Relation Custom_Region
Defect Custom_Regression Boolean
Task Custom_Activity Text
Epic Custom_Budget Numeric
Workitem Custom_CostCentre Text
Scope Custom_Region Relation Custom_Region
Member Custom_Office Text
"""
"""Custom fields of every attributetype: type, name, kind and flags, target. versionone.md §7.2 and §10.3."""
