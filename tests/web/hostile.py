"""Requests as the bytes that they are on the wire, and many that are to be refused."""

import gzip
import json
from typing import Any, Final

SECRET_KEY: Final = "sk_live_do_not_log_me"
GOOD: Final = b'{"method":"GET","path":"/","api_key":"k"}'


def post(content: bytes, *headers: bytes, path: bytes = b"/v1/check") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(content), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + content


def check(**fields: Any) -> bytes:
    return post(json.dumps({"method": "GET", "path": "/", **fields}).encode())


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: x", *headers, b"", b""])


def chunked(*chunks: bytes) -> bytes:
    return get(b"/v1/check", b"Transfer-Encoding: chunked", method=b"POST") + b"".join(chunks)


HOSTILE: Final[dict[str, tuple[bytes, int, str | None]]] = {
    # name: what is sent, status, path of the wrong field
    "empty body": (post(b""), 400, None),
    "no length": (get(b"/v1/check", method=b"POST"), 400, None),
    "no JSON": (post(b"{nope"), 400, None),
    "cut JSON": (post(GOOD[:-1]), 400, None),
    "two documents": (post(GOOD + GOOD), 400, None),
    "a list": (post(b"[]"), 422, "$"),
    "a thousand brackets": (post(b"[" * 60_000), 422, "$"),
    "a thousand braces": (post(b'{"method":' * 6_000), 422, "$.method"),
    "byte order mark": (post(b"\xef\xbb\xbf" + GOOD), 400, None),
    "invalid UTF-8": (post(b'{"method":"GET","path":"/\xff","api_key":"k"}'), 400, None),
    "lone surrogate": (post(rb'{"method":"GET","path":"/\ud800","api_key":"k"}'), 400, None),
    "NaN": (post(b'{"method":"GET","path":"/","api_key":"k","cost":NaN}'), 400, None),
    "unknown field": (check(api_kye="k"), 422, "$.api_kye"),
    "unknown field of a strange name": (post(b'{"a`b":1}'), 422, "$"),
    "no method": (post(b'{"path":"/","api_key":"k"}'), 422, "$.method"),
    "empty path": (check(api_key="k", path=""), 422, "$.path"),
    "long path": (check(api_key="k", path="/" * 9_000), 422, "$.path"),
    "negative cost": (check(api_key="k", cost=-1), 422, "$.cost"),
    "huge cost": (check(api_key="k", cost=10**30), 422, "$.cost"),
    "broken cost": (check(api_key="k", cost=1.5), 422, "$.cost"),
    "cost as text": (check(api_key="k", cost="1"), 422, "$.cost"),
    "cost as truth": (check(api_key="k", cost=True), 422, "$.cost"),
    "empty key": (check(api_key=""), 422, "$.api_key"),
    "long key": (check(api_key="k" * 513), 422, "$.api_key"),
    "nobody": (check(), 422, "$"),
    "nobody, said so": (check(api_key=None, ip=None), 422, "$"),
    "no address": (check(ip="example.com"), 422, "$.ip"),
    "address with a zone": (check(ip="fe80::1%eth0"), 422, "$.ip"),
    "address with a NUL": (check(ip="10.0.0.1\0"), 422, "$.ip"),
    "address in octal": (check(ip="010.0.0.1"), 422, "$.ip"),
    "batch that is a list": (post(b"[]", path=b"/v1/check/batch"), 422, "$"),
    "batch with a mistake": (post(b'{"checks":[%b,{"path":"/"}]}' % GOOD, path=b"/v1/check/batch"), 422, "$.checks[1].method"),
    "compressed body": (post(gzip.compress(GOOD), b"Content-Encoding: gzip"), 415, None),
    "70 kB": (check(api_key="k", user_agent="x" * 70_000), 413, None),
    "10 MB promised": (post(b"x" * 10)[:-10].replace(b"Length: 10", b"Length: 10000000"), 413, None),
    "10 MB in one chunk": (chunked(b"989680\r\n", b"x" * 100_000), 413, None),
    "no hexadecimal chunk": (chunked(b"zz\r\n\r\n"), 400, None),
    "chunk that is longer than it says": (chunked(b"1\r\nabc\r\n0\r\n\r\n"), 400, None),
    "length and chunks": (get(b"/v1/check", b"Content-Length: 5", b"Transfer-Encoding: chunked", method=b"POST"), 400, None),
    "two lengths": (get(b"/v1/check", b"Content-Length: 5", b"Content-Length: 6", method=b"POST"), 400, None),
    "length that is none": (get(b"/v1/check", b"Content-Length: +5", method=b"POST"), 400, None),
    "unknown path": (get(b"/v1/nope"), 404, None),
    "unknown path with a secret": (get(b"/%2e%2e/etc/passwd?key=" + SECRET_KEY.encode()), 404, None),
    "star": (get(b"*", method=b"OPTIONS"), 404, None),
    "GET on a check": (get(b"/v1/check"), 405, None),
    "HTTP 1.0 and GET on a batch": (b"GET /v1/check/batch HTTP/1.0\r\n\r\n", 405, None),
    "OPTIONS on a check": (get(b"/v1/check", method=b"OPTIONS"), 405, None),
    "POST on livez": (post(b"", path=b"/livez"), 405, None),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, None),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, None),
    "invented method": (get(b"/v1/check", method=b"STEAL"), 400, None),
    "control character in a header": (get(b"/livez", b"X-Api-Key: " + SECRET_KEY.encode() + b"\x01"), 400, None),
    "space in a header's name": (get(b"/livez", b"X Api Key: k"), 400, None),
    "folded header": (get(b"/livez", b"A: b\r\n c"), 400, None),
    "header of 100 kB": (get(b"/livez", b"A: " + b"x" * 100_000), 431, None),
    "target of 100 kB": (get(b"/" + b"x" * 100_000), 431, None),
    "2 MB of headers": (get(b"/livez", *(b"A%d: %b" % (number, b"x" * 60_000) for number in range(35))), 431, None),
    "20,000 headers": (get(b"/livez", *(b"A%d: b" % number for number in range(20_000))), 400, None),
    "envoy, unparsable": (get(b"/v1/authorize/envoy/x", b"A: \x01"), 400, None),
    "nginx, unparsable": (get(b"/v1/authorize/nginx", b"X-Original-URI: /\x01"), 403, None),
}
