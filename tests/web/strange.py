"""Single requests in every shape that a check can have, right and wrong, and whether the shortcut answers one that is alone."""

import gzip
import json
from typing import Any, Final

from ratelimit.web.body import MAX_BODY
from tests.web.hostile import HOSTILE, chunked, get, post

BODY: Final = b'{"method":"GET","path":"/","api_key":"hot"}'
CHUNK: Final = b"%x\r\n%b\r\n" % (len(BODY), BODY)
END: Final = b"0\r\n\r\n"
CHECK: Final = b"/v1/check"
HIDDEN: Final = post(BODY, b"X-Hidden: 1")


def asked(**fields: Any) -> bytes:
    return post(json.dumps({"method": "GET", "path": "/", **fields}).encode())


def raw(*lines: bytes, body: bytes = BODY, first: bytes = b"POST /v1/check HTTP/1.1") -> bytes:
    """A request of these lines alone."""
    return b"\r\n".join([first, *lines, b"", body])


def sized(*lines: bytes, first: bytes = b"POST /v1/check HTTP/1.1", host: bytes = b"Host: x") -> bytes:
    return raw(host, b"Content-Length: %d" % len(BODY), *lines, first=first)


def lengths(*values: bytes, body: bytes = BODY) -> bytes:
    return raw(b"Host: x", *(b"Content-Length: " + value for value in values), body=body)


def encoded(*lines: bytes, body: bytes = CHUNK + END) -> bytes:
    return raw(b"Host: x", *lines, body=body)


HOT: Final = post(BODY)
_LENGTH: Final = b"%d" % len(BODY)

# what the shortcut answers, if it comes in one piece and alone in it
TAKEN: Final[dict[str, bytes]] = {
    "ordinary": HOT,
    "spaces around the JSON": post(b" \r\n" + BODY + b"\n"),
    "a type that is none": post(BODY, b"Content-Type: text/plain"),
    "bytes that are no text in headers": post(BODY, b"X-Anything: \xff\xfe", b"Cookie: " + b"x" * 20_000),
    "a header twice": post(BODY, b"X-Anything: 1", b"X-Anything: 2"),
    "blank lines before": b"\r\n\r\n" + HOT,
    "length with zeros before": lengths(b"00" + _LENGTH),
    "spaces about the length": lengths(b"  " + _LENGTH + b" \t"),
    "tab before a value": sized(b"X-Anything:\tx"),
    "no space before a value": sized(b"X-Anything:x"),
    "header without a value": sized(b"X-Anything:"),
    "names in any case": raw(b"hOST: x", b"content-LENGTH: " + _LENGTH),
    "two spaces before the target": sized(first=b"POST  /v1/check HTTP/1.1"),
    "keep-alive, said": post(BODY, b"Connection: keep-alive"),
    "upgrade without the connection's consent": post(BODY, b"Upgrade: websocket"),
    "expected and sent at once": post(BODY, b"Expect: 100-continue"),
    "expected something else": post(BODY, b"Expect: 200-ok"),
    "the longest body": post(BODY + b" " * (MAX_BODY - len(BODY))),
    "compressed, said of what is not": post(BODY, b"Content-Encoding: gzip"),
    "a cost that no waiting pays for": asked(api_key="hot", cost=200_000),
    "subject lacking": asked(api_key="hot", path="/members"),
    "cold": asked(api_key="cold"),
    "a peek": asked(api_key="hot", cost=0),
    "two limits of which one is not in hand": asked(api_key="hot", account="a"),
    "request in a header": post(BODY, b"X-Anything: POST /v1/check HTTP/1.1"),
    "request in a text": asked(api_key="hot", user_agent=HIDDEN.decode()),
}

# what alone is left to the ordinary path, and answered there or refused
ORDINARY: Final[dict[str, bytes]] = {
    **{f"hostile: {name}": data for name, (data, *_) in HOSTILE.items()},
    "batch": post(b'{"checks":[%b,%b]}' % (BODY, BODY), path=b"/v1/check/batch"),
    "livez": get(b"/livez"),
    "readyz, the head": get(b"/readyz", method=b"HEAD"),
    "for nginx": get(b"/v1/authorize/nginx", b"X-Api-Key: hot", b"X-Original-Method: GET", b"X-Original-URI: /"),
    "for Envoy": get(b"/v1/authorize/envoy/x", b"X-Api-Key: hot"),
    "forwarded": get(b"/v1/authorize/forwarded", b"X-Api-Key: hot", b"X-Forwarded-Method: GET", b"X-Forwarded-Uri: /"),
    "query": post(BODY, path=b"/v1/check?debug=1"),
    "fragment": post(BODY, path=b"/v1/check#here"),
    "absolute": post(BODY, path=b"http://sidecar/v1/check"),
    "absolute, and no address": post(BODY, path=b"http:///v1/check"),
    "two slashes": post(BODY, path=b"//v1/check"),
    "a slash behind": post(BODY, path=b"/v1/check/"),
    "escaped": post(BODY, path=b"/v1/%63heck"),
    "in capitals": post(BODY, path=b"/V1/check"),
    "no path": post(BODY, path=b""),
    "1.0": sized(first=b"POST /v1/check HTTP/1.0"),
    "1.0, keep-alive": sized(b"Connection: keep-alive", first=b"POST /v1/check HTTP/1.0"),
    "1.2": sized(first=b"POST /v1/check HTTP/1.2"),
    "0.9": b"POST /v1/check\r\n\r\n",
    "2.0": sized(first=b"POST /v1/check HTTP/2.0"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET with a body": sized(first=b"GET /v1/check HTTP/1.1"),
    "HEAD": get(CHECK, method=b"HEAD"),
    "PUT": sized(first=b"PUT /v1/check HTTP/1.1"),
    "CONNECT": sized(first=b"CONNECT x:80 HTTP/1.1"),
    "method in small letters": sized(first=b"post /v1/check HTTP/1.1"),
    "close": post(BODY, b"Connection: close"),
    "close among others": post(BODY, b"Connection: keep-alive, close"),
    "websocket": post(BODY, b"Connection: upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
    "body with nothing in it": post(b""),
    "a byte too long": post(BODY + b" " * (MAX_BODY + 1 - len(BODY))),
    "compressed": post(gzip.compress(BODY), b"Content-Encoding: gzip"),
    "no host": raw(b"Content-Length: " + _LENGTH),
    "two hosts": sized(b"Host: y"),
    "one chunk": chunked(CHUNK, END),
    "one chunk with zeros before": chunked(b"000" + CHUNK, b"000" + END),
    "one chunk with an extension": chunked(b"%x;a=b\r\n%b\r\n" % (len(BODY), BODY), END),
    "one chunk and trailers": chunked(CHUNK, b"0\r\nX-Trailer: 1\r\nX-Other: 2\r\n\r\n"),
    "chunks in two codings": encoded(b"Transfer-Encoding: gzip, chunked"),
    "upgrade to what we do not have": post(BODY, b"Connection: upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"),
    "two chunks": chunked(b"5\r\n%b\r\n" % BODY[:5], b"%x\r\n%b\r\n" % (len(BODY) - 5, BODY[5:]), END),
    "two chunks, of which the first alone would do": chunked(CHUNK, b"1\r\nx\r\n", END),
    "a chunk of each byte": chunked(*(b"1\r\n%c\r\n" % byte for byte in BODY), END),
    "length with a sign": lengths(b"+" + _LENGTH),
    "negative length": lengths(b"-" + _LENGTH),
    "length in hexadecimal": lengths(b"0x2b"),
    "lengths in a list": lengths(_LENGTH + b", " + _LENGTH),
    "huge length": lengths(b"18446744073709551616"),
    "largest length": lengths(b"18446744073709551615"),
    "no number": lengths(b""),
    "twice the same length": lengths(_LENGTH, _LENGTH),
    "two lengths, the first right": lengths(_LENGTH, b"5"),
    "folded": sized(b"X-Anything: a\r\n b"),
    "line feeds alone": HOT.replace(b"\r\n", b"\n"),
    "carriage returns alone": HOT.replace(b"\r\n", b"\r"),
    "space before a colon": sized(b"X-Anything : x"),
    "space before a name": sized(b" X-Anything: x"),
    "NUL in a value": sized(b"X-Anything: a\0b"),
    "NUL in the target": post(BODY, path=b"/v1/check\0"),
    "space in the target": post(BODY, path=b"/v1/ check"),
    "length and chunks": encoded(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nG"),
    "chunks and length": encoded(b"Transfer-Encoding: chunked", b"Content-Length: 4"),
    "chunks, and in an unknown coding": encoded(b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"),
    "chunks that are not last": encoded(b"Transfer-Encoding: chunked, identity"),
    "chunks twice": encoded(b"Transfer-Encoding: chunked, chunked"),
    "chunks, misspelt": encoded(b"Transfer-Encoding: xchunked"),
    "chunks behind a tab": encoded(b"Transfer-Encoding:\tchunked", b"Content-Length: 5"),
    "chunks, and a space before the colon": encoded(b"Transfer-Encoding : chunked"),
    "chunks, and a vertical tab": encoded(b"Transfer-Encoding: \x0bchunked"),
    "chunks in 1.0": raw(b"Host: x", b"Transfer-Encoding: chunked", body=CHUNK + END, first=b"POST /v1/check HTTP/1.0"),
    "request in a body": post(HIDDEN),
    "request behind a body of nothing": lengths(b"0", body=b"") + HIDDEN,
    "request behind the last chunk": chunked(END) + HIDDEN,
    "chunk size that overflows": chunked(b"10000000000000000\r\n" + BODY, END),
    "chunk size with a sign": chunked(b"+" + CHUNK, END),
    "chunk size in hexadecimal, said": chunked(b"0x" + CHUNK, END),
    "chunk without its end": chunked(CHUNK[:-2], END),
    "chunk ended by a line feed": chunked(CHUNK.replace(b"\r\n", b"\n"), END),
    "extension with a line feed": chunked(b"%x;a\n%b\r\n" % (len(BODY), BODY), END),
    "trailer that says a length": chunked(CHUNK, b"0\r\nContent-Length: 5\r\n\r\n"),
    "trailer that is none": chunked(CHUNK, b"0\r\nno trailer\r\n\r\n"),
    "no UTF-8": post(BODY.replace(b"hot", b"h\xffot")),
    "no JSON": post(BODY[:-1]),
    "unknown field": asked(api_key="hot", ap1_key="hot"),
    "deep": post(b"[" * 30_000),
    "nobody": asked(),
}
STRANGE: Final = {**TAKEN, **ORDINARY}
