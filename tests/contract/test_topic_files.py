"""The contract files, the closed list of topics and the code name the same things."""

from __future__ import annotations

import importlib.util

import pytest

from config import KafkaSettings
from data_pipeline.contract.load import CONTRACTS_DIR, TopicContract, load_topics, schema_names
from fraud_prevention.domain import topics

CONTRACTS = load_topics()
BY_NAME = {contract.topic: contract for contract in CONTRACTS}
LONGEST_WINDOW_DAYS = 37


def _module_exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def test_folder_and_closed_list_hold_the_same_topics() -> None:
    assert {c.topic for c in CONTRACTS} == {spec.name for spec in topics.TOPICS}
    assert {path.stem for path in (CONTRACTS_DIR / "topics").iterdir()} == BY_NAME.keys()


def test_folder_and_closed_list_agree_on_retention() -> None:
    assert {c.topic: c.retention_days for c in CONTRACTS} == {s.name: s.retention_days for s in topics.TOPICS}


def test_constants_and_closed_list_hold_the_same_topics() -> None:
    constants = {value for name, value in vars(topics).items() if name.isupper() and isinstance(value, str)}
    assert constants - {topics.DEAD_LETTER_SUFFIX} | set(topics.DEAD_LETTERS) == BY_NAME.keys()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.topic)
def test_topic_covers_the_longest_window_and_is_partitioned_by_customer(contract: TopicContract) -> None:
    assert contract.retention_days >= LONGEST_WINDOW_DAYS
    assert contract.key == "customer_id"
    assert contract.partitions == KafkaSettings.model_fields["partitions"].default


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.topic)
def test_topic_has_an_owner_a_summary_a_schema_and_examples(contract: TopicContract) -> None:
    assert contract.owner
    assert contract.summary.endswith(".")
    assert contract.compatibility == "full"
    assert (CONTRACTS_DIR / contract.schema).is_file()
    assert (CONTRACTS_DIR / contract.examples).is_file()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.topic)
@pytest.mark.parametrize("side", ["producers", "consumers"])
def test_topic_is_produced_and_consumed_by_modules_that_exist(contract: TopicContract, side: str) -> None:
    modules: tuple[str, ...] = getattr(contract, side)
    assert modules, f"{contract.topic} has no {side}"
    assert [name for name in modules if not _module_exists(name)] == []


@pytest.mark.parametrize("topic", topics.INPUTS)
def test_every_input_has_its_dead_letter_topic(topic: str) -> None:
    assert BY_NAME[topic].dead_letters == topics.dead_letter_topic(topic)
    assert BY_NAME[topics.dead_letter_topic(topic)].schema == "schemas/dead-letter.v1.json"


def test_only_inputs_have_dead_letters() -> None:
    assert {c.topic for c in CONTRACTS if c.dead_letters} == set(topics.INPUTS)
    with pytest.raises(ValueError, match="no dead-letter topic"):
        topics.dead_letter_topic(topics.DECISIONS)


def test_every_schema_belongs_to_a_topic() -> None:
    assert {contract.schema for contract in CONTRACTS} == {f"schemas/{name}.json" for name in schema_names()}
