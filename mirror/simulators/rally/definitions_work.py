"""The artifacts as text tables, in the notation of `definitions.py`. rally.md §10.1, §10.2, §10.4."""

from __future__ import annotations

SCHEDULABLE = """
    ScheduleState state! Defined|In-Progress|Completed|Accepted
    ScheduleStatePrefix stringr =D
    FlowStateChangedDate dater
    FlowState ref FlowState
    Iteration ref Iteration
    Release ref Release
    PlanEstimate decimal
    Blocked boolean
    BlockedReason string
    Blocker refr Blocker
    Package string
    AcceptedDate dater
    InProgressDate dater
    TaskActualTotal decimalr =0.0
    TaskRemainingTotal decimalr =0.0
    TaskEstimateTotal decimalr =0.0
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
