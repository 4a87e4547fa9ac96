"""The bucket of a customer in an experiment: a hash that every caller, service and job computes alike.

Standard library only, so that a caller of the API can carry this one function.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

BUCKETS: Final = 100
BUCKET_HEADER: Final = "X-Fraud-Bucket"
VERSION_HEADER: Final = "X-Fraud-Version"
ROUTE_SALT: Final = "service-version"
"""Salt of the split between versions of a service. An experiment on models has a salt of its own: with a shared one,
its arms would coincide with the versions, and neither effect could be told from the other."""


def bucket_of(customer_id: str, salt: str = ROUTE_SALT) -> int:
    """0 to 99, the same for a customer wherever and whenever it is computed.

    The salt's length goes first, so that no two pairs of salt and customer are the same text.
    """
    text = f"{len(salt)}:{salt}{customer_id}".encode()
    # 64 bits over 100 buckets: the first ones are likelier by less than one in 10**16.
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") % BUCKETS


def bucket_header(customer_id: str) -> dict[str, str]:
    """The header by which a gateway keeps the customer on one version of the service."""
    return {BUCKET_HEADER: f"{bucket_of(customer_id):02d}"}
