"""The work: scopes, sprints and all workitems, as text tables in the notation of `definitions.py`.

Source: versionone.md §7.1, §7.2, §7.3 (relations and required attributes), §5.4 (what almost every type has),
§6.2 (operations).
"""

from __future__ import annotations

AUDITED = """
    ID Relation:r @self
    Key Opaque:r
    Moment Opaque:r
    AssetType AssetType:rb
    Now Date:ru
    History Relation:r* @self
    Prior Relation:r @self
    Is AssetType:r*
    Days Numeric:r
    Viewers Relation:r* Member
    CreateDate Date:r
    CreateDateUTC Date:ru
    CreatedBy Relation:r Member
    CreateReason Text:r
    CreateComment Text:r
    ChangeDate Date:r
    ChangeDateUTC Date:ru
    ChangedBy Relation:r Member
    ChangeReason Text:r
    ChangeComment Text:r
    MyLastChangeDate Date:r
    MyLastChangeDateUTC Date:ru
    MyLastChangeMoment Opaque:r
    MyLastChangeReason Text:r
    MyLastChangeComment Text:r
    SecurityScope Relation:r Scope
"""

STATEFUL = """
    RetireDate Date:r
    RetireDateUTC Date:ru
    RetiredBy Relation:r Member
    RetireReason Text:r
    RetireComment Text:r
    AssetState State:rb
    FakeAssetState State:r
    EffectiveAssetState State:r
    SubState State:r
    Inactive Boolean:r
    IsInactive Boolean:r
    IsClosed Boolean:r
    IsDead Boolean:r
    IsDeleted Boolean:r
    IsDeletable Boolean:r
    IsReadOnly Boolean:r
    CanUpdate Boolean:r
"""

CORE = (
    """
BaseAsset : - abstract order=ID display=Name description=Description
    Name Text:!b
    Description LongText:b
    TaggedWith Text:*
    @ops Delete
"""
    + AUDITED
    + STATEFUL
    + """
List : BaseAsset abstract order=Order
    Order Rank:b
    Color Text
    Team Relation Team
    @ops Activate Inactivate
"""
)

PLACES = """
Scope : BaseAsset order=Order
    Parent Relation:!b Scope/Children
    BeginDate Date:!bd
    EndDate Date:bd
    Order Rank
    Reference Text
    Owner Relation:b Member/OwnedScopes
    Schedule Relation:b Schedule/ScheduledScopes
    Status Relation:b ScopeStatus
    Scheme Relation Scheme
    PlanningLevel Relation PlanningLevel
    TestSuite Relation TestSuite
    Members Relation:* Member/Scopes
    Targets Relation:* Goal/TargetedBy
    ScopeLabels Relation:* ScopeLabel/Scopes
    BuildProjects Relation:* BuildProject/Scopes
    @ops Inactivate Reactivate ConvertToTeam AssignMemberWithRole
Timebox : BaseAsset order=BeginDate
    BeginDate Date:!bd
    EndDate Date:!bd
    TargetEstimate Numeric:b
    Schedule Relation:!b Schedule/Timeboxes
    Owner Relation:b Member/OwnedTimeboxes
    State Relation:!b State
    @ops Activate Close MakeFuture Reactivate
Schedule : BaseAsset
    TimeboxLength Duration:b
    TimeboxGap Duration:b
    @ops Inactivate Reactivate
Team : BaseAsset
    Reference Text
    CapacityExcludedMembers Relation:* Member/CapacityExcludedTeams
    @ops Inactivate Reactivate
Member : BaseAsset
    Nickname Text:!b
    Username Text:b
    Email Text:b
    Phone Text:b
    Password Password
    IsLoginDisabled Boolean:b
    NotifyViaEmail Boolean
    SendConversationEmails Boolean
    IsCollaborator Boolean
    IsSelf Boolean:r
    LastVersion Text
    UsesLicense Boolean:r
    DefaultRole Relation:!b Role/DefaultedMembers
    Avatar Relation Image
    Manager Relation Member/Reports
    MemberLabels Relation:* MemberLabel/Members
    @ops Inactivate Reactivate AssignToScopeWithRole
"""

WORKITEMS = """
Workitem : BaseAsset abstract order=Order short=Number
    Number Text:rb
    Scope Relation:!b Scope/Workitems
    Super Relation:b Epic/Subs
    Parent Relation:b Workitem/Children
    Team Relation:b Team/Workitems
    Timebox Relation:b Timebox/Workitems
    Order Rank:b
    Reference Text:b
    DetailEstimate Numeric:b
    ToDo Numeric:b
    ClosedDate Date:r
    ClosedDateUTC Date:ru
    ClosedBy Relation:r Member
    Ideas LongInt:*
    Owners Relation:*b Member/OwnedWorkitems
    Goals Relation:*b Goal/Workitems
    @ops Inactivate Reactivate
PrimaryWorkitem : Workitem abstract
    Parent Relation:b Theme
    Status Relation:b StoryStatus
    Priority Relation:b WorkitemPriority
    Source Relation:b StorySource
    Estimate Numeric:b
    EstimatedDone Numeric
    LastVersion Text
    ClassOfService Relation ClassOfService
    DeliveryCategory Relation DeliveryCategory
    Release Relation Release/PrimaryWorkitems
    SplitFrom Relation:r PrimaryWorkitem/SplitTo
    Dependencies Relation:*b PrimaryWorkitem/Dependants
    Issues Relation:*b Issue/PrimaryWorkitems
    BlockingIssues Relation:*b Issue/BlockedPrimaryWorkitems
    Requests Relation:*b Request/PrimaryWorkitems
    ChangeSets Relation:*b ChangeSet/PrimaryWorkitems
    CompletedInBuildRuns Relation:*b BuildRun/CompletesPrimaryWorkitems
    AffectedByDefects Relation:*b Defect/AffectedPrimaryWorkitems
Story : PrimaryWorkitem number=S-
    Category Relation:b StoryCategory
    Risk Relation:b WorkitemRisk
    Customer Relation:b Member/CustomerStories
    RequestedBy Text:b
    Value Numeric:b
    OriginalEstimate Numeric:b
    Benefits LongText
    IdentifiedIn Relation:b Retrospective/IdentifiedStories
    @ops Copy DeepCopy ShallowCopy QuickClose QuickSignup MakeTemplate Split GenerateSubStory StoryToEpic EpicToStory
Defect : PrimaryWorkitem number=D-
    Type Relation:b DefectType
    Environment Text:b
    FoundBy Text:b
    FoundInBuild Text:b
    FixedInBuild Text:b
    VersionAffected Text:b
    Resolution LongText:b
    ResolutionReason Relation:b DefectResolution
    VerifiedBy Relation:b Member/VerifiedDefects
    DuplicateOf Relation:b Defect/Duplicates
    Versions Relation:*b VersionLabel/Defects
    FoundInBuildRuns Relation:*b BuildRun/FoundDefects
    @ops Copy QuickClose QuickSignup MakeTemplate
TestSet : PrimaryWorkitem number=TS-
    RegressionSuite Relation:!b RegressionSuite/TestSets
    Environment Relation:b Environment/TestSets
    @ops Copy Split CopyAcceptanceTestsFromRegressionSuite
Epic : Workitem number=E-
    Parent Relation:b Theme
    Swag Numeric:b
    Value Numeric:b
    Risk Numeric:b
    PlannedStart Date:bd
    PlannedEnd Date:bd
    RequestedBy Text:b
    Category Relation:b EpicCategory
    Status Relation:b EpicStatus
    Priority Relation:b EpicPriority
    Source Relation:b StorySource
    MorphedFrom Relation:r Story/MorphedInto
    PlannedRelease Relation Release/PlannedEpics
    ValueStream Relation ValueStream/Epics
    BlockingIssues Relation:*b Issue/BlockedEpics
    Issues Relation:* Issue/Epics
    Requests Relation:* Request/Epics
    Dependencies Relation:* Epic/Dependants
    StrategicThemes Relation:* StrategicTheme/Epics
    @ops GenerateSubEpic GenerateSubStory Split
Theme : Workitem number=TH-
    Parent Relation:b Theme
    Estimate Numeric:b
    Value Numeric:b
    LastVersion Text
    Customer Relation:b Member/CustomerThemes
    Category Relation:b ThemeCategory
    Status Relation:b ThemeStatus
    Priority Relation:b WorkitemPriority
    Risk Relation:b WorkitemRisk
    Source Relation:b ThemeSource
Task : Workitem number=TK-
    Parent Relation:!b PrimaryWorkitem
    Scope Relation:rb Scope
    Timebox Relation:rb Timebox
    Team Relation:rb Team
    Super Relation:rb Epic
    Estimate Numeric:b
    LastVersion Text
    Status Relation:b TaskStatus
    Category Relation:b TaskCategory
    Source Relation:b TaskSource
    Customer Relation:b Member/CustomerTasks
    @ops DeepCopy QuickClose QuickSignup
Test : Workitem number=AT-
    Parent Relation:!b PrimaryWorkitem
    Scope Relation:rb Scope
    Timebox Relation:rb Timebox
    Team Relation:rb Team
    Super Relation:rb Epic
    Setup LongText:b
    Steps LongText:b
    Inputs LongText:b
    ExpectedResults LongText:b
    ActualResults LongText:b
    VersionTested Text:b
    Status Relation:b TestStatus
    Category Relation:b TestCategory
    GeneratedFrom Relation:b RegressionTest/GeneratedTests
    @ops DeepCopy QuickClose QuickSignup
"""
