"""Records of shared entities in Redis.

Key: `fe:{bbb}kXXXXXXXX`: the bucket, the kind's letter, the entity's 64-bit code. The bytes are
`model.features.entities.record`'s.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.features.entities.kinds import KINDS
from storage_security.redis.client import BUCKETS
from storage_security.redis.record_store import RecordStore

_TAGS: Final = np.array([list(f"fe:{{{b:03x}}}".encode()) for b in range(BUCKETS)], np.uint8)
_LETTERS: Final = np.array([k.letter[0] for k in KINDS], np.uint8)


def entity_keys(codes: NDArray[np.uint64], kinds: NDArray[np.uint8]) -> list[bytes]:
    """Where the records of the entities with these codes u8[k] and kinds u1[k] are."""
    width = _TAGS.shape[1]
    rows = np.empty((len(codes), width + 9), np.uint8)
    rows[:, :width] = _TAGS[(codes % np.uint64(BUCKETS)).astype(np.intp)]
    rows[:, width] = _LETTERS[kinds]
    rows[:, width + 1 :] = codes.astype("<u8").reshape(-1, 1).view(np.uint8)
    whole, size = rows.tobytes(), width + 9
    return [whole[at : at + size] for at in range(0, len(whole), size)]


class RedisEntityStore(RecordStore):
    """See `RecordStore`."""

    def keys(self, codes: NDArray[np.uint64], kinds: NDArray[np.uint8]) -> list[bytes]:
        """Where the records of the entities with these codes u8[k] and kinds u1[k] are."""
        return entity_keys(codes, kinds)
