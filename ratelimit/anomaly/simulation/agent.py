"""What clients call themselves: browsers, phones, HTTP libraries, crawlers, and nothing at all."""

from typing import Final

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.row import Numbers

_SYSTEMS: Final = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
_CHROME: Final = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
_FIREFOX: Final = "Mozilla/5.0 ({}; rv:{}.0) Gecko/20100101 Firefox/{}.0"
_SAFARI: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} Safari/605.1.15"
_IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {}_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/{}.{} Mobile/15E148 Safari/604.1"
)
_ANDROID: Final = "Mozilla/5.0 (Linux; Android {}; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36"

_DESKTOP: Final = (
    *(_CHROME.format(system, version) for system in _SYSTEMS for version in range(138, 146)),
    *(_CHROME.format(_SYSTEMS[0], version) + f" Edg/{version}.0.0.0" for version in range(140, 146)),
    *(_FIREFOX.format(system, version, version) for system in _SYSTEMS for version in (128, 140, 144, 145)),
    *(_SAFARI.format(version) for version in ("17.6", "18.3", "18.6", "26.0")),
)
_PHONE: Final = (
    *(_IPHONE.format(major, minor, major, minor) for major in (17, 18, 26) for minor in range(4)),
    *(_ANDROID.format(system, version) for system in (12, 13, 14, 15) for version in (140, 142, 144)),
)
_LIBRARY: Final = (
    "python-requests/2.31.0", "python-requests/2.32.3", "python-httpx/0.27.2", "Python/3.12 aiohttp/3.10.5", "python-urllib3/2.2.3",
    "Go-http-client/1.1", "Go-http-client/2.0", "okhttp/4.12.0", "okhttp/5.1.0", "axios/1.7.7", "node-fetch/1.0", "undici",
    "curl/8.5.0", "curl/8.9.1", "Wget/1.21.4", "Java/17.0.12", "Apache-HttpClient/5.3.1 (Java/21)", "GuzzleHttp/7", "reqwest/0.12.8",
    "Dart/3.5 (dart:io)", "PostmanRuntime/7.42.0", "Ruby",
)  # fmt: skip
_BOTS: Final = {
    "googlebot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "bingbot": "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "gptbot": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "applebot": "Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)",
    "yandexbot": "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
}
AGENTS: Final = (None, *_DESKTOP, *_PHONE, *_LIBRARY, *_BOTS.values())
NONE: Final = 0
DESKTOP: Final = np.arange(1, 1 + len(_DESKTOP))
PHONE: Final = np.arange(1 + len(_DESKTOP), 1 + len(_DESKTOP) + len(_PHONE))
LIBRARY: Final = np.arange(PHONE[-1] + 1, PHONE[-1] + 1 + len(_LIBRARY))
BROWSER: Final = np.concatenate([DESKTOP, PHONE])
CRAWLER: Final = {name: int(LIBRARY[-1]) + 1 + number for number, name in enumerate(_BOTS)}


def some(rng: Generator, among: Numbers, count: int = 1) -> Numbers:
    """A few of them, those in front more often: some versions and libraries are more common than others."""
    return among[(len(among) * rng.random(count) ** 1.5).astype(np.int64)]
