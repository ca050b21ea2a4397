"""VersionOne's query language on its own: what it understands, what it refuses, and where."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mirror.connectors.language import Asked
from mirror.connectors.registry import language
from mirror.connectors.versionone.language import VersionOneLanguage
from mirror.connectors.versionone.language_parameters import from_parameters
from mirror.errors import QueryError
from mirror.model.layout import Layout, arrange, table_name
from mirror.model.part import Part
from mirror.model.schema import Field, Kind, RecordType, Tracking
from mirror.query.expr import (
    EVERYTHING,
    NOTHING,
    OWN_ID,
    Aggregate,
    All,
    AnyOf,
    Compare,
    Function,
    Missing,
    Not,
    Op,
    Order,
    Path,
    Some,
    Step,
)

LANGUAGE = VersionOneLanguage()
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def layout(name: str, *fields: Field, family: str = "BaseAsset", display_name: str = "") -> Layout:
    named = Field("Name", Kind.TEXT, native_type="Text", display_name="Title")
    changed = Field("ChangeDateUTC", Kind.TIMESTAMP, native_type="Date")
    record_type = RecordType(
        name, (named, changed, *fields), Tracking.SWEEP, display_name=display_name, name_field="Name", family=family
    )
    return arrange("acme", "versionone", record_type, table=table_name("versionone", name))


def number(name: str, native_type: str = "Numeric", kind: Kind = Kind.NUMERIC, **more: str) -> Field:
    return Field(name, kind, native_type=native_type, **more)  # type: ignore[arg-type]


def relation(name: str, *targets: str, kind: Kind = Kind.REFERENCE) -> Field:
    polymorphic = kind is Kind.REFERENCE and len(targets) != 1
    return Field(name, kind, native_type="Relation", targets=targets, polymorphic=polymorphic)


WORK = (
    relation("Scope", "Scope"),
    relation("Super", "Epic"),
    relation("Owners", "Member", kind=Kind.LINKS),
    Field("AssetState", Kind.INTEGER, native_type="State"),
    Field("IsClosed", Kind.BOOLEAN, native_type="Boolean"),
)
LAYOUTS = {
    each.type.name: each
    for each in (
        layout(
            "Story",
            *WORK,
            number("Estimate"),
            relation("Status", "StoryStatus"),
            Field("Order", Kind.INTEGER, native_type="Rank"),
            Field("TaggedWith", Kind.VALUES, native_type="Text"),
            number("Custom_Region", "Text", Kind.TEXT, display_name="Sales Region"),
            number("Custom_Area", "Text", Kind.TEXT, display_name="Sales Region"),
            number("Votes", "LongInt", Kind.INTEGER),
            number("Custom_Votes", "LongInt", Kind.INTEGER),
            Field("PromisedDate", Kind.DATE, native_type="Date"),
            display_name="Backlog Item",
        ),
        layout("Epic", *WORK, number("Swag")),
        layout("Task", *WORK, number("ToDo"), relation("Parent"), family=""),
        layout("Scope", relation("Parent", "Scope"), Field("Order", Kind.INTEGER, native_type="Rank")),
        layout("Member", number("Username", "Text", Kind.TEXT)),
        layout("StoryStatus", Field("Order", Kind.INTEGER, native_type="Rank"), family="List"),
    )
}
ASKED = Asked(LAYOUTS, NOW, me=20)


def where(text: str, type_name: str = "Story", asked: Asked = ASKED) -> object:
    return LANGUAGE.query(text, LAYOUTS[type_name], asked).where


def refusal(text: str, type_name: str = "Story") -> QueryError:
    with pytest.raises(QueryError) as caught:
        LANGUAGE.query(text, LAYOUTS[type_name], ASKED)
    return caught.value


# Names of types


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Story", ("Story",)),
        ("story", ("Story",)),
        ("Backlog Item", ("Story",)),
        ("backlog  item", ("Story",)),
        ("Portfolio Item", ("Epic",)),
        ("Project", ("Scope",)),
        ("projects", ("Scope",)),
        ("Workitem", ("Epic", "Story", "Task")),
        ("primaryworkitem", ("Story",)),
        ("BaseAsset", ("Epic", "Member", "Scope", "Story", "StoryStatus", "Task")),
        ("List", ("StoryStatus",)),
        ("Nothing", ()),
    ],
)
def test_a_type_is_meant_by_its_name_in_any_case_or_by_the_word_on_the_screen(name: str, meant: tuple[str, ...]) -> None:
    assert LANGUAGE.types(name, LAYOUTS) == meant


def test_the_registry_knows_the_language() -> None:
    assert isinstance(language("versionone"), VersionOneLanguage)


# Filters


@pytest.mark.parametrize("text", ["", "  ", "where=", "sort=-Name"])
def test_no_filter_is_about_everything(text: str) -> None:
    assert where(text) == EVERYTHING


def test_and_binds_tighter_than_or() -> None:
    name = [Compare(Path("Name"), Op.EQ, each) for each in "abc"]
    assert where("Name='a'|Name='b';Name='c'") == AnyOf((name[0], All((name[1], name[2]))))
    assert where("(Name='a'|Name='b')&Name='c'") == All((AnyOf((name[0], name[1])), name[2]))


def test_unequal_is_the_opposite_of_equal() -> None:
    equal = AnyOf((Compare(Path("Name"), Op.EQ, "a"), Missing(Path("Name"))))
    assert where("Name='a',''") == equal
    assert where("Name!='a',''") == Not(equal)


def test_a_reference_is_compared_by_id_and_its_name_by_what_is_shown() -> None:
    assert where("Scope='Scope:7'") == Compare(Path("Scope", part=Part.ID), Op.EQ, 7)
    assert where("Scope='Epic:7'") == NOTHING
    assert where("Scope.Name='Quay'") == Compare(Path("Scope", part=Part.NAME), Op.EQ, "Quay")
    assert where("Owners.Name='Ann'") == Compare(Path("Owners", part=Part.NAME), Op.EQ, "Ann")


def test_a_reference_to_several_types_says_which() -> None:
    task = where("Parent='Story:7'", "Task")
    assert task == Compare(Path("Parent", part=Part.ID), Op.EQ, 7)  # a story is all that is mirrored of what it may be


def test_what_the_other_side_stores_is_read_backwards() -> None:
    children = Step("Parent", ("Task",), backward=True)
    assert where("+Children") == Some((children,), EVERYTHING)
    assert where("Children.ToDo>'1'") == Compare(Path("ToDo", (children,)), Op.GT, 1)
    subs = where("Subs:Story.@Count>='2'", "Epic")
    reached = Path(OWN_ID, (Step("Super", ("Story",), backward=True),))
    assert subs == All((Compare(Aggregate(Function.COUNT, reached), Op.GE, 2),))


def test_brackets_belong_to_their_step() -> None:
    ann = Compare(Path("Username"), Op.EQ, "ann")
    steps = (Step("Owners", ("Member",), ann),)
    assert where("Owners[Username='ann'].Name='Ann'") == Compare(Path("Name", steps), Op.EQ, "Ann")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("2026-01-02T03:04", "2026-01-02T03:04:00.000Z"),
        ("2026-01-02T03:04:05.6", "2026-01-02T03:04:05.600Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05.123Z"),
        ("01/02/2026 03:04:05", "2026-01-02T03:04:05.000Z"),
        ("01/02/2026", "2026-01-02T00:00:00.000Z"),
    ],
)
def test_instants_are_compared_in_the_form_that_columns_have(text: str, value: str) -> None:
    assert where(f"ChangeDateUTC>'{text}'") == Compare(Path("ChangeDateUTC"), Op.GT, value)


def test_the_twin_of_an_instant_is_meant_in_our_zone() -> None:
    east = Asked(LAYOUTS, NOW, time_zone=timezone(timedelta(hours=5, minutes=30)))
    assert where("ChangeDate<'2026-01-02'", asked=east) == Compare(Path("ChangeDateUTC"), Op.LT, "2026-01-01T18:30:00.000Z")
    assert where("ChangeDateUTC<'2026-01-02'", asked=east) == Compare(
        Path("ChangeDateUTC"), Op.LT, "2026-01-02T00:00:00.000Z"
    )


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Votes>'2.5'", Compare(Path("Votes"), Op.GE, 3)),
        ("Votes<'2.5'", Compare(Path("Votes"), Op.LE, 2)),
        ("Votes='2.5'", NOTHING),
        ("Votes='2.0'", Compare(Path("Votes"), Op.EQ, 2)),
        ("Votes<'1e30'", Not(Missing(Path("Votes")))),
        ("Votes>'1e30'", NOTHING),
        ("AssetState='Closed'", All((Compare(Path("AssetState"), Op.GE, 128), Compare(Path("AssetState"), Op.LE, 191)))),
        ("AssetState='Active'", Compare(Path("AssetState"), Op.EQ, 64)),
        ("AssetState=128", Compare(Path("AssetState"), Op.EQ, 128)),
        ("IsClosed='TRUE'", Compare(Path("IsClosed"), Op.EQ, value=True)),
        ("PromisedDate<='03/04/2026'", Compare(Path("PromisedDate"), Op.LE, "2026-03-04")),
        ("ID='Story:5:9'", Compare(Path(OWN_ID), Op.EQ, 5)),
        ("Key>'5'", Compare(Path(OWN_ID), Op.GT, 5)),
        ("+ID", EVERYTHING),
        ("IsDeleted='true'", NOTHING),
        ("TaggedWith='red'", Compare(Path("TaggedWith"), Op.EQ, "red")),
        ("Super='NULL'", Missing(Path("Super", part=Part.ID))),
    ],
)
def test_a_comparison_is_made_in_terms_of_columns(text: str, made: object) -> None:
    assert where(text) == made


# Names of attributes


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("title='x'", "Name"),
        ("name='x'", "Name"),
        ("{Title}='x'", "Name"),
        ("region='x'", "Custom_Region"),
        ("Region='x'", "Custom_Region"),
        ("custom_region='x'", "Custom_Region"),
    ],
)
def test_names_for_people_are_understood_with_a_note(text: str, field: str) -> None:
    query = LANGUAGE.query(text, LAYOUTS["Story"], ASKED)
    assert query.where == Compare(Path(field), Op.EQ, "x")
    assert query.notes


def test_the_exact_name_needs_no_note_and_wins() -> None:
    assert LANGUAGE.query("Votes='1'", LAYOUTS["Story"], ASKED).notes == ()
    assert where("Votes='1'") == Compare(Path("Votes"), Op.EQ, 1)


def test_an_ambiguous_name_is_refused_with_its_meanings() -> None:
    assert refusal("votes='1'").near == ("Custom_Votes", "Votes")
    assert refusal("{sales region}='x'").near == ("Custom_Area", "Custom_Region")


def test_an_attribute_of_another_type_never_holds_and_says_so() -> None:
    query = LANGUAGE.query("Task.ToDo>'1'|Name='a'", LAYOUTS["Story"], ASKED)
    assert query.where == AnyOf((NOTHING, Compare(Path("Name"), Op.EQ, "a")))
    assert query.notes == ("what is said about Task holds for no other type",)


# Refusals


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("Nmae='x'", "Nmae", "Unknown token: Nmae; did you mean Name?"),
        ("Name='x' AND Estimate='2'", "AND", "Invalid QueryFilter2 token 'AND': expected ; or |, a comma; and is written ;"),
        ("Name='x';Scope.Nope='x'", "Nope", "Unknown token: Nope"),
        ("Name>'x'", ">", "Invalid QueryFilter2 token '>' for Name"),
        ("Estimate='many'", "'many'", "Invalid QueryFilter2 token 'many': expected a number"),
        ("Scope='Nope:1'", "'Nope:1'", "Unknown AssetType: Nope"),
        ("Scope='Stroy:1'", "'Stroy:1'", "Unknown AssetType: Stroy; did you mean Story?"),
        ("Scope='Scope:x'", "'Scope:x'", "Invalid OID token: Scope:x"),
        ("Owners:Stroy.Name='x'", "Stroy", "Unknown AssetType: Stroy"),
        ("ChangeDateUTC>'soon'", "'soon'", "Invalid date: soon"),
        ("AssetState='Awake'", "'Awake'", "Invalid QueryFilter2 token 'Awake'"),
        ("Name='x' | ", "", "Invalid QueryFilter2 token 'end of text': expected an attribute"),
        ("Name='x", "'x", 'Invalid QueryFilter2 token "\'x": the quote is not closed'),
        ("Name ~ 'x'", "~", "Invalid QueryFilter2 token '~': expected one of = != < <= > >="),
        ("Estimate.@Average>'1'", "@Average", "Invalid QueryFilter2 token '@Average'"),
        ("Name.@Sum>'1'", "@Sum", "Invalid aggregate: Name.@Sum"),
        ("Name=$who", "$who", "Unknown variable: $who"),
        ("Moment>'1'", "Moment", "Moment is kept as the revision"),
        ("+Viewers", "Viewers", "Viewers is worked out by the server"),
        ("where=Name='x'&sort=Nope", "Nope", "Invalid SORT parameter: Unknown AttributeDefinition: Story.Nope"),
        ("find=x&findin=Name,Estimate", "Estimate", "Estimate is no text to search in"),
        ("where=Name='x'&page=5,0", "5,0", "page does not belong to the condition"),
        ("where=Name='x'&asof=yesterday", "yesterday", "asof takes one instant"),
        ("Name=='x'", "'", 'Invalid QueryFilter2 token "\'": expected ; or |, a comma; write ='),
        ("Name<>'x'", "'", 'Invalid QueryFilter2 token "\'": expected ; or |, a comma; write !='),
        ("ID='1001'", "'1001'", "Invalid OID token: 1001; an oid token has its type, as Story:1001"),
        ("(" * 60 + "Name='x'" + ")" * 60, "(", "more than 50 parentheses"),
        (f"{'Super.' * 500}Name='x'", f"{'Super.' * 500}Name", "A path has at most 30 names"),
    ],
)
def test_a_refusal_underlines_its_place(text: str, place: str, words: str) -> None:
    error = refusal(text)
    assert error.text == text
    assert text[error.position : error.position + len(place)] == place
    assert error.length == max(1, len(place)) or not place
    assert str(error).startswith(words)


def test_a_type_that_is_not_mirrored_ends_the_path() -> None:
    alone = Asked({"Story": LAYOUTS["Story"]}, NOW)
    assert where("Scope.Name='Quay'", asked=alone) == Compare(Path("Scope", part=Part.NAME), Op.EQ, "Quay")
    with pytest.raises(QueryError, match="Scope is not mirrored, so nothing is known behind Scope"):
        where("Scope.Parent='Scope:0'", asked=alone)


# Orders and terms


def test_an_order_has_keys_and_directions() -> None:
    made = LANGUAGE.order("-ChangeDateUTC, +Estimate,Scope.Name", LAYOUTS["Story"], ASKED)
    assert made == (
        Order(Path("ChangeDateUTC"), descending=True),
        Order(Path("Estimate")),
        Order(Path("Scope", part=Part.NAME)),
    )
    assert LANGUAGE.order("", LAYOUTS["Story"], ASKED) == ()


def test_a_relation_is_ordered_by_the_rank_of_what_it_leads_to() -> None:
    [by_status] = LANGUAGE.order("Status", LAYOUTS["Story"], ASKED)
    assert by_status == Order(Path("Order", (Step("Status", ("StoryStatus",)),)))
    [by_epic] = LANGUAGE.order("Super", LAYOUTS["Story"], ASKED)
    assert by_epic == Order(Path("Super", part=Part.ID))


def test_the_order_may_come_with_the_filter() -> None:
    query = LANGUAGE.query("where=+Super&sort=-Name", LAYOUTS["Story"], ASKED)
    assert query.order == (Order(Path("Name"), descending=True),)
    assert query.where == Not(Missing(Path("Super", part=Part.ID)))


def test_the_instant_may_come_with_the_filter() -> None:
    there = replace(ASKED, time_zone=timezone(timedelta(hours=2)))
    texts = ("where=Name='x'&asof=2026-03-01T17:30:00", "asof=2026-03-01T17:30:00Z")
    asked = [LANGUAGE.query(each, LAYOUTS["Story"], there).as_of for each in texts]
    assert asked == [datetime(2026, 3, 1, hour, 30, tzinfo=UTC) for hour in (15, 17)]


def test_terms_are_paths_or_aggregates() -> None:
    def term(text: str) -> object:
        return LANGUAGE.term(text, LAYOUTS["Story"], ASKED)

    assert term("Super.Scope.Name") == Path("Scope", (Step("Super", ("Epic",)),), Part.NAME)
    assert term("Children") == Path(OWN_ID, (Step("Parent", ("Task",), backward=True),))
    assert term("Owners.@Count") == Aggregate(Function.COUNT, Path("Owners"))
    done = Compare(Path("IsClosed"), Op.EQ, value=True)
    closed = Step("Parent", ("Task",), done, backward=True)
    assert term("Children:Task[IsClosed='true'].ToDo.@Sum") == Aggregate(Function.SUM, Path("ToDo", (closed,)))
    with pytest.raises(QueryError, match=r"Invalid SEL parameter: Unknown AttributeDefinition: Story\.Nope"):
        term("Nope")


# Parameters


def test_parameters_are_read_by_name_in_any_case() -> None:
    given = from_parameters("WHERE=Name='a'&Name!='b'&Sort=-Name&findIn=Name&find=the words")
    assert given.where.text == "Name='a'&Name!='b'"
    assert given.sort.text == "-Name"
    assert (given.find.text, given.find_in.text) == ("the words", "Name")


def test_the_query_of_an_address_is_decoded_and_other_text_is_not() -> None:
    assert from_parameters("?sel=Name&where=Name%3D%27a+b%27%3B%2BSuper").where.text == "Name='a b';+Super"
    assert from_parameters("where=Name='50%25'").where.text == "Name='50%25'"
    assert from_parameters("Name='where=x'").where.text == "Name='where=x'"


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(QueryError, match="where is given twice"):
        from_parameters("where=Name='a'&filter=Name='b'")


def test_words_are_looked_for_in_each_attribute_in_any_case() -> None:
    found = LANGUAGE.query("find=North* jetty&findin=Name,Custom_Region", LAYOUTS["Story"], ASKED).where
    paths = (Path("Name"), Path("Custom_Region"))
    words = [
        AnyOf(tuple(Compare(path, Op.CONTAINS, word, folds_case=True) for path in paths)) for word in ("North", "jetty")
    ]
    assert found == All(tuple(words))
