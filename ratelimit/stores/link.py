"""One connection to one node, by redis-py, with every retry of the library off: what may be sent again is our decision alone.

A timed-out command that a library repeats is executed twice, and a bucket then lends twice. So here a command goes out once, errors come
back as values, and a connection on which anything went wrong is closed and not used again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final, NamedTuple, cast, get_args

from hiredis import pack_command
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from ratelimit.core.call import ScriptName
from ratelimit.core.errors import ConfigError

CONNECT_S: Final = 2.0

Command = tuple[str | bytes | int, ...]

# as redis-py packs for connections that are not asyncio's: in C, in a fifth of the time. The stub knows of one word alone
_packed: Final = cast(Callable[[Command], bytes], pack_command)


class Script(NamedTuple):
    """A Lua script and the digest by which a node knows it."""

    source: str
    sha: str


def _script(name: str) -> Script:
    source = files("ratelimit.stores").joinpath(name).read_text(encoding="utf-8")
    return Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


ACQUIRE: Final = _script("acquire.lua")
QUOTA: Final = _script("quota.lua")
PROFILE: Final = _script("profile.lua")
CENSUS: Final = _script("census.lua")
SCRIPTS: Final[Mapping[ScriptName, Script]] = {name: _script(f"{name}.lua") for name in get_args(ScriptName)}


class Facts(NamedTuple):
    """What a node says of itself."""

    server: str
    version: str
    role: str
    cluster: bool
    loading: bool
    maxmemory_policy: str


class Link:
    """A connection that is opened, used by one at a time, and closed at the first fault."""

    def __init__(self, url: str, address: tuple[str, int] | None = None) -> None:
        options: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "retry_on_error": [], "protocol": 2, "socket_connect_timeout": CONNECT_S}
        options["socket_timeout"] = None  # time is kept by who uses the link: a timer for each write and read costs a tenth of the work
        try:
            pool = ConnectionPool.from_url(url, **options)
            if address is not None:
                pool.connection_kwargs.update(host=address[0], port=address[1])
            self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own gap
        except (ValueError, TypeError, AttributeError) as error:  # an option in the URL's query that is none; the URL may hold a password
            raise ConfigError(
                [f"RATELIMIT_REDIS_URL: cannot be used: {type(error).__name__} in its options; expected redis://HOST:PORT/DB"]
            ) from None

    async def open(self) -> Facts:
        """Connect, load the scripts, and ask the node who it is; raises RedisError or OSError (TimeoutError is one)."""
        await self._connection.disconnect(nowait=True)
        async with asyncio.timeout(CONNECT_S):
            await self._connection.connect()  # type: ignore[no-untyped-call]  # redis-py's own gap
            await self.load()
            (info,) = await self.exchange([("INFO",)])
        if isinstance(info, ResponseError):
            raise info
        return _facts(info.decode("utf-8", "replace"))

    async def load(self) -> None:
        """Give the node the scripts."""
        for reply in await self.exchange(
            [("SCRIPT", "LOAD", script.source) for script in (ACQUIRE, QUOTA, PROFILE, CENSUS, *SCRIPTS.values())]
        ):
            if isinstance(reply, ResponseError):
                raise reply

    async def ask(self, *commands: Command) -> list[Any]:
        """Exchange what is no decision, in the time that connecting may take; raises TimeoutError, and the connection is closed then."""
        async with asyncio.timeout(CONNECT_S):
            return await self.exchange(commands)

    async def exchange(self, commands: Sequence[Command], asking: Sequence[bool] = ()) -> list[Any]:
        """Send all in one write, once, and read the replies; an error reply is a value. After a fault nobody knows what was executed.

        Where `asking` is true an ASKING goes before the command, as a node that is taking over a slot wants it.
        """
        connection = self._connection
        packed = b"".join(map(_packed, _with_asking(commands, asking) if any(asking) else commands))
        await connection.send_packed_command(packed, check_health=False)
        replies: list[Any] = []
        for i in range(len(commands)):
            if asking and asking[i]:
                await self._reply()
            replies.append(await self._reply())
        return replies

    async def _reply(self) -> Any:
        try:
            return await self._connection.read_response(disable_decoding=True)
        except ResponseError as error:
            return error

    async def close(self) -> None:
        """Drop the connection."""
        await self._connection.disconnect(nowait=True)


def _facts(info: str) -> Facts:
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    server = fields.get("server_name", "redis")
    return Facts(
        server=server,
        version=fields.get(f"{server}_version", fields.get("redis_version", "?")),
        role=fields.get("role", "?"),
        cluster=fields.get("cluster_enabled") == "1",
        loading=fields.get("loading") == "1",
        maxmemory_policy=fields.get("maxmemory_policy", "?"),
    )


def _with_asking(commands: Sequence[Command], asking: Sequence[bool]) -> list[Command]:
    return [part for command, ask in zip(commands, asking, strict=True) for part in ([("ASKING",), command] if ask else [command])]
