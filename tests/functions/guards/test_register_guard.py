"""register_guard(), unregister_guard(), list_guards(): which functions may judge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg import sql
from psycopg.types.json import Jsonb

REGISTER = "select * from drip.register_guard(%s, %s)"
HAS_PAID = """
create function shop.has_paid(p_lead_id bigint, p_enrollment_id bigint) returns boolean
language sql stable
return exists (select from shop.orders o where o.lead_id = p_lead_id and o.paid)
"""


@pytest.fixture
def shop(conn: Connection) -> None:
    """The application's own schema."""
    conn.execute(
        "create schema shop;"
        "grant usage on schema shop to drip_guard;"
        "create table shop.orders (lead_id bigint, paid boolean);"
        "grant select on shop.orders to drip_guard"
    )


@pytest.fixture
def operator(conn: Connection, connect: Connect) -> Iterator[Connection]:
    """An operator who is no superuser and may make functions in schema shop."""
    name = sql.Identifier(f"siti_{conn.info.dbname}")
    conn.execute(sql.SQL("create role {} in role drip_operator").format(name))
    conn.execute("create schema if not exists shop; grant usage on schema shop to drip_guard")
    conn.execute(sql.SQL("grant usage, create on schema shop to {}").format(name))
    session = connect()
    session.execute(sql.SQL("set role {}").format(name))
    yield session
    session.close()
    conn.execute(sql.SQL("drop owned by {} cascade").format(name))
    conn.execute(sql.SQL("drop role {}").format(name))


def refusal(session: Connection, *arguments: Any) -> tuple[str | None, str, str]:
    """Code, sentence and hint of a registration that is refused."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(REGISTER, arguments)
    diag = caught.value.diag
    return caught.value.sqlstate, diag.message_primary or "", diag.message_hint or ""


def function(plant: Plant, signature: str = "shop.has_paid(bigint,bigint)") -> dict[str, Any]:
    return plant.row(
        "select p.proowner::regrole::text as owner, p.prosecdef as definer,"
        " p.proconfig as settings, p.proacl::text as rights"
        " from pg_proc p where p.oid = %s::regprocedure",
        signature,
    )


def test_makes_the_function_drip_guards_own(plant: Plant, shop: None) -> None:
    plant.conn.execute(HAS_PAID)
    plant.conn.execute("grant execute on function shop.has_paid to drip_app")
    assert plant.row(REGISTER, "has_paid", "shop.has_paid") == {
        "name": "has_paid",
        "function_name": "shop.has_paid",
        "outcome": "registered",
    }
    assert function(plant) == {
        "owner": "drip_guard",
        "definer": True,
        "settings": ["search_path=pg_catalog, shop, pg_temp"],
        "rights": "{drip_guard=X/drip_guard}",
    }
    details = plant.value("select details from drip.audit_log where action = 'register_guard'")
    assert details == {"guard": "has_paid", "function": "shop.has_paid"}


def test_a_search_path_of_its_own_stays(plant: Plant, shop: None) -> None:
    plant.conn.execute(HAS_PAID)
    plant.conn.execute("alter function shop.has_paid set search_path = pg_catalog, pg_temp")
    plant.row(REGISTER, "has_paid", "shop.has_paid")
    assert function(plant)["settings"] == ["search_path=pg_catalog, pg_temp"]


def test_the_name_is_the_function_unless_one_is_given(plant: Plant, shop: None) -> None:
    plant.conn.execute(HAS_PAID)
    row = plant.row("select * from drip.register_guard('shop.has_paid')")
    assert (row["name"], row["function_name"]) == ("shop.has_paid", "shop.has_paid")
    row = plant.row(REGISTER, "paid", "shop.has_paid(bigint, bigint)")
    assert (row["name"], row["function_name"]) == ("paid", "shop.has_paid")


def test_a_function_without_a_schema_is_publics(plant: Plant) -> None:
    plant.conn.execute(
        "create function public.is_monday(bigint, bigint) returns boolean"
        " language sql immutable return true"
    )
    row = plant.row("select * from drip.register_guard('is_monday')")
    assert row["function_name"] == "public.is_monday"


def test_odd_names_are_quoted(plant: Plant, shop: None) -> None:
    plant.conn.execute(
        'create function shop."Has Paid; drop"(bigint, bigint) returns boolean'
        " language sql stable return true"
    )
    row = plant.row(REGISTER, "odd", 'shop."Has Paid; drop"')
    assert row["function_name"] == 'shop."Has Paid; drop"'
    plant.device()
    enrollment = plant.enroll(plant.sequence({"only_if": "odd"}))
    assert [row["message_id"] for row in plant.claim()] == [plant.journey(enrollment)[0]["id"]]


def test_again_is_no_error_and_forgets_failures(plant: Plant, shop: None, clock: Clock) -> None:
    plant.conn.execute(HAS_PAID)
    plant.row(REGISTER, "has_paid", "shop.has_paid")
    assert plant.row(REGISTER, "has_paid", "shop.has_paid")["outcome"] == "unchanged"
    plant.conn.execute(
        "update drip.guards set errors = 4, suspended_until = drip.now() + interval '1 hour'"
    )
    assert plant.row(REGISTER, "has_paid", "shop.has_paid")["outcome"] == "updated"
    row = plant.row("select errors, suspended_until from drip.guards")
    assert (row["errors"], row["suspended_until"]) == (0, None)


def test_another_function_under_the_same_name(plant: Plant, shop: None) -> None:
    plant.conn.execute(HAS_PAID)
    plant.row(REGISTER, "has_paid", "shop.has_paid")
    plant.conn.execute(HAS_PAID.replace("has_paid", "has_paid_v2"))
    row = plant.row(REGISTER, "has_paid", "shop.has_paid_v2")
    assert (row["function_name"], row["outcome"]) == ("shop.has_paid_v2", "updated")


@pytest.mark.parametrize("name", [None, "", "  ", "x" * 201])
def test_a_name_is_needed(plant: Plant, name: str | None) -> None:
    assert refusal(plant.conn, name, "shop.has_paid")[0] == "DR001"


@pytest.mark.parametrize("name", ["a.b.c", "shop.", "select 1", "shop.has_paid()"])
def test_what_is_no_name_of_a_function(plant: Plant, shop: None, name: str) -> None:
    code, sentence, hint = refusal(plant.conn, "g", name)
    assert code == "DR001"
    assert "no name of a function" in sentence
    assert "shop.has_paid" in hint


def test_no_such_function_names_the_nearest(plant: Plant, shop: None) -> None:
    code, sentence, hint = refusal(plant.conn, "g", "shop.has_payed")
    assert (code, sentence) == ("DR012", "there is no function shop.has_payed")
    assert "create function shop.has_payed(bigint, bigint) returns boolean" in hint
    plant.conn.execute(HAS_PAID)
    assert refusal(plant.conn, "g", "shop.has_payed")[2] == "The nearest one there is has_paid."


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("f(integer) returns boolean language sql stable return true", "takes (integer)"),
        ("f(bigint) returns boolean language sql stable return true", "takes (bigint)"),
        ("f(bigint, integer) returns boolean language sql stable return true", "(bigint, int"),
        ("f(bigint, bigint) returns text language sql stable return 'x'", "returns text"),
        ("f(bigint, bigint) returns setof boolean language sql stable as 'select true'",
         "returns SETOF boolean"),
        ("f(bigint, bigint) returns boolean language sql return true", "is volatile"),
        ("f(bigint, bigint) returns boolean stable language internal as 'int8eq'",
         "written in internal"),
    ],
)  # fmt: skip
def test_a_function_of_another_shape(plant: Plant, shop: None, definition: str, said: str) -> None:
    plant.conn.execute(f"create function shop.{definition}".encode())
    code, sentence, hint = refusal(plant.conn, "g", "shop.f")
    assert code == "DR004"
    assert said in sentence
    assert hint


def test_an_overload_of_the_right_shape_is_found(plant: Plant, shop: None) -> None:
    plant.conn.execute(
        "create function shop.has_paid(text) returns boolean language sql return true"
    )
    plant.conn.execute(HAS_PAID)
    assert plant.row(REGISTER, "g", "shop.has_paid")["outcome"] == "registered"


@pytest.mark.parametrize(
    "name",
    ["drip.now", "pg_catalog.int8eq", "pgmq.send", "procrastinate.x", "information_schema.x"],
)
def test_functions_of_the_house_are_no_guards(plant: Plant, name: str) -> None:
    code, sentence, _ = refusal(plant.conn, "g", name)
    assert (code, "no function of yours" in sentence) == ("DR004", True)


def test_an_operator_registers_what_is_his(plant: Plant, operator: Connection) -> None:
    operator.execute(
        "create function shop.f(bigint, bigint) returns boolean language sql stable return true"
    )
    row = operator.execute(REGISTER, ["f", "shop.f"]).fetchone()
    assert row is not None
    assert row["outcome"] == "registered"
    assert function(plant, "shop.f(bigint,bigint)")["owner"] == "drip_guard"
    # from now on it is not his to change or to call
    for statement in (
        "create or replace function shop.f(bigint, bigint) returns boolean"
        " language sql stable return false",
        "alter function shop.f(bigint, bigint) owner to current_user",
        "select shop.f(1, 1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            operator.execute(statement.encode())


def test_an_operator_cannot_take_a_foreign_function(plant: Plant, operator: Connection) -> None:
    plant.conn.execute(
        "create function shop.f(bigint, bigint) returns boolean language sql stable return true"
    )
    before = function(plant, "shop.f(bigint,bigint)")
    code, sentence, hint = refusal(operator, "f", "shop.f")
    assert code == "DR005"
    assert "belongs to" in sentence
    assert "Only its owner" in hint
    assert function(plant, "shop.f(bigint,bigint)") == before


def test_what_is_drip_guards_already_may_be_registered(plant: Plant, operator: Connection) -> None:
    plant.conn.execute(
        "create function shop.f(bigint, bigint) returns boolean language sql stable return true;"
        "alter function shop.f(bigint, bigint) owner to drip_guard"
    )
    operator.execute(REGISTER, ["f", "shop.f"])
    assert function(plant, "shop.f(bigint,bigint)")["definer"]


@pytest.mark.parametrize("role", ["drip_app", "drip_worker", "drip_reader"])
def test_others_may_not(connect: Connect, role: str) -> None:
    for statement in (
        "select * from drip.register_guard('x')",
        "select * from drip.unregister_guard('x')",
        "select * from drip.list_guards()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect(role=role).execute(statement.encode())


def test_a_schema_that_drip_guard_may_not_use(plant: Plant, shop: None) -> None:
    plant.conn.execute(HAS_PAID)
    plant.conn.execute("revoke usage on schema shop from drip_guard")
    code, _, hint = refusal(plant.conn, "g", "shop.has_paid")
    assert (code, hint) == ("DR005", "grant usage on schema shop to drip_guard;")
    assert function(plant)["owner"] != "drip_guard"


def test_a_missing_right_shows_at_once(plant: Plant, shop: None) -> None:
    plant.conn.execute(HAS_PAID)
    plant.conn.execute("revoke select on shop.orders from drip_guard")
    code, sentence, hint = refusal(plant.conn, "g", "shop.has_paid")
    assert code == "DR004"
    assert "permission denied for table orders" in sentence
    assert "grant select on" in hint
    assert plant.rows("select from drip.guards") == []


def test_a_name_that_is_not_found_shows_at_once(plant: Plant, shop: None) -> None:
    plant.conn.execute("create table public.prices (a integer)")
    plant.guard("f", "return exists (select from prices);", register=False)
    code, sentence, hint = refusal(plant.conn, "g", "shop.f")
    assert code == "DR004"
    assert 'relation "prices" does not exist' in sentence
    assert "search_path" in hint


def test_a_guard_that_writes_shows_at_once(plant: Plant, shop: None) -> None:
    plant.conn.execute(
        "create function shop.note() returns boolean language sql volatile security definer"
        " as 'insert into shop.orders values (1, true) returning true';"
        "grant execute on function shop.note to drip_guard"
    )
    plant.guard("f", "return shop.note();", register=False)
    code, sentence, hint = refusal(plant.conn, "g", "shop.f")
    assert (code, hint) == ("DR004", "A guard only reads.")
    assert "read-only" in sentence
    assert plant.rows("select from shop.orders") == []


def test_a_deployer_that_is_no_superuser_says_what_to_run(
    plant: Plant, operator: Connection
) -> None:
    """The hint's SQL is run as it stands; afterwards the registration goes through."""
    owner = sql.Identifier(f"owner_{plant.conn.info.dbname}")
    for statement in (
        "create role {}",
        "grant drip_operator, drip_view, drip_guard to {}",
        "grant select, insert, update on drip.guards to {}",
        "grant usage, create on schema drip to {}",
        "grant insert on drip.audit_log, drip.bound_tenants to {}",
        "alter function drip.register_guard owner to {}",
        "grant execute on all functions in schema drip to {}",
        "alter table drip.guards owner to {}",
        "alter table drip.audit_log owner to {}",
    ):
        plant.conn.execute(sql.SQL(statement).format(owner))
    try:
        operator.execute(
            "create function shop.f(bigint, bigint) returns boolean language sql stable return true"
        )
        code, sentence, hint = refusal(operator, "f", "shop.f")
        assert code == "DR005"
        assert "may not give shop.f(bigint, bigint) to drip_guard" in sentence
        commands = hint.split(": ", 1)[1].removesuffix("; then register it again.")
        plant.conn.execute(commands.encode())
        row = operator.execute(REGISTER, ["f", "shop.f"]).fetchone()
        assert row is not None
        assert row["outcome"] == "registered"
        assert function(plant, "shop.f(bigint,bigint)")["definer"]
    finally:
        plant.conn.execute("alter function drip.register_guard owner to current_user")
        plant.conn.execute("alter table drip.guards owner to current_user")
        plant.conn.execute("alter table drip.audit_log owner to current_user")
        plant.conn.execute(sql.SQL("drop owned by {}").format(owner))
        plant.conn.execute(sql.SQL("drop role {}").format(owner))


def test_the_example_of_the_guards_page(clock: Clock, plant: Plant, operator: Connection) -> None:
    """It runs as it stands, by an operator; the contact who has paid leaves the journey."""
    page = (Path(__file__).parents[3] / "docs" / "howto" / "guards.md").read_text()
    example, upkeep = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    plant.device()
    plant.sequence(name="WARM", auto_enroll="manual")
    clock.join(operator)
    operator.execute("create table shop.orders (customer_id text, phone text, paid boolean)")
    plant.conn.execute(
        sql.SQL("grant usage on schema shop to {} with grant option").format(
            sql.Identifier(f"siti_{plant.conn.info.dbname}")
        )
    )
    operator.execute(example.encode())
    operator.execute("insert into shop.orders values ('c-1', null, true), ('c-2', null, false)")
    sequence = plant.value("select id from drip.sequences where name = 'WARM'")
    paid = plant.enroll(sequence, plant.lead(external_id="c-1"))
    open_order = plant.enroll(sequence, plant.lead(external_id="c-2"))
    assert [row["message_id"] for row in plant.claim()] == [plant.journey(open_order)[0]["id"]]
    assert plant.enrollment(paid)["exit_reason"] == "exit_if"
    plant.row("select * from drip.update_sequence('WARM', '{\"exit_if\": null}')")
    operator.execute(upkeep.encode())
    assert plant.rows("select * from drip.list_guards()") == []


# -- unregister_guard and list_guards ---------------------------------------------------------


def test_a_guard_that_is_in_use_stays(plant: Plant, shop: None) -> None:
    plant.guard("yes", "return true;")
    plant.sequence({"only_if": "yes"}, name="WARM", start=False)
    with pytest.raises(psycopg.Error) as caught:
        plant.conn.execute("select * from drip.unregister_guard('yes', 'gone')")
    assert caught.value.sqlstate == "DR005"
    assert "'WARM'" in (caught.value.diag.message_primary or "")
    plant.row("select * from drip.update_sequence('WARM', '{\"exit_if\": \"yes\"}')")
    plant.conn.execute("update drip.sequence_steps set only_if = null")
    with pytest.raises(psycopg.Error, match="is named by"):
        plant.conn.execute("select * from drip.unregister_guard('yes', 'gone')")


def test_an_archived_sequence_does_not_keep_it(plant: Plant, shop: None) -> None:
    plant.guard("yes", "return true;")
    sequence = plant.sequence({"only_if": "yes"}, exit_if="yes")
    plant.row("select * from drip.archive_sequence(%s)", str(sequence))
    row = plant.row("select * from drip.unregister_guard(' yes ', 'no more orders')")
    assert row == {"name": "yes", "outcome": "unregistered"}
    assert plant.rows("select * from drip.list_guards()") == []
    reason = plant.value("select reason from drip.audit_log where action = 'unregister_guard'")
    assert reason == "no more orders"


def test_an_unknown_guard_names_the_nearest(plant: Plant) -> None:
    plant.guard("has_paid", "return true;")
    with pytest.raises(psycopg.Error) as caught:
        plant.conn.execute("select * from drip.unregister_guard('has_payed')")
    assert caught.value.sqlstate == "DR012"
    assert "'has_paid'" in (caught.value.diag.message_hint or "")


def test_the_list_says_what_is_wrong(clock: Clock, plant: Plant) -> None:
    plant.guard("good", "return true;")
    plant.guard("gone", "return true;")
    plant.guard("failing", "return 1 / (p_lead_id - p_lead_id) = 1;")
    plant.conn.execute("drop function shop.gone")
    plant.device()
    plant.enroll(plant.sequence({"only_if": "failing"}, name="WARM"))
    plant.claim()
    rows = {row["name"]: row for row in plant.rows("select * from drip.list_guards()")}
    assert {name: row["state"] for name, row in rows.items()} == {
        "good": "ready",
        "gone": "broken",
        "failing": "failing",
    }
    assert rows["gone"]["problem"] == "there is no function shop.gone any more"
    assert rows["failing"]["used_by"] == ["WARM"]
    assert rows["failing"]["last_error"] == "division by zero"


# -- definitions ------------------------------------------------------------------------------


def test_a_definition_names_a_guard_and_gives_it_back(plant: Plant) -> None:
    plant.guard("paid", "return true;")
    plant.sequence({"only_if": "paid"}, name="WARM", exit_if="paid", start=False)
    definition = plant.value("select drip.get_sequence('WARM')")
    assert definition["exit_if"] == "paid"
    assert definition["steps"][0]["only_if"] == "paid"


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        ({"exit_if": "payed"}, "exit_if"),
        ({"steps": [{"content": "Hi", "only_if": "payed"}]}, "steps[1].only_if"),
    ],
)
def test_a_definition_with_an_unknown_guard(
    plant: Plant, definition: dict[str, Any], path: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        plant.sequence(**({"name": "WARM"} | definition))
    assert caught.value.sqlstate == "DR012"
    assert caught.value.diag.message_primary == f"{path}: there is no guard 'payed'"
    assert "register_guard" in (caught.value.diag.message_hint or "")
    plant.guard("paid", "return true;")
    with pytest.raises(psycopg.Error) as caught:
        plant.sequence(**({"name": "WARM"} | definition))
    assert caught.value.diag.message_hint == "The nearest one is 'paid'."


NAMES = "select * from drip.create_sequence(%s)"


def naming(plant: Plant, user: int, guard: str) -> tuple[str | None, str]:
    """Code and hint of a sequence of this tenant's that names the guard; code null: it may."""
    with plant.acting_for(user):
        try:
            plant.row(NAMES, Jsonb({"name": f"For {user} {guard}", "exit_if": guard}))
        except psycopg.Error as exc:
            return exc.sqlstate, exc.diag.message_hint or ""
    return None, ""


def test_of_one_tenant_no_other_is_told(plant: Plant, shop: None) -> None:
    plant.conn.execute(HAS_PAID)
    other = plant.other_tenant()
    query = "select * from drip.register_guard('has_paid', 'shop.has_paid', p_user => %s)"
    assert plant.row(query, "default")["outcome"] == "registered"
    assert naming(plant, plant.user, "has_paid")[0] is None
    code, hint = naming(plant, other, "has_paid")
    assert code == "DR012"
    assert "has_paid" not in hint
    [listed] = plant.rows("select * from drip.list_guards()")
    assert (listed["user_id"], listed["user_name"]) == (plant.user, "default")
    with plant.acting_for(other):
        assert plant.rows("select * from drip.list_guards()") == []

    # registered again without a tenant, it stays that one's; an empty one makes it everybody's
    again = "select * from drip.register_guard('has_paid')"
    assert plant.row(again)["outcome"] == "unchanged"
    assert plant.row(query, "")["outcome"] == "updated"
    assert naming(plant, other, "has_paid")[0] is None
    with pytest.raises(psycopg.Error) as caught:
        plant.row(query, "default")
    assert caught.value.sqlstate == "DR005"
    assert "'other'" in (caught.value.diag.message_primary or "")


def test_one_of_another_tenant_is_not_asked(plant: Plant, clock: Clock) -> None:
    """Where an operator's own update let a sequence name it."""
    other = plant.other_tenant()
    plant.guard("theirs", "return true;")
    plant.device(user=plant.user)
    with plant.acting_for(plant.user):
        [message] = plant.journey(plant.enroll(plant.sequence({"only_if": "theirs"})))
    plant.conn.execute("update drip.guards set user_id = %s", [other])
    assert plant.claim() == []
    assert plant.message_row(message["id"])["deferred_reason"] == "guard_error"
