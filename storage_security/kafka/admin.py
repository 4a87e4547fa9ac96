"""Topics of the flow on a broker: made where they are missing, and identified.

`python -m storage_security.kafka.admin` makes them, where no operator of the cluster does.
"""

from __future__ import annotations

import sys
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES, TOPICS, TopicSpec
from storage_security.kafka.connection import librdkafka

_TIMEOUT_S: Final = 60.0
_DAY_MS: Final = 86_400_000
_BROKER_DEFAULT: Final = -1


def _client(bootstrap_servers: str) -> AdminClient:
    return AdminClient(librdkafka(KafkaSettings(bootstrap_servers=bootstrap_servers)))


def _new_topic(spec: TopicSpec, partitions: int) -> NewTopic:
    limits = {"retention.ms": str(spec.retention_days * _DAY_MS), "max.message.bytes": str(MAX_MESSAGE_BYTES)}
    return NewTopic(spec.name, partitions, _BROKER_DEFAULT, config=limits)


def ensure_topics(bootstrap_servers: str, partitions: int | None = None) -> list[str]:
    """Create each topic of the flow that is missing and return their names; topics that exist stay as they are.

    partitions: of each topic; None takes the setting. Blocks up to a minute. Raises Unavailable.
    """
    count = KafkaSettings().partitions if partitions is None else partitions
    # A client that is dropped takes its unfinished requests with it, hence the name.
    admin = _client(bootstrap_servers)
    wanted = [_new_topic(spec, count) for spec in TOPICS]
    created = []
    for name, done in admin.create_topics(wanted, operation_timeout=_TIMEOUT_S, request_timeout=_TIMEOUT_S).items():
        try:
            done.result(timeout=_TIMEOUT_S)
        except TimeoutError as error:
            raise _silent(bootstrap_servers) from error
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Unavailable("kafka", f"topic {name} could not be created: {error.args[0].str()}") from error
        else:
            created.append(name)
    return created


def _silent(bootstrap_servers: str) -> Unavailable:
    return Unavailable("kafka", f"no broker at {bootstrap_servers} answered within {_TIMEOUT_S:.0f} s")


def topic_id(bootstrap_servers: str, topic: str) -> str:
    """The id that the broker gave the topic: a topic that was deleted and made anew has another one.

    Blocks up to a minute. Raises Unavailable, also when there is no such topic.
    """
    admin = _client(bootstrap_servers)
    described = admin.describe_topics(TopicCollection([topic]), request_timeout=_TIMEOUT_S)
    try:
        return str(described[topic].result(timeout=_TIMEOUT_S).topic_id)
    except TimeoutError as error:
        raise _silent(bootstrap_servers) from error
    except KafkaException as error:
        raise Unavailable("kafka", f"topic {topic} could not be described: {error.args[0].str()}") from error


def partitions_of(bootstrap_servers: str, topic: str) -> int:
    """How many partitions the topic has. Raises Unavailable, also when there is no such topic."""
    try:
        found = _client(bootstrap_servers).list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
    except KafkaException as error:
        raise Unavailable("kafka", error.args[0].str()) from error
    if found.error is not None:
        raise Unavailable("kafka", f"topic {topic}: {found.error.str()}")
    return len(found.partitions)


def main() -> None:
    """Make what is missing and say what that was."""
    servers = KafkaSettings().bootstrap_servers
    try:
        created = ensure_topics(servers)
    except Unavailable as error:
        sys.exit(f"topics cannot be made: {error}")
    print(f"made {', '.join(created)}" if created else "every topic is there")  # noqa: T201 - the one line an operator reads


if __name__ == "__main__":
    main()
