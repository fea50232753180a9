"""Asks the operator lane of a running `ratelimit serve`, with the deployment's own token or one that was made for automation."""

import asyncio
import json
import os
from typing import Any, Final

import aiohttp

from ratelimit.core.errors import ConfigError, DependencyError
from ratelimit.setting_value import RefusedError, UnixAddress, address
from ratelimit.settings import read_settings

_PATIENCE_S: Final = 120.0  # an erasure of much takes its time


class OperatorLane:
    """Where it is and what proves that we may; both default to what `serve` itself would use."""

    def __init__(self, where: str | None, token: str | None) -> None:
        try:
            given = address(where) if where is not None else None
        except RefusedError as error:
            raise ConfigError([f"--operator: {where} is not allowed; expected {error}"]) from None
        settings = read_settings(os.environ)
        self._address = given or settings.operator
        own = settings.operator_token
        self._token = token or (own.reveal() if own is not None else None)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON; raises ConfigError with what the lane says is wrong, and DependencyError where it is not there."""
        return asyncio.run(self._ask(method, path, body))

    async def _ask(self, method: str, path: str, body: object) -> Any:
        unix = isinstance(self._address, UnixAddress)
        connector = aiohttp.UnixConnector(str(self._address.path)) if isinstance(self._address, UnixAddress) else None
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        url = f"http://{'localhost' if unix else self._address}{path}"
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(_PATIENCE_S)) as session,
                session.request(method, url, json=body, headers=headers) as answer,
            ):
                return _read(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DependencyError(f"the operator lane at {self._address} does not answer: {error}") from None


def _read(status: int, content: bytes) -> Any:
    try:
        found = json.loads(content)
    except ValueError:
        raise DependencyError(f"the operator lane answered {status}, and not in JSON") from None
    if status >= 500:
        raise DependencyError(str(found.get("detail", status)))
    if status >= 400:
        raise ConfigError([str(found.get("detail", status))])
    return found
