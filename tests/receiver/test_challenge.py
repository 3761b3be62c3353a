"""Meta's GET: the challenge comes back to whoever knows the token."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from factory import Plant
from receiver_process import TOKEN, Receiver
from worker_process import Wait

Start = Callable[..., Receiver]


def ask(receiver: Receiver, path: str, **values: str) -> tuple[int, bytes]:
    query = urlencode({f"hub.{name}": value for name, value in values.items()})
    answer = receiver.request("GET", f"{path}?{query}")
    assert answer.headers.get("content-type", "").startswith("text/plain")
    return answer.status, answer.body


def test_the_challenge_comes_back(start_receiver: Start, account: str, plant: Plant) -> None:
    device = plant.device(platform="cloud_api", account="portfolio")
    receiver = start_receiver()
    for path in (account, f"/webhooks/device/{device}"):
        assert ask(
            receiver, path, mode="subscribe", challenge="1158<201>444", verify_token=TOKEN
        ) == (200, b"1158<201>444")
    assert TOKEN not in receiver.log
    assert "1158" not in receiver.log


WRONG: list[dict[str, str]] = [
    {"mode": "subscribe", "challenge": "1", "verify_token": "wrong"},
    {"mode": "subscribe", "challenge": "1", "verify_token": ""},
    {"mode": "subscribe", "challenge": "1", "verify_token": "tökén\u0000"},
    {"mode": "subscribe", "challenge": "1"},
    {"mode": "unsubscribe", "challenge": "1", "verify_token": TOKEN},
    {"challenge": "1", "verify_token": TOKEN},
    {"mode": "subscribe", "verify_token": TOKEN},
    {},
]


def test_anything_else_is_forbidden(start_receiver: Start, account: str) -> None:
    receiver = start_receiver()
    for values in WRONG:
        status, body = ask(receiver, account, **values)
        assert status == 403, values
        assert TOKEN.encode() not in body


def test_without_a_token_of_ours_nobody_is_right(
    start_receiver: Start, plant: Plant, wait: Wait
) -> None:
    unnamed = plant.device(platform="cloud_api")
    unset = plant.device(platform="cloud_api", verify_token_secret_name="absent")
    disabled = plant.device(
        platform="cloud_api", verify_token_secret_name="token", status="disabled"
    )
    receiver = start_receiver()
    values = {"mode": "subscribe", "challenge": "1", "verify_token": ""}
    assert ask(receiver, f"/webhooks/device/{unnamed}", **values)[0] == 403
    assert ask(receiver, f"/webhooks/device/{unset}", **values)[0] == 403
    wait(lambda: "PGDRIP_SECRET_ABSENT is not set" in receiver.log)
    assert ask(receiver, f"/webhooks/device/{disabled}", **values)[0] == 404
    assert ask(receiver, "/webhooks/account/99", **values)[0] == 404


def test_a_query_without_end_is_refused(start_receiver: Start, account: str) -> None:
    receiver = start_receiver()
    query = "&".join(f"a{number}=1" for number in range(2000))
    assert receiver.request("GET", f"{account}?{query}").status == 400
    assert ask(receiver, account, mode="subscribe", challenge="1", verify_token=TOKEN)[0] == 200
