"""The stream's plan in Redis, bound by compare-and-set, and how far each partition of it has come.

Keys: `fraud:{stream}:plan:L` a hash of number, owner and the plan's text, L being the layout of keys;
`fraud:{stream}:marks` a hash from stage and share to the number of the plan in which the share has come to the end of the
stage.
"""

from __future__ import annotations

import time
from typing import Any, Final

from fraud_prevention.domain.errors import PlanLost, Unavailable
from storage_security.redis.client import KEY_LAYOUT, Client, availability, run_script

_PLAN: Final = f"fraud:{{stream}}:plan:{KEY_LAYOUT}"
_MARKS: Final = "fraud:{stream}:marks"
_POLL_S: Final = 0.002

_BIND: Final = """
local held = redis.call('HMGET', KEYS[1], 'number', 'owner')
local number, owner = held[1] or '0', held[2] or ''
if number ~= ARGV[1] or owner ~= ARGV[2] then return {number, owner} end
redis.call('HSET', KEYS[1], 'number', ARGV[3], 'owner', ARGV[4], 'plan', ARGV[5])
return {}
"""


# The wanted share if it is free, else the first that is.
_CLAIM: Final = """
if redis.call('HSETNX', KEYS[1], ARGV[1], 1) == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  return tonumber(ARGV[1])
end
for share = 0, tonumber(ARGV[2]) - 1 do
  if redis.call('HSETNX', KEYS[1], tostring(share), 1) == 1 then return share end
end
return -1
"""
_CLAIM_TTL_S: Final = 600


class RedisPlanStore:
    """The authority on where the stream is. All calls raise Unavailable."""

    def __init__(self, client: Client) -> None:
        self._redis = client

    def current(self) -> bytes | None:
        """Text of the last bound plan, None before the first."""
        with availability():
            text: Any = self._redis.hget(_PLAN, "plan")
        return None if text is None else bytes(text)

    def bind(self, held: tuple[int, str], number: int, owner: str, text: bytes) -> None:
        """Make the plan the current one if number and owner of the current one are `held` ((0, "") for none).

        Raises PlanLost where another runner has bound one since.
        """
        with availability():
            found = run_script(self._redis, _BIND, [_PLAN], *held, number, owner, text)
        if found:
            raise PlanLost(number, int(found[0]), bytes(found[1]).decode())

    def claim(self, attempt: str, wanted: int, shares: int) -> int:
        """A share of the attempt that no other task of it has: `wanted` where it is free, -1 for no wish."""
        with availability():
            keys = [f"fraud:{{stream}}:claims:{attempt}"]
            share = run_script(self._redis, _CLAIM, keys, max(wanted, 0) % shares, shares, _CLAIM_TTL_S)
        if int(share) < 0:
            raise Unavailable("stream", f"all {shares} shares of attempt {attempt} are taken")
        return int(share)

    def mark(self, number: int, stage: str, share: int, shares: int) -> None:
        """Say that the share of the plan has come to the end of the stage."""
        with availability():
            self._redis.hset(_MARKS, f"{stage}:{share}/{shares}", str(number))

    def wait(self, number: int, stage: str, shares: int, timeout_s: float) -> None:
        """Return when all shares are marked. Raises PlanLost, and Unavailable when in vain.

        A mark of a later plan means that this attempt comes too late.
        """
        deadline_s = time.monotonic() + timeout_s
        wanted = [f"{stage}:{share}/{shares}" for share in range(shares)]
        while wanted:
            with availability():
                marks: Any = self._redis.hmget(_MARKS, wanted)
            held = [int(m or 0) for m in marks]
            if max(held) > number:
                raise PlanLost(number, max(held), "")
            wanted = [name for name, mark in zip(wanted, held, strict=True) if mark < number]
            if wanted and time.monotonic() > deadline_s:
                raise Unavailable("stream", f"{', '.join(wanted)} of plan {number} did not come in time")
            if wanted:
                time.sleep(_POLL_S)

    def check(self, number: int) -> None:
        """Raises PlanLost where a later plan is bound: what this attempt would send has been sent."""
        with availability():
            held: Any = self._redis.hget(_PLAN, "number")
        if held is not None and int(held) != number:
            raise PlanLost(number, int(held), "")
