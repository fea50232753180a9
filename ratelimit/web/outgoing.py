"""Posts a message to the site: to the one address that the settings name, with no redirect followed, and not for long.

What it answers beyond its status is not read.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

from aiohttp import ClientError as AiohttpError
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from ratelimit import __version__
from ratelimit.setting_value import Secret

TIMEOUT: Final = ClientTimeout(total=15.0, connect=5.0)  # seconds; Standard Webhooks ask for 15 to 30
_AGENT: Final = f"ratelimit-sidecar/{__version__}"


class Poster:
    """Posts to one URL, over connections that stay open."""

    def __init__(self, url: Secret[str], session: ClientSession) -> None:
        self._url, self._session = url, session

    @classmethod
    async def open(cls, url: Secret[str], stack: AsyncExitStack) -> "Poster":
        """One whose connections the stack closes."""
        session = ClientSession(timeout=TIMEOUT, headers={"User-Agent": _AGENT}, cookie_jar=DummyCookieJar())
        stack.push_async_callback(session.close)
        return cls(url, session)

    async def __call__(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Post it; what was wrong, None if it was taken. What is said holds nothing of the URL, which may be a secret."""
        try:
            async with self._session.post(self._url.reveal(), data=body, headers=headers, allow_redirects=False) as answer:
                return None if 200 <= answer.status < 300 else f"answered {answer.status}; expected 2xx"
        except TimeoutError:
            return f"did not answer within {TIMEOUT.total:g} s"
        except (AiohttpError, OSError, ValueError) as error:
            return f"could not be reached: {type(error).__name__}"
