"""Connections to Redis, one server or a cluster, and how keys are spread over the servers of a cluster.

A key of what belongs to one entity holds the entity's bucket as its hash tag, `{bbb}`: what lies in one bucket lies on one
server, where one command or script can work on it.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

import redis
from redis.cluster import RedisCluster
from redis.exceptions import ClusterCrossSlotError, MovedError, RedisClusterException
from redis.retry import Retry

from config import RedisSettings
from fraud_prevention.domain.errors import Unavailable

Client: TypeAlias = redis.Redis | RedisCluster

# Enough to spread over some tens of servers, few enough that a command finds many keys in each.
BUCKETS: Final = 1_024
# Grows when keys change: a stream that meets the keys of another layout must not take them for customers without a past.
KEY_LAYOUT: Final = 2


def bucket_of(name: bytes) -> int:
    """Where a customer or a transaction is."""
    return zlib.crc32(name) % BUCKETS


def bucket_in(key: bytes) -> bytes:
    """The hash tag of a key that has one."""
    return key[key.index(b"{") + 1 : key.index(b"}")]


def connect(settings: RedisSettings, timeout_s: float | None = None, retry: Retry | None = None) -> Client:
    """A client that connects on first use, whose attempts end after `timeout_s`, by default the settings' time.

    retry: replaces the client's own habit.
    """
    limit_s = settings.timeout_ms / 1000 if timeout_s is None else timeout_s
    options: dict[str, Any] = {"url": settings.url, "socket_timeout": limit_s, "socket_connect_timeout": limit_s}
    if retry is not None:
        options["retry"] = retry
    return LateCluster(**options) if settings.is_cluster else redis.Redis.from_url(**options)


class LateCluster(RedisCluster):
    """A cluster's client that asks for the cluster's map on first use.

    So a process starts, and does what it can, while the cluster is away. Thread-safe.
    """

    def __init__(self, **options: Any) -> None:
        self._late = _Late(options)

    def __getattr__(self, name: str) -> Any:
        """What the client's own beginning would have set."""
        late = self.__dict__.get("_late")
        if late is None:
            raise AttributeError(name)
        with late.lock:
            if not late.is_begun and not late.is_beginning:
                late.is_beginning = True
                try:
                    super().__init__(**late.options)
                    late.is_begun = True
                finally:
                    late.is_beginning = False
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(name) from None

    def close(self) -> None:
        """Let go of the connections, if there are any."""
        if self._late.is_begun:
            super().close()


@dataclass(slots=True)
class _Late:
    options: dict[str, Any]
    lock: threading.RLock = field(default_factory=threading.RLock)
    is_beginning: bool = False
    is_begun: bool = False


def get_many(client: Client, keys: Sequence[bytes | str]) -> list[bytes | None]:
    """The values, None where there is none; of a cluster not all of one moment."""
    found = client.mget_nonatomic(keys) if isinstance(client, RedisCluster) else client.mget(keys)
    return cast("list[bytes | None]", found)


def set_many(client: Client, pairs: Mapping[bytes, bytes]) -> None:
    """Put values in place; in a cluster not all at one moment."""
    some = cast(Any, pairs)
    if isinstance(client, RedisCluster):
        client.mset_nonatomic(some)
    else:
        client.mset(some)


def run_script(client: Client, script: str, keys: Sequence[str], *values: bytes | str | int) -> Any:
    """Run a script on keys of one bucket; by its text, since registering it would already need the server."""
    return client.eval(script, len(keys), *keys, *values)


def ask(client: Client, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """The replies to commands that each concern one bucket.

    One server gets them in one trip. The servers of a cluster get them one after the other, which ends with the first that
    is silent: a cluster's pipeline would try each of its commands again by itself, for many times a deadline.
    """
    if isinstance(client, RedisCluster):
        return [cast(Any, client).execute_command(*command) for command in commands]
    with client.pipeline(transaction=False) as pipe:
        for command in commands:
            cast(Any, pipe).execute_command(*command)
        return pipe.execute()


@contextmanager
def availability() -> Iterator[None]:
    """What the client raises becomes Unavailable: the same call may succeed later."""
    try:
        yield
    except (MovedError, ClusterCrossSlotError) as error:  # which a cluster's client follows, or never causes
        raise Unavailable("redis", f"{error}; if it is a cluster, set FRAUD_REDIS_IS_CLUSTER=true") from error
    except (redis.RedisError, RedisClusterException) as error:
        raise Unavailable("redis", str(error)) from error
