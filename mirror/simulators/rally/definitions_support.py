"""Everything around the artifacts as text tables, in the notation of `definitions.py`. rally.md §7, §9, §10.2."""

from __future__ import annotations

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
    TaskActualTotal decimalr =0.0
    TaskRemainingTotal decimalr =0.0
    TaskEstimateTotal decimalr =0.0
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
Project : WorkspaceDomainObject cuq
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
Subscription : PersistableObject uq
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
    Project refr Project
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
