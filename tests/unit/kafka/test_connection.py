"""Settings of the brokers that do not fit together are refused before anything connects."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config import KafkaSettings
from storage_security.kafka.connection import kafka_python, librdkafka

LOGIN: dict[str, Any] = {"username": "alice", "password": "generated"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"certificate_file": "a.crt", "security_protocol": "SSL"}, "go together"),
        ({"username": "alice", "security_protocol": "SASL_SSL"}, "go together"),
        ({"security_protocol": "SASL_SSL"}, "logs in"),
        ({**LOGIN, "security_protocol": "SSL"}, "logs in"),
        ({"ca_file": "ca.crt"}, "certificates need"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        KafkaSettings(**values)


@pytest.mark.parametrize("options", [librdkafka, kafka_python])
def test_plain_brokers_get_no_option_of_security(options: Any) -> None:
    assert not [name for name in options(KafkaSettings()) if name.startswith(("ssl", "sasl"))]


def test_the_password_is_shown_nowhere() -> None:
    settings = KafkaSettings(security_protocol="SASL_SSL", **LOGIN)
    assert "generated" not in repr(settings)
    assert librdkafka(settings)["sasl.password"] == kafka_python(settings)["sasl_plain_password"] == "generated"
