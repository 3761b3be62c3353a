"""Stop words in many languages, and what people put around them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from factory import Clock, Plant
from inbound import process, said


@pytest.fixture
def plant(shared_plant: Plant) -> Iterator[Plant]:
    """Each scene is rolled back, so that all of them share one database."""
    with shared_plant.conn.transaction(force_rollback=True):
        yield shared_plant


@pytest.fixture
def clock(shared_clock: Clock) -> Clock:
    return shared_clock


ALL = [
    "STOPALL",
    "opt-out",
    "Opt out.",
    "Stop. Thank you",
    "stop please",
    "Please stop!",
    "pls STOP 🙏",
    "ok stop",
    "Stop, thanks!",
    "stop stop stop",
    "STOP STOP",
    "stop\n\nthank you very much",
    "tolong berhenti",
    "berhenti ya, terima kasih",
    "Dar de baja",
    "parar, por favor",
    "SAIR obrigado",
    "توقف",
    "إيقاف من فضلك",
    "Arrêt svp",
    "arreter merci",
    "ARRÊTEZ S'IL VOUS PLAÎT",
    "बंद करें",
    "कृपया बंद करें।",
    "நிறுத்து",
    "தயவுசெய்து நிறுத்தவும்",
    "退订",
    "退订，谢谢",
    "请 停止",
    "取消订阅。",
    "TD",
    "стоп, пожалуйста",
    "＊ＳＴＯＰ＊".translate({ord("Ｓ"): "S", ord("Ｔ"): "T", ord("Ｏ"): "O", ord("Ｐ"): "P"}),
]
MARKETING = [
    "Stop promotions",
    "stop promotions, thank you",
    "Please stop promotions",
    "Henti promosi",
    "Detener promociones",
    "Parar promoções",
    "Arrêter les promotions",
    "إيقاف العروض",
    "प्रमोशन बंद करें",
    "விளம்பரங்களை நிறுத்து",
    "停止推广",
]
NOTHING = [
    "don't stop",
    "please don't stop",
    "dont stop",
    "do not stop",
    "never stop",
    "stop at the shop",
    "where is the bus stop",
    "thank you",
    "please",
    "ok",
    "thanks ok",
    "jangan berhenti",
    "no pares",
    "non-stop",
    "nonstop please",
    "how do I stop the machine?",
    "stopwatch",
    "baja",
    "no",
    "不要停止",
    "لا تتوقف",
    "I will stop by tomorrow",
    "stop " * 60,
]


@pytest.mark.parametrize("text", ALL)
def test_it_stops_everything(clock: Clock, plant: Plant, text: str) -> None:
    process(plant, said(plant.device(), text))
    assert plant.values("select category from drip.suppressions") == ["all"]


@pytest.mark.parametrize("text", MARKETING)
def test_it_stops_marketing(clock: Clock, plant: Plant, text: str) -> None:
    process(plant, said(plant.device(), text))
    assert plant.values("select category from drip.suppressions") == ["marketing"]


@pytest.mark.parametrize("text", NOTHING)
def test_it_stops_nothing(clock: Clock, plant: Plant, text: str) -> None:
    process(plant, said(plant.device(), text))
    assert plant.values("select category from drip.suppressions") == []


@pytest.mark.parametrize(
    ("language", "text", "stops"),
    [("es", "baja", True), ("es-MX", "Baja, gracias", True), ("ms", "baja", False)],
)
def test_a_word_that_means_something_elsewhere(
    clock: Clock, plant: Plant, language: str, text: str, stops: bool
) -> None:
    plant.tenant(language=language)
    process(plant, said(plant.device(), text))
    assert bool(plant.values("select category from drip.suppressions")) == stops


def test_a_tenants_own_word_may_have_signs(clock: Clock, plant: Plant) -> None:
    plant.insert("stop_words", user_id=plant.user, word="no-more", category="all")
    process(plant, said(plant.device(), "No-more!"))
    assert plant.values("select category from drip.suppressions") == ["all"]
