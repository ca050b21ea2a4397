"""Reading records as a script does: by types, keys, fields and references, all of it offline."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import mirror
from mirror.script import Items, Null, Record
from tests.script.conftest import NOBODY, statements


def test_types_are_attributes_of_a_source(m: mirror.Mirror) -> None:
    rally = m["rally"]
    assert "Defect" in rally.types()
    assert {"Defect", "Project"} <= set(dir(rally))
    assert rally.Defect.first() is rally["Defect"].first()
    assert rally["PortfolioItem/Feature"].first().type_name == "PortfolioItem/Feature"
    assert rally["defect"].count() == rally.rally_defect.count() == rally.Defect.count()


def test_a_type_that_is_not_there_is_refused_with_the_nearest(m: mirror.Mirror) -> None:
    with pytest.raises(mirror.UnknownTypeError, match="Defect"):
        m["rally"]["Defcts"]
    with pytest.raises(AttributeError, match="Defect"):
        m["rally"].Defcet
    with pytest.raises(mirror.UnknownSourceError, match="configured: rally"):
        m["rallly"]


def test_the_catalogue_is_there_offline(m: mirror.Mirror) -> None:
    rally = m["rally"]
    assert rally.typedef("Defect").key_field == "FormattedID"
    assert rally.allowed_values("Defect", "State") == ["Submitted", "Open", "Fixed", "Closed"]
    assert rally.states("Defect")
    assert rally.states("Tag") == []
    with pytest.raises(mirror.UsageError, match="Stat"):
        rally.allowed_values("Defect", "Stat")


def test_a_reference_to_a_list_may_be_set_to_the_names_in_the_list(m: mirror.Mirror) -> None:
    names = m["versionone"].allowed_values("Story", "Status")
    assert set(names) == {each.Name for each in m["versionone"].StoryStatus}
    assert names


@pytest.mark.parametrize(("kind", "type_name"), [("rally", "Defect"), ("versionone", "Story"), ("rt", "ticket")])
def test_a_record_is_found_by_its_key_and_is_one_object(m: mirror.Mirror, kind: str, type_name: str) -> None:
    source = m[kind]
    record = source[type_name].first()
    assert record is not None
    assert source.get(record.key) is record
    assert source.get(f"{type_name}/{record.id}") is record
    assert source.asset(record.oid) is record
    assert record in list(source[type_name])


def test_each_tracker_has_its_own_word_for_it(m: mirror.Mirror) -> None:
    defect, ticket = m["rally"].Defect.first(), m["rt"].ticket.first()
    assert m["rally"].by_formatted_id(defect.FormattedID) is defect
    assert m["rt"].ticket(ticket.id) is ticket


def test_what_is_not_there_is_said_with_what_is_near(m: mirror.Mirror) -> None:
    with pytest.raises(mirror.UnknownRecordError, match="near to it"):
        m["rally"].get("DE99999")


def test_values_are_of_pythons_own_types(m: mirror.Mirror) -> None:
    story = next(each for each in m["rally"].HierarchicalRequirement if each.PlanEstimate is not None)
    assert isinstance(story.Name, str)
    assert isinstance(story.CreationDate, datetime)
    assert story.CreationDate.tzinfo is UTC
    assert isinstance(story.PlanEstimate, int | float)
    assert isinstance(story.Blocked, bool)
    assert isinstance(story.ObjectID, int)
    assert story.ObjectID == story.id


def test_fields_have_several_names(m: mirror.Mirror) -> None:
    story = m["rally"].HierarchicalRequirement.first()
    custom = next(each for each in story.layout.type.fields if each.custom and each.name.startswith("c_"))
    value = story[custom.name]
    assert story[custom.name.removeprefix("c_")] == story[custom.display_name] == value
    assert story.formatted_id == story.FormattedID
    assert story["Formatted ID"] == story.FormattedID
    assert "FormattedID" in dir(story)


def test_a_field_that_is_not_there_is_refused_with_the_nearest(m: mirror.Mirror) -> None:
    story = m["rally"].HierarchicalRequirement.first()
    with pytest.raises(AttributeError, match="did you mean Name"):
        story.Nam
    with pytest.raises(KeyError, match="did you mean Name"):
        story["Nam"]
    assert not hasattr(story, "Nam")


def test_references_are_records(m: mirror.Mirror) -> None:
    story = m["rally"].HierarchicalRequirement.first()
    assert isinstance(story.Project, Record)
    assert story.Project.Name == story["Project.Name"]
    assert story.Project is m["rally"].asset(story.Project.oid)


def test_a_missing_reference_is_null_all_the_way(m: mirror.Mirror) -> None:
    story = next(each for each in m["rally"].HierarchicalRequirement if not each.Iteration)
    assert isinstance(story.Iteration, Null)
    assert not story.Iteration.Project.Owner.Name
    assert story.Iteration == None  # noqa: E711 - that it equals None is the point
    assert story["Iteration.Project.Name"] == None  # noqa: E711
    assert f"{story.Iteration.Name:>3}|" == "   |"
    assert list(story.Iteration.Tags) == []


def test_collections_of_either_side_are_there(m: mirror.Mirror) -> None:
    rally = m["rally"]
    task = next(each for each in rally.Task if each.WorkProduct)
    assert task in task.WorkProduct.Tasks
    assert isinstance(task.WorkProduct.Tasks, Items)
    tagged = next(each for each in rally.Defect if each.Tags)
    assert all(each.type_name == "Tag" for each in tagged.Tags)
    assert [each.Name for each in tagged.Tags] == [each.Name for each in tagged.Tags[:]]
    assert len(tagged.Tags) == len(list(tagged.Tags))


def test_versionone_leads_on_through_its_relations(m: mirror.Mirror) -> None:
    story = next(each for each in m["versionone"].Story if each.Super)
    assert story.Super.Scope.Name == story["Super.Scope.Name"]
    assert story in story.Super.Subs


def test_what_refers_beyond_the_mirror_still_has_its_name(m: mirror.Mirror) -> None:
    layouts = m["rally"]._home.layouts
    for story in m["rally"].HierarchicalRequirement:
        for name in ("FlowState", "Owner", "Project", "Release"):
            target = story[name]
            assert not target or target.type_name in layouts or target.Name


def test_what_refers_to_a_record_beyond_the_mirror_is_read_for_all_at_once(m: mirror.Mirror) -> None:
    assert "RevisionHistory" not in m["rally"].types()
    stories = m["rally"].HierarchicalRequirement.all()
    with statements() as asked:
        found = {story: story.RevisionHistory.Revisions for story in stories}
    assert len(asked) < 6
    assert any(found.values())
    for story in stories[:3]:
        assert found[story] == m["rally"].Revision.where(RevisionHistory=story.RevisionHistory).all()
        assert not story.RevisionHistory.Nothings
    m["rally"].Tag.create(Name="new")
    m.queue()  # what is written makes everything be read again
    assert stories[0].RevisionHistory.Revisions == found[stories[0]]


def test_slices_and_firsts(m: mirror.Mirror) -> None:
    stories = m["rally"].HierarchicalRequirement
    everything = stories.all()
    assert len(everything) == len(stories) == stories.count() == len(list(stories))
    assert stories.first() is everything[0] is stories[0]
    assert stories.limit(2).all() == everything[:2]
    assert stories.page(3, 2).all() == everything[2:5]
    assert stories.page(3, 2).page(5, 1).all() == everything[3:5]
    assert stories.page(3, 2).count() == 3
    assert stories.limit(0).first() is None
    assert not stories.limit(0)
    assert stories[2:5].all() == everything[2:5]
    assert stories[3:].limit(2).all() == everything[3:5]
    assert stories.page(3, 2)[1:10].all() == everything[3:5]
    assert stories.page(3, 2)[1:].count() == 2
    assert stories[:0].count() == stories[3:1].count() == 0
    with pytest.raises(IndexError):
        stories[10_000]
    with pytest.raises(mirror.UsageError, match="without a step"):
        stories[::2]
    with pytest.raises(mirror.UsageError, match="start of 0 or more"):
        stories[-3:]


def test_a_number_is_no_key_until_its_type_is_said(m: mirror.Mirror) -> None:
    number = m["rt"].ticket.first().id
    for owner in (m, m["rt"]):
        with pytest.raises(mirror.UnknownRecordError, match=f"ticket/{number}"):
            owner.get(number)


def test_a_mirror_has_its_sources_one_after_the_other(m: mirror.Mirror) -> None:
    assert [each.name for each in m] == [each.name for each in m.sources]
    assert "rally" in repr(m)


def test_rows_of_sql_can_be_looped_over(m: mirror.Mirror) -> None:
    asked = m.sql("SELECT id FROM rally_tag ORDER BY id LIMIT 3")
    assert [one for (one,) in asked] == [one for (one,) in asked.all()]
    assert [(one, other) for one in asked for other in asked][4] == (asked.all()[1], asked.all()[1])


def test_dotted_names_lead_through_whatever_holds_many(m: mirror.Mirror) -> None:
    item = next(each for each in m["versionone"].Story if each.Owners)
    assert item["Owners.Name"] == [each.Name for each in item.Owners]
    assert item["Owners.ID"] == [each.id for each in item.Owners]
    assert item["Owners.Username"] == [each.Username for each in item.Owners]
    assert set(m["versionone"].Story.where(Owners__Name=item.Owners[0].Name)) >= {item}
    story = next(each for each in m["rally"].HierarchicalRequirement if each.Tags)
    assert story["Tags.Name"] == [each.Name for each in story.Tags]


def test_where_says_what_fields_are(m: mirror.Mirror) -> None:
    stories = m["rally"].HierarchicalRequirement
    story = next(each for each in stories if each.Tags)
    story.update(Owner=m["rally"].User.first())
    m.queue()
    assert stories.where(FormattedID=story.FormattedID).all() == [story]
    assert set(stories.where(Owner=story.Owner)) == {each for each in stories if each.Owner is story.Owner}
    assert set(stories.where(Owner__UserName=story.Owner.UserName)) == set(stories.where(Owner=story.Owner))
    assert set(stories.where(Iteration=None)) == {each for each in stories if not each.Iteration}
    assert set(stories.where(Tags=story.Tags[0])) == {each for each in stories if story.Tags[0] in each.Tags}
    assert set(stories.where(Tags=story.Tags[0].Name)) == set(stories.where(Tags=story.Tags[0]))
    task = m["rally"].Task.where(WorkProduct=story).first() or next(each for each in m["rally"].Task)
    assert set(m["rally"].Artifact.where(Tasks=task.FormattedID)) == {task.WorkProduct}
    states = ["Defined", "Accepted"]
    assert set(stories.where(ScheduleState=states)) == {each for each in stories if each.ScheduleState in states}
    assert set(stories.where(CreationDate=story.CreationDate)) >= {story}
    with pytest.raises(mirror.QueryError, match="Nam"):
        stories.where(Nam="x")


def test_where_takes_whatever_people_call_what_is_referred_to(m: mirror.Mirror) -> None:
    rally, plan = m["rally"], m["versionone"]
    story = next(each for each in rally.HierarchicalRequirement if each.Tasks and each.Tags)
    project, tag, owner = story.Project, story.Tags[0], next(each for each in rally.User if each.UserName)
    story.update(Owner=owner)
    m.queue()
    forms = ("{1}:{0}", "{1}/{0}", "/{2}/{0}", "https://x.example/slm/webservice/v2.0/{2}/{0}?fetch=Name")
    for form in forms:
        of_project = rally.HierarchicalRequirement.where(Project=form.format(project.id, "Project", "project"))
        assert set(of_project) == set(rally.HierarchicalRequirement.where(Project=project)) >= {story}
        tagged = rally.HierarchicalRequirement.where(Tags=form.format(tag.id, "Tag", "tag"))
        assert set(tagged) == set(rally.HierarchicalRequirement.where(Tags=tag)) >= {story}
    assert set(rally.Task.where(WorkProduct=story.key)) == set(rally.Task.where(WorkProduct=story.oid)) == set(story.Tasks)
    assert set(rally.HierarchicalRequirement.where(Owner=owner.UserName)) >= {story}
    item = next(each for each in plan.Story if each.Scope)
    assert set(plan.Story.where(Scope=item.Scope.oid)) == set(plan.Story.where(Scope=item.Scope)) >= {item}
    assert plan.Story.where(Scope=f"Story:{item.id}").count() == 0


def test_native_queries_and_orders(m: mirror.Mirror) -> None:
    stories = m["rally"].HierarchicalRequirement
    found = stories.find('(ScheduleState = "Accepted")').order("-FormattedID").all()
    assert found
    assert {each.ScheduleState for each in found} == {"Accepted"}
    assert found == list(reversed(stories.find('(ScheduleState = "Accepted")').sort("FormattedID").all()))
    with pytest.raises(mirror.QueryError):
        stories.find('(ScheduleState = "Accepted"')


def test_what_is_selected_comes_as_rows(m: mirror.Mirror) -> None:
    stories = m["rally"].HierarchicalRequirement.order("FormattedID").select("FormattedID", "Project.Name")
    assert list(stories.rows()) == [(each.FormattedID, each.Project.Name) for each in stories]
    assert next(stories.dicts()) == {"FormattedID": stories[0].FormattedID, "Project.Name": stories[0].Project.Name}


def test_an_abstract_type_means_several(m: mirror.Mirror) -> None:
    rally = m["rally"]
    artifacts = rally.Artifact
    assert {each.type_name for each in artifacts} > {"Defect", "Task"}
    assert artifacts.count() == sum(rally[name].count() for name in {each.type_name for each in artifacts})


def test_records_of_types_without_what_is_ordered_by_come_as_those_without_a_value(m: mirror.Mirror) -> None:
    artifacts = m["rally"].Artifact
    found = artifacts.order("PlanEstimate,-ToDo", "FormattedID").select("FormattedID", "PlanEstimate", "ToDo")
    rows = list(found.rows())
    assert len(rows) == artifacts.count()
    assert found.notes == ()
    estimates, to_do = [each[1] for each in rows], [each[2] for each in rows if each[1] is None]
    assert {bool(each) for each in estimates} == {bool(each) for each in to_do} == {False, True}
    assert estimates == sorted(estimates, key=lambda each: (each is not None, each or 0))
    assert to_do == sorted(to_do, key=lambda each: (each is None, -(each or 0)))
    with pytest.raises(mirror.QueryError) as raised:
        artifacts.order("PlanEstimate", "Nonsense desc")
    assert raised.value.text[raised.value.position :] == "Nonsense desc"


def test_of_several_types_those_without_a_field_have_no_such_records(m: mirror.Mirror) -> None:
    artifacts = m["rally"].Artifact
    found = artifacts.where(ScheduleState="Accepted")
    assert found.all()
    assert "Task" not in {each.type_name for each in found}
    (note,) = found.notes
    assert "Task" in note
    assert note.endswith("none of these is found")
    rows = list(artifacts.select("FormattedID", "ToDo").dicts())
    assert len(rows) == artifacts.count()
    with pytest.raises(mirror.QueryError):
        artifacts.select("Nonsense")


def test_the_values_of_one_field_are_had_without_records(m: mirror.Mirror) -> None:
    stories = m["rally"].HierarchicalRequirement.order("FormattedID")
    assert list(stories.values("Name")) == [each.Name for each in stories]
    assert list(stories.select("Name").values("Owner.Name")) == [row[0] for row in stories.select("Owner.Name").rows()]
    with pytest.raises(mirror.QueryError):
        stories.values("Nmae")


def test_a_field_is_walked_along_to_its_end(m: mirror.Mirror) -> None:
    top = next(each for each in m["rally"].Project if not each.Parent and each.Children)
    with statements() as asked:
        below = list(top.walk("Children"))
    assert below[0] is top
    assert len(set(below)) == len(below)
    assert {each.Parent for each in below[1:]} <= set(below)
    assert len(asked) <= 2 * 4  # a level costs the same, however many projects it has
    assert list(below[-1].walk("Parent"))[-1] is top
    with pytest.raises(mirror.UsageError, match="no records"):
        list(top.walk("Name"))


@pytest.mark.parametrize(
    ("kind", "type_name", "page"),
    [
        ("rally", "HierarchicalRequirement", "/#/detail/userstory/{id}"),
        ("versionone", "Story", "/assetdetail.v1?oid=Story%3A{id}"),
        ("rt", "ticket", "/Ticket/Display.html?id={id}"),
    ],
)
def test_a_record_has_the_address_of_its_page(m: mirror.Mirror, kind: str, type_name: str, page: str) -> None:
    record = m[kind][type_name].first()
    assert record.url == NOBODY + page.format(id=record.id)
    assert m["rally"].Tag.first().url is None
    assert m["rally"].Tag.create(Name="new").url is None


@pytest.mark.parametrize(
    "form", ["/defect/{}", "Defect:{}:17", "https://x.example/slm/webservice/v2.0/defect/{}?fetch=Name"]
)
def test_a_record_is_found_by_the_references_of_trackers(m: mirror.Mirror, form: str) -> None:
    defect, feature = m["rally"].Defect.first(), m["rally"]["PortfolioItem/Feature"].first()
    assert m["rally"].asset(form.format(defect.id)) is defect
    assert m["rally"].asset(f"https://x.example/slm/webservice/v2.0/portfolioitem/feature/{feature.id}") is feature
    with pytest.raises(mirror.UnknownRecordError):
        m["rally"].asset("/defect/x")


def test_states_are_those_of_the_one_type(m: mirror.Mirror) -> None:
    feature = {each.State.Name for each in m["rally"]["PortfolioItem/Feature"] if each.State}
    states = m["rally"].states("PortfolioItem/Feature")
    assert len(states) == len(set(states))
    assert feature <= set(states)
    first = m["rally"]["PortfolioItem/Feature"].first()
    for each in states:
        first.State = each  # though themes have states of the same names
        assert (first.State.Name, first.State.TypeDef.id) == (
            each,
            m["rally"].State.where(TypeDef="Feature").first().TypeDef.id,
        )


def test_states_that_the_tracker_does_not_list_are_those_in_use(m: mirror.Mirror) -> None:
    assert m["rt"].states("ticket") == sorted({each.Status for each in m["rt"].ticket})
    assert m["rt"].states("user") == []


def test_names_of_other_toolkits_are_answered_with_ours(m: mirror.Mirror) -> None:
    stories = m["versionone"].Story
    with pytest.raises(AttributeError, match=r"here that is allowed_values"):
        m["rally"].getAllowedValues
    with pytest.raises(AttributeError, match=r"here that is update_many"):
        stories.set
    with pytest.raises(AttributeError, match=r"of each of them it is values\('Name'\)"):
        stories.Name
    with pytest.raises(AttributeError, match=r"here that is oid"):
        stories.first().idref
    with pytest.raises(AttributeError, match=r"operations: do\('QuickClose'\)"):
        stories.first().QuickClose


def test_what_lists_have_is_answered_with_what_collections_have(m: mirror.Mirror) -> None:
    tags = next(each for each in m["rally"].HierarchicalRequirement if each.Tags).Tags
    for name, ours in (("append", "add"), ("remove", "drop"), ("Name", r"\[each.Name for each in Tags\]"), ("all", "list")):
        with pytest.raises(AttributeError, match=ours):
            getattr(tags, name)
    several = (
        ("get", r"here that is a call, such as Defect\("),
        ("Name", r"values\('Name'\)"),
        ("delete", r"for each in records: each.delete\("),
        ("selekt", "did you mean select"),
        ("objectives", "Records have no 'objectives'$"),
    )
    for name, ours in several:
        with pytest.raises(AttributeError, match=ours):
            getattr(m["rally"].Defect, name)


def test_a_ticket_has_its_history(m: mirror.Mirror) -> None:
    rt = m["rt"]
    for ticket in rt.ticket.limit(5):
        assert list(ticket.Transactions) == rt.transaction.where(Object=ticket).all()
        assert ticket["Transactions.@Count"] == len(ticket.Transactions) > 0
    assert rt.ticket(1) in rt.ticket.where(Transactions__Type="Create").all()
