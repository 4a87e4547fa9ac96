"""What the caller of the decision API gets: a pure function of the decision on the log.

So an answer that the cache has lost can be made again from the decision, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fraud_prevention.domain.reasons import label


def answer_of(decision: Mapping[str, Any]) -> bytes:
    """The JSON answer to a payload of decisions.v1."""
    return orjson.dumps(
        {
            "transaction_id": decision["transaction_id"],
            "outcome": decision["outcome"],
            "risk_score": decision["risk_score"],
            "probability": decision["probability"],
            "reason_codes": decision["reason_codes"],
            "reasons": [{"code": code, "text": label(code)} for code in decision["reason_codes"]],
            "rule_hits": decision["rule_hits"],
            "model_version": decision["model_version"],
            "policy_version": decision["policy_version"],
            "degraded": decision["degraded"],
            "latency_ms": decision["meta"]["latency_ms"],
        }
    )
