"""list_webhook_targets(): every address of webhooks, of every tenant."""

from __future__ import annotations

from factory import Connect, Plant


def test_devices_and_accounts_of_all_tenants_are_listed(connect: Connect, plant: Plant) -> None:
    one = plant.device(name="one", webhook_secret_name="hook", account="portfolio")
    other = plant.other_tenant()
    two = plant.device(name="two", user=other, status="disabled")
    rows = (
        connect(role="drip_worker").execute("select * from drip.list_webhook_targets()").fetchall()
    )
    assert [(r["kind"], r["name"], r["webhook_secret_name"], r["status"]) for r in rows] == [
        ("account", "portfolio", None, "online"),
        ("device", "one", "hook", "online"),
        ("device", "two", None, "disabled"),
    ]
    assert [row["id"] for row in rows if row["kind"] == "device"] == [one, two]
    assert [row["user_id"] for row in rows if row["kind"] == "device"] == [plant.user, other]
