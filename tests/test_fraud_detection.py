"""Stories of cards, told to the running decision path: what is approved, what is stopped, and why.

Model trained here on a synthetic world, features from real Redis, decisions on a real broker.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import orjson
import pytest

from config import ApiSettings, IngestSettings, KafkaSettings, ModelSettings, RedisSettings
from data_pipeline.history.generate import write_history
from data_pipeline.synthetic.world import WorldSpec
from fraud_prevention.bootstrap import Brain, Settings, build_api, load_brain
from fraud_prevention.clock import ManualClock
from model.registry.versions import activate
from model.training.train import Progress, TrainingRequest, train
from model.training.windows import SplitPlan
from storage_security.kafka.admin import ensure_topics
from tests.fixtures.services import KafkaService, kafka, redis_server, redis_url, shared_stack

__all__ = ["kafka", "redis_server", "redis_url", "shared_stack"]

pytestmark = pytest.mark.integration

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
TODAY_MS: Final = 20_700 * DAY_MS  # midnight UTC of a fixed day, so that no test depends on the calendar
HISTORY_DAYS: Final = 29

Answer = dict[str, Any]
Payload = dict[str, Any]
Place = dict[str, Any]
Decide = Callable[[Payload], Answer]

HOME: Final[Place] = {"merchant_country": "AT", "utc_offset_min": 60, "lat": 48.21, "lon": 16.37}
NEW_YORK: Final[Place] = {"merchant_country": "US", "utc_offset_min": -300, "lat": 40.71, "lon": -74.0}
ONLINE: Final[Place] = {"channel": "ecom", "merchant_country": "AT", "utc_offset_min": 60}


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Brain:
    """A model of a small world, and the shipped policy."""
    folder = tmp_path_factory.mktemp("world")
    write_history(WorldSpec(seed=11, customers=1_500, start_day=20_500), 40, folder)
    request = TrainingRequest(folder, folder / "models", "hgb", SplitPlan(), trees=80)
    manifest = train(request, Progress(stage=lambda _name: None, replayed=lambda _done, _rows: None))
    activate(request.output, manifest.version)
    return load_brain(ModelSettings(directory=request.output))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TODAY_MS)


@pytest.fixture
def decide(brain: Brain, kafka: KafkaService, redis_url: str, clock: ManualClock) -> Iterator[Decide]:
    """The decide use case as the API runs it; the clock follows the transactions."""
    ensure_topics(kafka.bootstrap_servers, partitions=3)
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka.bootstrap_servers),
        redis=RedisSettings(url=redis_url),
        ingest=IngestSettings(),
        model=ModelSettings(),
        api=ApiSettings(deadline_ms=400, claim_ttl_ms=8_000),  # the machine that runs tests may be busy
        postgres=None,
    )
    api = build_api(brain, settings, clock)

    def run(payload: Payload) -> Answer:
        clock.set(payload["event_time"])
        answer: Answer = orjson.loads(api.decide(payload).body)
        return answer

    yield run
    api.close()


class Card:
    """A card and its holder in Vienna, who pays by card every day at the same few places."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._id = uuid4().hex[:12]
        self._count = 0

    def spends(self, amount: float, *, day: int = 0, hour: float = 14.0, **where: Any) -> Answer:
        """`hour` is local time at the place; day 0 is today, -1 yesterday."""
        self._count += 1
        payload: Payload = {
            "transaction_id": f"{self._id}-{self._count}",
            "customer_id": f"c-{self._id}",
            "card_token": f"k-{self._id}",
            "amount_minor": round(amount * 100),
            "currency": "EUR",
            **where,
        }
        payload["event_time"] = TODAY_MS + day * DAY_MS + round(hour * HOUR_MS) - payload["utc_offset_min"] * 60_000
        return self._decide(payload)

    def lives(self, seed: int = 3) -> None:
        """A month of groceries, lunches, a book now and then, cash every week."""
        draw = random.Random(seed)
        for day in range(-HISTORY_DAYS, 0):
            self.spends(draw.uniform(3, 15), day=day, hour=12.5, **LUNCH[draw.randrange(len(LUNCH))])
            self.spends(draw.uniform(25, 80), day=day, hour=draw.uniform(13, 16), **GROCER)
            if day % 5 == 0:
                self.spends(draw.uniform(10, 60), day=day, hour=19.0, **BOOKSHOP)
            if day % 7 == 0:
                self.spends(100, day=day, hour=17.5, **CASH_MACHINE)


GROCER: Final[Place] = {"merchant_id": "m-grocer", "mcc": "5411", "channel": "chip", **HOME}
CASH_MACHINE: Final[Place] = {
    "merchant_id": "m-bank",
    "terminal_id": "m-bank-1",
    "mcc": "6011",
    "channel": "atm",
    **HOME,
}
BOOKSHOP: Final[Place] = {"merchant_id": "m-books", "mcc": "5942", "device_id": "d-phone", "ip": "100.64.1.2", **ONLINE}
LUNCH: Final[list[Place]] = [
    {"merchant_id": f"m-lunch-{i}", "mcc": "5814", "channel": "contactless", **HOME} for i in range(4)
]
JEWELLER: Final[Place] = {"merchant_id": "m-jeweller", "mcc": "5944", "channel": "swipe", **NEW_YORK}


@pytest.fixture
def card(decide: Decide) -> Card:
    found = Card(decide)
    found.lives()
    return found


def test_fifty_at_the_known_grocer_in_the_afternoon_is_approved(card: Card) -> None:
    answer = card.spends(50.00, hour=14.0, **GROCER)
    assert answer["risk_score"] < 0.3
    assert answer["outcome"] == "approve"
    assert answer["reason_codes"] == []
    assert answer["degraded"] == []


def test_large_amount_at_an_unknown_merchant_abroad_at_night_is_stopped(card: Card) -> None:
    answer = card.spends(3_500.00, hour=2.0, **JEWELLER)
    assert answer["risk_score"] > 0.8
    assert answer["outcome"] in {"review", "decline"}
    assert "NIGHT_SPEND_NEW_COUNTRY" in answer["reason_codes"]


def test_tiny_online_amounts_in_a_row_are_declined_as_card_testing(card: Card) -> None:
    strange: Place = {"merchant_id": "m-donations", "mcc": "8398", "device_id": "d-bot", "ip": "100.64.9.9", **ONLINE}
    answers = [card.spends(1.00 + i / 10, hour=3.0 + i / 60, **strange) for i in range(7)]
    assert answers[0]["outcome"] != "decline"
    assert answers[-1]["outcome"] == "decline"
    assert "card_testing" in answers[-1]["rule_hits"]


def test_large_order_from_a_strange_device_is_stopped_as_a_take_over(card: Card) -> None:
    strange: Place = {"merchant_id": "m-gifts", "mcc": "5732", "device_id": "d-strange", "ip": "100.64.7.7", **ONLINE}
    answer = card.spends(890.00, hour=3.5, **strange)
    assert answer["outcome"] != "approve"
    assert "NEW_DEVICE_LARGE_AMOUNT" in answer["reason_codes"]


def test_card_present_on_two_continents_within_two_hours_is_reviewed(card: Card) -> None:
    card.spends(42.00, hour=14.0, **GROCER)
    answer = card.spends(90.00, hour=10.0, merchant_id="m-diner", mcc="5812", channel="chip", **NEW_YORK)
    assert answer["outcome"] in {"review", "decline"}
    assert "IMPOSSIBLE_TRAVEL" in answer["reason_codes"]


def test_sixth_payment_within_five_minutes_is_a_burst_and_the_five_before_are_not(card: Card) -> None:
    answers = [card.spends(20.00, hour=15.0 + i / 80, **GROCER) for i in range(6)]
    assert answers[0]["outcome"] == "approve"
    assert answers[5]["outcome"] != "approve"
    assert ["velocity_burst" in answer["rule_hits"] for answer in answers] == [False] * 5 + [True]


def test_large_first_payment_of_an_unknown_customer_is_reviewed(decide: Decide) -> None:
    answer = Card(decide).spends(2_800.00, hour=14.0, **GROCER)
    assert answer["outcome"] in {"review", "decline"}
    assert "new_customer_large_amount" in answer["rule_hits"]


def test_same_story_gets_the_same_answers(decide: Decide) -> None:
    def story() -> list[Answer]:
        found = Card(decide)
        found.lives()
        answers = [found.spends(50.00, hour=14.0, **GROCER), found.spends(3_500.00, hour=12.0, **JEWELLER)]
        return [{k: v for k, v in a.items() if k not in {"transaction_id", "latency_ms"}} for a in answers]

    assert story() == story()
