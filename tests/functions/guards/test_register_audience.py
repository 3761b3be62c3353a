"""register_audience(), unregister_audience(), list_audiences(): whom a campaign may name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant, Row
from psycopg import sql
from psycopg.types.json import Jsonb
from refusals import refusal

REGISTER = "select * from drip.register_audience(%s, %s)"


@pytest.fixture(autouse=True)
def shop(conn: Connection) -> None:
    """The application's own schema."""
    conn.execute(
        "create schema shop; grant usage on schema shop to drip_guard;"
        "create table shop.customers (no int, mobile text, lead bigint, vip boolean default true)"
    )


@pytest.fixture
def operator(conn: Connection, connect: Connect) -> Iterator[Connection]:
    """An operator who is no superuser and may make views in schema shop."""
    name = sql.Identifier(f"aminah_{conn.info.dbname}")
    conn.execute(sql.SQL("create role {} in role drip_operator").format(name))
    conn.execute(sql.SQL("grant usage, create on schema shop to {}").format(name))
    session = connect()
    session.execute(sql.SQL("set role {}").format(name))
    yield session
    session.close()
    conn.execute(sql.SQL("drop owned by {} cascade").format(name))
    conn.execute(sql.SQL("drop role {}").format(name))


def view(plant: Plant, name: str, query: str, kind: str = "view") -> str:
    """A view in schema shop; returns its name."""
    plant.conn.execute(f"create {kind} shop.{name} as {query}".encode())
    return f"shop.{name}"


def registered(
    plant: Plant, name: str, query: str, max_rows: int = 100, user: str | None = None
) -> Row:
    return plant.row(
        "select * from drip.register_audience(%s, %s, p_user => %s)",
        view(plant, name, query),
        max_rows,
        user,
    )


def campaign(plant: Plant, title: str = "Raya", **definition: Any) -> int:
    definition = {"title": title, "message": "m"} | definition
    if "audience" not in definition:
        definition["everyone"] = True
    plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
    return int(plant.row("select * from drip.schedule_campaign(%s)", title)["campaign_id"])


def expand(plant: Plant) -> None:
    while rows := plant.rows("select * from drip.expand_campaigns(100)"):
        if not rows[0]["remaining"]:
            return


def reached(plant: Plant, campaign: int) -> list[int]:
    return [
        row["lead_id"]
        for row in plant.rows(
            "select lead_id from drip.broadcast_messages"
            " where campaign_id = %s and status = 'pending' order by 1",
            campaign,
        )
    ]


def test_tells_what_it_found(clock: Clock, plant: Plant) -> None:
    plant.conn.execute("insert into shop.customers values (1, '+60123456781'), (2, null)")
    view(plant, "vips", "select mobile as phone from shop.customers")
    row = plant.row(
        "select * from drip.register_audience('shop.vips', 500, '3 seconds',"
        " p_description => ' Who buys most ')"
    )
    assert timedelta() <= row.pop("took") < timedelta(seconds=3)
    assert row == {
        "name": "shop.vips",
        "view_name": "shop.vips",
        "key_column": "phone",
        "max_rows": 500,
        "time_limit": timedelta(seconds=3),
        "user_name": None,
        "rows": 1,
        "outcome": "registered",
    }
    [listed] = plant.rows("select * from drip.list_audiences()")
    assert listed["description"] == "Who buys most"
    assert (listed["problem"], listed["used_by"]) == (None, [])
    assert listed["created_at"] == clock.now
    assert plant.value("select details from drip.audit_log where action = 'register_audience'")[
        "max_rows"
    ] == 500  # fmt: skip

    again = "select * from drip.register_audience('shop.vips', %s, '3 seconds')"
    assert plant.row(again, 500)["outcome"] == "unchanged"
    row = plant.row(again, 501)
    assert (row["outcome"], row["max_rows"]) == ("updated", 501)
    [listed] = plant.rows("select * from drip.list_audiences()")
    assert (listed["max_rows"], listed["description"]) == (501, "Who buys most")


def test_its_name_alone_will_do(plant: Plant) -> None:
    plant.conn.execute("create table public.regulars (lead_id bigint)")
    row = plant.row("select * from drip.register_audience('regulars')")
    assert (row["outcome"], row["max_rows"]) == ("registered", 1_000_000)
    assert row["time_limit"] == timedelta(seconds=20)


def test_a_name_of_its_own_and_publics_views(plant: Plant) -> None:
    plant.conn.execute('create table public."Old Friends" (phone text)')
    row = plant.row(REGISTER, '"Old Friends"', 5)
    assert (row["name"], row["view_name"]) == ("Old Friends", 'public."Old Friends"')
    row = plant.row("select * from drip.register_audience('\"Old Friends\"', 5, p_name => 'pals')")
    assert (row["name"], row["outcome"]) == ("pals", "registered")


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("select 1::bigint as lead_id", "lead_id"),
        ("select 1::int as lead_id", "lead_id"),
        ("select 7 as external_id", "external_id"),
        ("select gen_random_uuid() as external_id", "external_id"),
        ("select 'x'::varchar as phone, 1 as other", "phone"),
    ],
)
@pytest.mark.parametrize("kind", ["view", "materialized view", "table"])
def test_finds_the_key(plant: Plant, query: str, key: str, kind: str) -> None:
    view(plant, "them", query, kind)
    assert plant.row(REGISTER, "shop.them", 5)["key_column"] == key


@pytest.mark.parametrize(
    ("query", "arguments", "code", "words"),
    [
        (None, "'shop.nobody', 5", "DR012", "there is no view shop.nobody"),
        (None, "'a.b.c', 5", "DR001", "not the name of a view"),
        (None, "'', 5", "DR001", "not the name of a view"),
        (None, "null, 5", "DR001", "null is not the name of a view"),
        (None, "'drip.leads', 5", "DR004", "drip.leads is not a view of yours"),
        (None, "'pg_catalog.pg_class', 5", "DR004", "not a view of yours"),
        (None, "'shop.customers', 5", "DR004", "none of the columns"),
        (None, "'shop.numbers', 5", "DR004", "neither a view nor a table"),
        ("select 1 as lead_id, '' as phone", "'shop.v', 5", "DR004", "lead_id or phone"),
        ("select 1 as lead_id", "'shop.v', 5, p_key => 'phone'", "DR004", "no column 'phone'"),
        ("select 1 as other", "'shop.v', 5, p_key => 'other'", "DR004", "no column 'other'"),
        ("select '1'::text as lead_id", "'shop.v', 5", "DR004", "lead_id of shop.v is a text"),
        ("select 60123456789 as phone", "'shop.v', 5", "DR004", "phone of shop.v is a bigint"),
        ("select now() as external_id", "'shop.v', 5", "DR004", "is a timestamp"),
        ("select 1 as lead_id", "'shop.v', null", "DR001", "p_max_rows"),
        ("select 1 as lead_id", "'shop.v', 0", "DR001", "p_max_rows"),
        ("select 1 as lead_id", "'shop.v', 10000001", "DR001", "p_max_rows"),
        ("select 1 as lead_id", "'shop.v', 5, null", "DR001", "p_time_limit"),
        ("select 1 as lead_id", "'shop.v', 5, '0'", "DR001", "p_time_limit"),
        ("select 1 as lead_id", "'shop.v', 5, '11 minutes'", "DR001", "p_time_limit"),
        ("select 1 as lead_id", "'shop.v', 5, p_name => '17'", "DR001", "all digits"),
        ("select 1 as lead_id", "'shop.v', 5, p_name => repeat('x', 201)", "DR001", "longer"),
        ("select 1 as lead_id", "'shop.v', 5, p_user => 'nobody'", "DR012", "no tenant"),
        ("select g as lead_id from generate_series(1, 6) g", "'shop.v', 5", "DR018", "limit of 5"),
        ("select 1 / (n - n) as lead_id from generate_series(1, 2) n", "'shop.v', 5", "DR018",
         "division by zero"),
    ],
)  # fmt: skip
def test_refuses_rubbish(
    plant: Plant, query: str | None, arguments: str, code: str, words: str
) -> None:
    plant.conn.execute("create sequence shop.numbers")
    if query:
        view(plant, "v", query)
    found, sentence, _ = refusal(plant.conn, f"select * from drip.register_audience({arguments})")
    assert (found, words in sentence) == (code, True), sentence
    assert plant.rows("select * from drip.list_audiences()") == []


def test_too_slow_when_tried(plant: Plant) -> None:
    view(plant, "slow", "select pg_sleep(0.2)::text as phone")
    code, sentence, _ = refusal(
        plant.conn, "select * from drip.register_audience('shop.slow', 5, '0.1 seconds')"
    )
    assert (code, "took longer than its limit of 00:00:00.1" in sentence) == ("DR018", True)


def test_an_operators_own_view_and_anothers(plant: Plant, operator: Connection) -> None:
    """Nobody gets to know through a campaign what he may not read himself."""
    operator.execute("create view shop.mine as select 1::bigint as lead_id")
    row = operator.execute(REGISTER, ["shop.mine", 5]).fetchone()
    assert row is not None
    assert row["rows"] == 1
    view(plant, "theirs", "select 1::bigint as lead_id")
    code, sentence, _ = refusal(operator, REGISTER, "shop.theirs", 5)
    assert (code, "may not read shop.theirs" in sentence) == ("DR005", True)
    plant.conn.execute(
        sql.SQL("grant select on shop.theirs to {}").format(
            sql.Identifier(f"aminah_{plant.conn.info.dbname}")
        )
    )
    code, sentence, hint = refusal(operator, REGISTER, "shop.theirs", 5)
    assert (code, sentence) == ("DR005", "drip_guard may not read shop.theirs")
    assert "grant select on shop.theirs to drip_guard" in hint
    plant.conn.execute("grant select on shop.theirs to drip_guard")
    row = operator.execute(REGISTER, ["shop.theirs", 5]).fetchone()
    assert row is not None


def test_only_operators_register(plant: Plant, connect: Connect) -> None:
    session = connect()
    session.execute("set role drip_app")
    for call in (
        "register_audience('x', 5)", "unregister_audience('x')", "list_audiences()",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"select * from drip.{call}".encode())


def test_its_functions_have_the_rights_of_drip_guard(clock: Clock, plant: Plant) -> None:
    """Not those of pgdrip's owner, whose campaign it is."""
    lead = plant.lead()
    plant.conn.execute(
        "create function shop.see(p_lead bigint) returns bigint language plpgsql volatile as $$"
        " begin raise notice '%', current_user; return p_lead; end $$;"
        "grant execute on function shop.see to drip_guard"
    )
    readers: set[str | None] = set()
    plant.conn.add_notice_handler(lambda notice: readers.add(notice.message_primary))
    registered(plant, "seen", f"select shop.see({lead}) as lead_id")
    expected = campaign(plant, audience="shop.seen")
    expand(plant)
    assert reached(plant, expected) == [lead]
    assert readers == {"drip_guard"}


def test_nobody_reaches_anothers_leads(clock: Clock, plant: Plant) -> None:
    """A view of all tenants names to each only its own; p_user keeps it to one."""
    mine = plant.lead("+60123456781")
    other = plant.other_tenant()
    theirs = plant.lead("+60123456781", user=other)
    registered(plant, "them", f"select unnest(array[{mine}, {theirs}]) as lead_id")
    registered(
        plant, "by_phone", "select '+60123456781'::text as phone", user=str(plant.user),
        max_rows=3,
    )  # fmt: skip
    with plant.acting_for(plant.user):
        ours = [campaign(plant, name, audience=name) for name in ("shop.them", "shop.by_phone")]
    with plant.acting_for(other):
        yours = campaign(plant, "shop.them", audience="shop.them")
        code, sentence, hint = refusal(
            plant.conn, "select * from drip.create_campaign(%s)",
            Jsonb({"title": "X", "message": "m", "audience": "shop.by_phone"}),
        )  # fmt: skip
        assert (code, sentence) == ("DR012", "audience: there is no audience 'shop.by_phone'")
        assert "by_phone" not in hint
    expand(plant)
    assert [reached(plant, c) for c in (*ours, yours)] == [[mine], [mine], [theirs]]


def test_an_external_id_needs_its_tenant(plant: Plant) -> None:
    view(plant, "them", "select 'x1'::text as external_id")
    assert plant.row(REGISTER, "shop.them", 5)["outcome"] == "registered"
    plant.other_tenant()
    code, sentence, _ = refusal(plant.conn, REGISTER, "shop.them", 5)
    assert (code, "only within a tenant" in sentence) == ("DR001", True)
    row = plant.row("select * from drip.register_audience('shop.them', 5, p_user => 'default')")
    assert row["user_name"] == "default"


def test_an_audience_in_use_is_taken_from_nobody(plant: Plant) -> None:
    other = plant.other_tenant()
    registered(plant, "them", "select 1::bigint as lead_id")
    with plant.acting_for(other):
        campaign(plant, audience="shop.them")
    code, sentence, _ = refusal(
        plant.conn, "select * from drip.register_audience('shop.them', 5, p_user => 'default')"
    )
    assert (code, "campaign of 'other'" in sentence) == ("DR005", True)


def test_phones_are_read_as_people_write_them(clock: Clock, plant: Plant) -> None:
    plant.tenant(default_region="MY")
    leads = [plant.lead(f"+6012345678{n}") for n in range(4)]
    registered(
        plant, "them",
        "select unnest(array['012-345 6780', '60123456781', '+60123456782', '+60 12-345 6782',"
        " 'rubbish', null]) as phone",
    )  # fmt: skip
    expected = campaign(plant, audience="shop.them")
    expand(plant)
    assert reached(plant, expected) == leads[:3]


@pytest.mark.lesson(35, story=True)
def test_a_bound_that_is_passed_plans_nobody(clock: Clock, plant: Plant) -> None:
    leads = [plant.lead() for _ in range(3)]
    plant.conn.execute("create table shop.chosen (lead_id bigint)")
    plant.conn.execute("insert into shop.chosen select id from drip.leads limit 2")
    plant.row(REGISTER, "shop.chosen", 2)
    named = campaign(plant, audience="shop.chosen")
    excluding = campaign(plant, "Others", exclude="shop.chosen")
    plant.conn.execute("insert into shop.chosen select id from drip.leads offset 2")
    expand(plant)
    for number in (named, excluding):
        row = plant.row("select * from drip.campaigns where id = %s", number)
        assert row["status"] == "pending"
        assert row["expand_attempts"] == 1
        assert "returns more leads than its limit of 2" in row["last_error"]
        assert plant.rows("select 1 from drip.broadcast_messages") == []
    code, sentence, _ = refusal(plant.conn, "select * from drip.schedule_campaign('Raya')")
    assert (code, "limit of 2" in sentence) == ("DR018", True)

    plant.row(REGISTER, "shop.chosen", 3)
    clock.advance(minutes=5)
    expand(plant)
    assert reached(plant, named) == leads
    assert plant.value("select last_error from drip.campaigns where id = %s", named) is None


def test_a_row_named_twice_counts_once(clock: Clock, plant: Plant) -> None:
    lead = plant.lead()
    registered(plant, "them", f"select {lead} as lead_id from generate_series(1, 9)", max_rows=1)
    expected = campaign(plant, audience="shop.them")
    expand(plant)
    assert reached(plant, expected) == [lead]


def test_slow_ones_fail_alone(clock: Clock, plant: Plant) -> None:
    """Whoever asks: with the connection's time-out at once, without it when it is through."""
    lead = plant.lead()
    plant.conn.execute("create table shop.patience (seconds float); insert into shop.patience"
                       " values (0); grant select on shop.patience to drip_guard")  # fmt: skip
    view(plant, "slow",
         f"select {lead}::bigint as lead_id from shop.patience p, pg_sleep(p.seconds)")  # fmt: skip
    plant.row("select * from drip.register_audience('shop.slow', 5, '0.1 seconds')")
    slow = campaign(plant, "slow", audience="shop.slow")
    clock.advance(seconds=1)
    other = campaign(plant, "other")
    plant.conn.execute("update shop.patience set seconds = 0.3")
    expand(plant)
    row = plant.row("select * from drip.campaigns where id = %s", slow)
    assert (row["status"], row["expand_attempts"]) == ("pending", 1)
    assert "took longer than its limit of 00:00:00.1" in row["last_error"]
    assert reached(plant, other) == [lead]

    plant.conn.execute("update shop.patience set seconds = 60")
    plant.conn.execute("set statement_timeout = '200ms'")
    for attempt in range(2, 6):
        clock.advance(minutes=5)
        plant.rows("select * from drip.expand_campaigns(100)")
        row = plant.row("select * from drip.campaigns where id = %s", slow)
        assert row["expand_attempts"] == attempt
    assert row["status"] == "failed"
    assert "reading the audience took longer than the time-out of 00:00:00.2" in row["last_error"]

    plant.conn.execute("set statement_timeout = 0; update shop.patience set seconds = 0")
    plant.row("select * from drip.schedule_campaign('slow')")
    expand(plant)
    assert reached(plant, slow) == [lead]


def test_what_is_wrong_stands_in_the_list(plant: Plant) -> None:
    for name in ("gone", "renamed", "locked"):
        registered(plant, name, "select 1::bigint as lead_id")
    plant.conn.execute("drop view shop.gone")
    plant.conn.execute("alter view shop.renamed rename lead_id to id")
    plant.conn.execute("revoke select on shop.locked from drip_guard")
    assert {r["name"]: r["problem"] for r in plant.rows("select * from drip.list_audiences()")} == {
        "shop.gone": "the view is gone",
        "shop.renamed": "the view has no column lead_id",
        "shop.locked": "drip_guard may not read it",
    }


def test_a_right_that_was_taken_back_is_told(clock: Clock, plant: Plant) -> None:
    plant.lead()
    registered(plant, "them", "select 1::bigint as lead_id")
    campaign(plant, audience="shop.them")
    plant.conn.execute("revoke select on shop.them from drip_guard")
    expand(plant)
    assert "permission denied" in plant.value("select last_error from drip.campaigns")


def test_unregister(clock: Clock, plant: Plant) -> None:
    lead = plant.lead()
    registered(plant, "them", f"select {lead} as lead_id")
    registered(plant, "free", "select 1 as lead_id")
    campaign(plant, audience="shop.them")
    row = plant.row("select * from drip.unregister_audience('shop.free', 'not used')")
    assert row == {"name": "shop.free", "outcome": "unregistered"}
    assert plant.value(
        "select reason from drip.audit_log where action = 'unregister_audience'"
    ) == "not used"  # fmt: skip
    for status in ("pending", "paused"):
        plant.conn.execute("update drip.campaigns set status = %s", [status])
        code, sentence, _ = refusal(
            plant.conn, "select * from drip.unregister_audience('shop.them')"
        )
        assert code == "DR005"
        assert sentence == "the audience 'shop.them' is named by 'Raya' (tenant 'default')"

    plant.row("select * from drip.cancel_campaign('Raya')")
    plant.row("select * from drip.unregister_audience('shop.them')")
    assert plant.rows("select * from drip.list_audiences()") == []
    for call, words in (
        ("unregister_audience('shop.them')", "there is no audience"),
        ("unregister_audience('')", "no audience is named"),
        ("""create_campaign('{"title": "N", "message": "m", "audience": "shop.them"}')""",
         "there is no audience"),
    ):  # fmt: skip
        assert words in refusal(plant.conn, f"select * from drip.{call}")[1]
    assert plant.value("select drip.get_campaign('Raya') ->> 'audience'") == "shop.them"
    assert plant.row(REGISTER, "shop.them", 100)["outcome"] == "registered"
    assert plant.value("select used_by from drip.list_audiences()") == []


LEFT_ALONE = """
create view shop.left_alone as
select m.lead_id
from drip.message_log m
where m.source_kind = 'campaign' and m.sent_at > drip.now() - interval '7 days'
union
select e.lead_id
from drip.sequence_progress_monitor e
where e.completed_at is null
"""


def test_the_example_of_the_audiences_page(
    clock: Clock, plant: Plant, operator: Connection, connect: Connect
) -> None:
    """Our own views as an exclusion, by an operator who is no superuser; for all tenants alike."""
    plant.device(burst=9)
    lately, walking, free = (plant.lead(f"+6012345678{n}") for n in range(3))
    plant.conn.execute("update drip.leads set niche = 'old' where id = %s", [lately])
    plant.enroll(plant.sequence({}, {}, name="S"), walking)
    plant.row("select * from drip.create_campaign(%s)",
              Jsonb({"title": "Old", "message": "m", "niche": "old"}))  # fmt: skip
    plant.row("select * from drip.schedule_campaign('Old')")
    expand(plant)
    for row in plant.claim():
        plant.answer(row)
    clock.join(operator)
    operator.execute(LEFT_ALONE.encode())
    row = operator.execute(REGISTER, ["shop.left_alone", 1000]).fetchone()
    assert row is not None
    assert row["rows"] == 2
    raya = campaign(plant, "Raya", exclude="shop.left_alone")
    worker = clock.join(connect())
    worker.execute("set role drip_worker")
    worker.execute("select * from drip.expand_campaigns()")
    assert reached(plant, raya) == [free]
    assert plant.value(
        "select array_agg(status_reason order by lead_id) from drip.message_log"
        " where campaign_id = %s and status = 'skipped'",
        raya,
    ) == ["excluded", "excluded"]  # fmt: skip
