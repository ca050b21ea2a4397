"""Rally's types and their attributes as text tables; `schema.py` reads them.

Source: rally.md §10.1, §10.2, §10.4 (marks S unless a line there says otherwise), §7 for the metadata types.

One type per header line: `Name : Parent [verbs] [prefix=XX] [name=Display Name]`. Verbs: c create, u update, d delete,
q query, R restorable, a abstract, h keeps a revision history. A type has the attributes of its ancestors as well.

One attribute per line: `Name kind[flags] [argument] [=default]`. Flags: ! required, r read-only, c settable at creation only,
h hidden from the wire. Kinds: string text integer decimal boolean date raw; `pick a|b` (rating), `state a|b`;
`ref Type`; `many Type.OtherEnd` (writable on both ends, the other end may be missing); `inverse Type.Field` (read-only).
"""

from __future__ import annotations

SCHEDULABLE = """
    ScheduleState state! Defined|In-Progress|Completed|Accepted
    ScheduleStatePrefix stringr =D
    FlowState ref FlowState
    FlowStateChangedDate dater
    Iteration ref Iteration
    Release ref Release
    PlanEstimate decimal
    Blocked boolean
    BlockedReason string
    Blocker refr Blocker
    Package string
    AcceptedDate dater
    InProgressDate dater
    TaskEstimateTotal decimalr =0.0
    TaskRemainingTotal decimalr =0.0
    TaskActualTotal decimalr =0.0
    TaskStatus stringr =NONE
    Tasks inverse Task.WorkProduct
"""

TESTED = """
    TestCaseStatus stringr =NONE
    TestCaseCount integerr =0
    PassingTestCaseCount integerr =0
    TestCases inverse TestCase.WorkProduct
"""

ROLL_UPS = """
    LeafStoryCount integerr =0
    LeafStoryPlanEstimateTotal decimalr =0.0
    AcceptedLeafStoryCount integerr =0
    AcceptedLeafStoryPlanEstimateTotal decimalr =0.0
    UnEstimatedLeafStoryCount integerr =0
    PercentDoneByStoryCount decimalr =0.0
    PercentDoneByStoryPlanEstimate decimalr =0.0
    LastRollupDate dater
"""

CORE = """
PersistableObject : - a
    CreationDate dater
    ObjectID integerr
    ObjectUUID rawr
DomainObject : PersistableObject a
    VersionId stringr
    Subscription refr Subscription
WorkspaceDomainObject : DomainObject a
    Workspace refc Workspace
Artifact : WorkspaceDomainObject aqudh
    CreatedBy refr User
    Description text
    Discussion inverse ConversationPost.Artifact
    DisplayColor string =#21a2e0
    DragAndDropRank stringr
    Expedite boolean
    FormattedID stringr
    LastUpdateDate dater
    Milestones many Milestone.Artifacts
    Name string!
    Notes text
    Owner ref User
    Project ref Project
    Ready boolean
    RevisionHistory refr RevisionHistory
    Tags many Tag._Tagged
    Changesets many Changeset.Artifacts
    Connections inverse PullRequest.Artifact
    _TimeEntries inverseh TimeEntryItem.WorkProduct
SchedulableArtifact : Artifact a
RankableArtifact : Artifact a
Requirement : SchedulableArtifact a
PortfolioItem : Artifact aqudh name=Portfolio Item
"""

WORK_ITEMS = (
    """
HierarchicalRequirement : Requirement cudqRh prefix=US name=Hierarchical Requirement display=User Story
    Recycled booleanr
    Attachments inverse Attachment.Artifact
    AcceptanceCriteria text
    Parent ref HierarchicalRequirement
    PortfolioItem ref PortfolioItem
    Feature refr PortfolioItem/Feature
    HasParent booleanr
    DirectChildrenCount integerr =0
    DefectStatus stringr =NONE
    Children inverse HierarchicalRequirement.Parent
    Defects inverse Defect.Requirement
    Predecessors many HierarchicalRequirement.Successors
    Successors many HierarchicalRequirement.Predecessors
    Risks many Risk.WorkItemsAffected
"""
    + SCHEDULABLE
    + TESTED
    + """
Defect : Artifact cudqRh prefix=DE
    Recycled booleanr
    Attachments inverse Attachment.Artifact
    State state! Submitted|Open|Fixed|Closed
    Severity pick None|Crash/Data Loss|Major Problem|Minor Problem|Cosmetic
    Priority pick None|Resolve Immediately|High Attention|Normal|Low
    Resolution pick None|Architecture|Code Change|Configuration Change|Duplicate|Not a Defect|Software Limitation
    Environment pick None|Development|Test|Staging|Production
    SubmittedBy ref User
    Requirement ref HierarchicalRequirement
    TestCase ref TestCase
    TestCaseResult ref TestCaseResult
    FoundInBuild string
    FixedInBuild string
    VerifiedInBuild string
    TargetBuild string
    TargetDate date
    OpenedDate dater
    ClosedDate dater
    AffectsDoc boolean
    ReleaseNote boolean
    SalesforceCaseID string
    SalesforceCaseNumber string
    Duplicates many Defect.Duplicates
    DefectSuites many DefectSuite.Defects
"""
    + SCHEDULABLE
    + TESTED
    + """
Task : Artifact cudqRh prefix=TA
    Recycled booleanr
    Attachments inverse Attachment.Artifact
    State state! Defined|In-Progress|Completed
    WorkProduct ref! Artifact
    TaskIndex integer
    Estimate decimal
    ToDo decimal
    Actuals decimal
    TimeSpent decimalr
    Blocked boolean
    BlockedReason string
    Iteration refr Iteration
    Release refr Release
    _TaskTimeEntries inverseh TimeEntryItem.Task
TestCase : Artifact cudqRh prefix=TC name=Test Case
    Recycled booleanr
    Attachments inverse Attachment.Artifact
    Method state! Manual|Automated
    Type state! Acceptance|Functional|Performance|Regression|Usability|User Interface
    Priority pick None|Useful|Important|Critical
    Risk pick None|Low|Medium|High
    WorkProduct ref Artifact
    TestFolder ref TestFolder
    Objective text
    PreConditions text
    PostConditions text
    ValidationInput text
    ValidationExpectedResult text
    Package string
    LastVerdict stringr
    LastRun dater
    LastBuild stringr
    LastResult refr TestCaseResult
    DefectStatus stringr =NONE
    Steps inverse TestCaseStep.TestCase
    Results inverse TestCaseResult.TestCase
    Defects inverse Defect.TestCase
    TestSets many TestSet.TestCases
TestSet : SchedulableArtifact cudqh prefix=TS name=Test Set
    TestCases many TestCase.TestSets
    TestCaseStatus stringr =NONE
    TestCaseCount integerr =0
    PassingTestCaseCount integerr =0
    _Results inverseh TestCaseResult.TestSet
"""
    + SCHEDULABLE
    + """
DefectSuite : SchedulableArtifact cudqh prefix=DS name=Defect Suite
    Attachments inverse Attachment.Artifact
    ClosedDefectCount integerr =0
    TotalDefectCount integerr =0
    Defects many Defect.DefectSuites
"""
    + SCHEDULABLE
    + """
Risk : SchedulableArtifact cudqh prefix=RI
    Attachments inverse Attachment.Artifact
    Probability pick None|Low|Medium|High
    Impact pick None|Low|Medium|High
    Exposure decimalr
    CalculatedRisk stringr
    Response pick None|Accept|Avoid|Mitigate|Transfer
    Resolution text
    State state! Identified|Analyzed|Closed
    SizeOfLoss decimal
    SubmittedBy ref User
    WorkItemsAffected many HierarchicalRequirement.Risks
"""
)

_PORTFOLIO = (
    """
    Recycled booleanr
    Attachments inverse Attachment.Artifact
    State ref State
    StateChangedDate dater
    PortfolioItemType refr TypeDefinition
    PlannedStartDate date
    PlannedEndDate date
    ActualStartDate dater
    ActualEndDate dater
    PreliminaryEstimate ref PreliminaryEstimate
    RefinedEstimate decimal
    InvestmentCategory pick None|Maintain|Improve|Innovate
    JobSize decimal
    UserBusinessValue decimal
    TimeCriticality decimal
    RROEValue decimal
    WSJFScore decimalr
    ValueScore decimal
    RiskScore decimal
    Archived boolean
    Collaborators manyr User
"""
    + ROLL_UPS
)

PORTFOLIO = (
    "PortfolioItem/Theme : PortfolioItem cudqRh prefix=T name=Theme ordinal=2\n"
    + _PORTFOLIO
    + "    Children inverse PortfolioItem/Initiative.Parent\n"
    + "PortfolioItem/Initiative : PortfolioItem cudqRh prefix=I name=Initiative ordinal=1\n"
    + _PORTFOLIO
    + "    Parent ref PortfolioItem/Theme\n"
    + "    Children inverse PortfolioItem/Feature.Parent\n"
    + "PortfolioItem/Feature : PortfolioItem cudqRh prefix=F name=Feature ordinal=0\n"
    + _PORTFOLIO
    + """
    Parent ref PortfolioItem/Initiative
    Release ref Release
    UserStories inverse HierarchicalRequirement.PortfolioItem
    Predecessors many PortfolioItem/Feature.Successors
    Successors many PortfolioItem/Feature.Predecessors
"""
)

PLANNING = """
TestFolder : WorkspaceDomainObject cudq prefix=TF name=Test Folder
    FormattedID stringr
    Name string!
    Description text
    Project ref Project
    Parent ref TestFolder
    Children inverse TestFolder.Parent
    TestCases inverse TestCase.TestFolder
TestCaseResult : WorkspaceDomainObject cudq name=Test Case Result
    TestCase ref! TestCase
    Verdict pick! Pass|Fail|Blocked|Error|Inconclusive|Not Applicable
    Date date!
    Build string!
    Tester ref User
    TestSet ref TestSet
    Duration decimal
    Notes text
    WorkProduct refr Artifact
    Attachments inverse Attachment.TestCaseResult
TestCaseStep : WorkspaceDomainObject cudq name=Test Case Step
    TestCase ref!c TestCase
    StepIndex integer! =0
    Input text!
    ExpectedResult text
Iteration : WorkspaceDomainObject cudqh
    Name string!
    StartDate date!
    EndDate date!
    State state! Planning|Committed|Accepted
    Project refc Project
    Theme text
    Notes text
    PlannedVelocity decimal
    PlanEstimate decimalr
    TaskEstimateTotal decimalr =0.0
    TaskRemainingTotal decimalr =0.0
    TaskActualTotal decimalr =0.0
    LastUpdateDate dater
    RevisionHistory refr RevisionHistory
    WorkProducts inverse HierarchicalRequirement|Defect|DefectSuite|TestSet.Iteration
    UserIterationCapacities inverse UserIterationCapacity.Iteration
Release : WorkspaceDomainObject cudqh
    Name string!
    ReleaseStartDate date!
    ReleaseDate date!
    State state! Planning|Active|Accepted
    Project refc Project
    Theme text
    Notes text
    Version string
    PlannedVelocity decimal
    PlanEstimate decimalr
    LastUpdateDate dater
    RevisionHistory refr RevisionHistory
    _WorkProducts inverseh HierarchicalRequirement|Defect|DefectSuite|TestSet|PortfolioItem/Feature.Release
Milestone : WorkspaceDomainObject cudqh prefix=MI
    FormattedID stringr
    Name string!
    Description text
    Notes text
    TargetDate date
    TargetProject ref Project
    DisplayColor string =#21a2e0
    WorkspaceScoped booleanr
    TotalArtifactCount integerr =0
    TotalProjectCount integerr =0
    LastUpdateDate dater
    RevisionHistory refr RevisionHistory
    Artifacts many Artifact.Milestones
    Projects many Project._Milestones
Tag : WorkspaceDomainObject cudq
    Name string!
    Archived boolean
    UsageCount integerr =0
    _Tagged many.h Artifact.Tags
Project : WorkspaceDomainObject cuqh
    Name string!
    State state! Open|Closed
    Parent ref Project
    Owner ref User
    Description text
    Notes text
    SchemaVersion stringr
    TaskStateRollupEnabled boolean
    LastUpdatedDate dater
    Children inverse Project.Parent
    Iterations inverse Iteration.Project
    Releases inverse Release.Project
    Editors many User._EditorOf
    Viewers many User._ViewerOf
    TeamMembers many User.TeamMemberships
    BuildDefinitions inverse BuildDefinition.Project
    _Milestones many.h Milestone.Projects
    _Repositories many.h SCMRepository.Projects
"""

SETTINGS = """
Subscription : PersistableObject u
    Name string!
    VersionId stringr
    SubscriptionID integerr =100
    SubscriptionType stringr =Enterprise
    Workspaces inverse Workspace.Subscription
Workspace : DomainObject cuq
    Name string!
    State state! Open|Closed
    Style stringr =Standard
    Owner ref User
    Description text
    Notes text
    SchemaVersion stringr
    WorkspaceConfiguration refr WorkspaceConfiguration
    Projects inverse Project.Workspace
    TypeDefinitions inverse TypeDefinition.Workspace
    Tags inverse Tag.Workspace
WorkspaceConfiguration : WorkspaceDomainObject uq name=Workspace Configuration
    TimeZone string =America/Denver
    DateFormat string =yyyy-MM-dd
    DateTimeFormat string =yyyy-MM-dd hh:mm:ss a z
    WorkDays string =Monday,Tuesday,Wednesday,Thursday,Friday
    HierarchicalRequirementPrefix string =US
    DefectPrefix string =DE
    TaskPrefix string =TA
    TestCasePrefix string =TC
    DefectSuitePrefix string =DS
    DragDropRankingEnabled boolean
    PurgeRecycleBinAfterNumberOfDays integer =90
User : DomainObject cuq
    UserName string!
    EmailAddress string!
    DisplayName string
    FirstName string
    MiddleName string
    LastName string
    ShortDisplayName string
    OnpremLdapUsername string
    Disabled boolean
    SubscriptionAdmin booleanr
    Role string
    LastLoginDate dater
    LastPasswordUpdateDate dater
    UserProfile refr UserProfile
    TeamMemberships many Project.TeamMembers
    UserPermissions inverse UserPermission.User
    _EditorOf many.h Project.Editors
    _ViewerOf many.h Project.Viewers
UserProfile : DomainObject uq name=User Profile
    DefaultWorkspace ref Workspace
    DefaultProject ref Project
    TimeZone string
    DateFormat string
    DateTimeFormat string
    EmailNotificationEnabled boolean
    SessionTimeoutSeconds integer
    SessionTimeoutWarning boolean
UserPermission : DomainObject a name=User Permission
    Name stringr
    Role string!
    User ref! User
WorkspacePermission : UserPermission cudq name=Workspace Permission
    Workspace refc Workspace
ProjectPermission : UserPermission cudq name=Project Permission
    Workspace refc Workspace
    Project ref! Project
FlowState : WorkspaceDomainObject cudq name=Flow State
    Name string!
    OrderIndex integer =0
    ScheduleStateMapping string!
    Project refc Project
    WIPLimit integer
    AgeThreshold integer
    ExitPolicy text
State : WorkspaceDomainObject cudq
    Name string!
    OrderIndex integer =0
    TypeDef ref TypeDefinition
    Enabled boolean
    AcceptedMarker boolean
    InProgressMarker boolean
    WIPLimit integer
PreliminaryEstimate : WorkspaceDomainObject cudq name=Preliminary Estimate
    Name string!
    Value decimal
    Description text
ScheduleState : WorkspaceDomainObject q name=Schedule State
    Name stringr
    OrderIndex integerr =0
Preference : WorkspaceDomainObject cudq
    Name string!
    Value string
    User ref User
    Project ref Project
    Type string
    AppId string
"""

COLLABORATION = """
Attachment : WorkspaceDomainObject cudq
    Name string!
    Description string
    ContentType string!
    Content ref! AttachmentContent
    Size integerr =0
    User ref User
    Date dater
    Artifact ref Artifact
    TestCaseResult ref TestCaseResult
AttachmentContent : WorkspaceDomainObject cud name=Attachment Content
    Content raw
ConversationPost : WorkspaceDomainObject cudq name=Conversation Post
    Artifact ref!c Artifact
    Text text!
    User refr User
    PostNumber integerr =0
    LastUpdateDate dater
RevisionHistory : WorkspaceDomainObject - name=Revision History
    Revisions inverse Revision.RevisionHistory
Revision : WorkspaceDomainObject q
    RevisionNumber integerr =0
    Description stringr
    User refr User
    RevisionHistory refr RevisionHistory
Blocker : WorkspaceDomainObject q
    Name stringr
    WorkProduct refr Artifact
    BlockedBy refr User
PullRequest : WorkspaceDomainObject cudq name=Pull Request
    Name string!
    Description text
    ExternalId string
    ExternalFormattedId string
    Url string
    Artifact ref Artifact
RecycleBinEntry : WorkspaceDomainObject dq name=Recycle Bin Entry
    ItemOID integerr
    ID stringr
    Name stringr
    Type refr TypeDefinition
    DeletedBy refr User
    DeletionDate dater
"""

TRACKING = """
TimeEntryItem : WorkspaceDomainObject cdq name=Time Entry Item
    WeekStartDate date!
    Project ref Project
    WorkProduct ref Artifact
    Task ref Task
    User refr User
    ProjectDisplayString stringr
    WorkProductDisplayString stringr
    TaskDisplayString stringr
    Values inverse TimeEntryValue.TimeEntryItem
TimeEntryValue : WorkspaceDomainObject cudq name=Time Entry Value
    TimeEntryItem ref!c TimeEntryItem
    DateVal date!
    Hours decimal =0.0
    LastUpdated dater
UserIterationCapacity : WorkspaceDomainObject cudq name=User Iteration Capacity
    User ref User
    Iteration ref Iteration
    Project ref Project
    Capacity decimal
    Load decimalr
    TaskEstimates decimalr =0.0
BuildDefinition : WorkspaceDomainObject cudq name=Build Definition
    Name string!
    Description text
    Project ref Project
    LastBuild refr Build
    Builds inverse Build.BuildDefinition
Build : WorkspaceDomainObject cudq
    BuildDefinition ref! BuildDefinition
    Number string
    Status pick! SUCCESS|FAILURE|INCOMPLETE|UNKNOWN|NO BUILDS
    Start date
    Duration decimal
    Message text
    Uri string
    Changesets many Changeset.Builds
SCMRepository : WorkspaceDomainObject cudq name=SCM Repository
    Name string!
    SCMType string!
    Description text
    Uri string
    Projects many Project._Repositories
Changeset : WorkspaceDomainObject cudq
    Name stringr
    Revision string!
    CommitTimestamp date!
    Message text
    Uri string
    Author ref User
    SCMRepository ref! SCMRepository
    Artifacts many Artifact.Changesets
    Builds many Build.Changesets
    Changes inverse Change.Changeset
Change : WorkspaceDomainObject cudq
    Changeset ref! Changeset
    PathAndFilename string!
    Action string
    Base string
    Extension string
    Uri string
"""

METADATA = """
TypeDefinition : WorkspaceDomainObject q name=Type Definition
    Name stringr
    DisplayName stringr
    ElementName stringr
    TypePath stringr
    IDPrefix stringr
    Abstract booleanr
    Creatable booleanr
    Copyable booleanr
    Deletable booleanr
    Queryable booleanr
    ReadOnly booleanr
    Restorable booleanr
    UserListable booleanr
    HierarchyConfigurableType booleanr
    AssociatedWorkType stringr
    Note stringr
    Ordinal integerr =-1
    Parent refr TypeDefinition
    RevisionHistory refr RevisionHistory
    Attributes inverse AttributeDefinition.TypeDefinition
AttributeDefinition : WorkspaceDomainObject - name=Attribute Definition
    Name stringr
    ElementName stringr
    AttributeType stringr
    RealAttributeType stringr
    DetailedType stringr
    SchemaType stringr
    Type stringr
    Note stringr
    Constrained booleanr
    Custom booleanr
    Filterable booleanr
    Hidden booleanr
    Hideable booleanr
    Owned booleanr
    ReadOnly booleanr
    Required booleanr
    Sortable booleanr
    SystemRequired booleanr
    VisibleOnlyToAdmins booleanr
    MaxFractionalDigits integerr =-1
    MaxLength integerr =-1
    AllowedValueType refr TypeDefinition
    TypeDefinition refr TypeDefinition
    AllowedValues inverse AllowedAttributeValue.AttributeDefinition
    AllowedQueryOperators inverse AllowedQueryOperator.AttributeDefinition
AllowedAttributeValue : WorkspaceDomainObject - name=Allowed Attribute Value
    StringValue stringr
    LocalizedStringValue stringr
    IntegerValue integerr
    ValueIndex integerr =0
    AttributeDefinition refr AttributeDefinition
AllowedQueryOperator : WorkspaceDomainObject - name=Allowed Query Operator
    OperatorName stringr
    AttributeDefinition refr AttributeDefinition
"""

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
