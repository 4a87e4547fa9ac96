"""How the clients reach the brokers: addresses, encryption and login, for each of the two libraries."""

from __future__ import annotations

from typing import Any, Final

from config import KafkaSettings

_MECHANISM: Final = "SCRAM-SHA-512"


def librdkafka(settings: KafkaSettings) -> dict[str, Any]:
    """Options of a confluent-kafka client, to which it adds its own."""
    options = {
        "bootstrap.servers": settings.bootstrap_servers,
        "log_level": 0,  # what matters comes with the errors
        "security.protocol": settings.security_protocol,
        "ssl.ca.location": settings.ca_file and str(settings.ca_file),
        "ssl.certificate.location": settings.certificate_file and str(settings.certificate_file),
        "ssl.key.location": settings.key_file and str(settings.key_file),
        "sasl.mechanism": settings.username and _MECHANISM,
        "sasl.username": settings.username,
        "sasl.password": settings.password and settings.password.get_secret_value(),
    }
    return {name: value for name, value in options.items() if value is not None}


def kafka_python(settings: KafkaSettings) -> dict[str, Any]:
    """Options of a kafka-python client, to which it adds its own."""
    options = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "ssl_cafile": settings.ca_file and str(settings.ca_file),
        "ssl_certfile": settings.certificate_file and str(settings.certificate_file),
        "ssl_keyfile": settings.key_file and str(settings.key_file),
        "sasl_mechanism": settings.username and _MECHANISM,
        "sasl_plain_username": settings.username,
        "sasl_plain_password": settings.password and settings.password.get_secret_value(),
    }
    return {name: value for name, value in options.items() if value is not None}
