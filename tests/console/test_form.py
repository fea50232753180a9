"""A form of a page becomes the struct that the API takes."""

from typing import Annotated, Literal

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from ratelimit.console.form import FormError, parse, read
from ratelimit.web.reply import json_reply
from ratelimit.web.route import Route
from tests.console.conftest import Serve


class Anchor(Struct, frozen=True):
    kind: Literal["account", "ip"]
    value: str


class Deed(Struct, frozen=True, forbid_unknown_fields=True):
    then: Literal["block", "allow"]
    cases: tuple[int, ...]
    for_s: Annotated[float, Meta(gt=0)] | None = None
    sure: bool = False
    anchor: Anchor | None = None


@pytest.mark.parametrize(
    ("given_fields", "deed"),
    [
        ([("then", "block"), ("cases", "12")], Deed("block", (12,))),
        ([("then", " block "), ("cases", "1"), ("cases", "2"), ("for_s", "3600")], Deed("block", (1, 2), 3_600)),
        ([("then", "allow"), ("cases", "1"), ("for_s", ""), ("sure", "true")], Deed("allow", (1,), None, True)),
        (
            [("then", "allow"), ("cases", "1"), ("anchor.kind", "ip"), ("anchor.value", "192.0.2.1")],
            Deed("allow", (1,), anchor=Anchor("ip", "192.0.2.1")),
        ),
    ],
)
def test_fields(given_fields: list[tuple[str, str]], deed: Deed) -> None:
    """Numbers, lists and inner structs are made of text; an empty field is one that is not there."""
    assert parse(given_fields, Deed) == deed


@pytest.mark.parametrize(
    ("given_fields", "wrong"),
    [
        ([("cases", "1")], {"then": "is missing"}),
        ([("then", "burn"), ("cases", "1")], {"then": "invalid enum value 'burn'"}),
        ([("then", "block"), ("cases", "x")], {"cases": "expected `int`, got `str`"}),
        ([("then", "block"), ("cases", "1"), ("for_s", "-1")], {"for_s": "expected `float` > 0.0"}),
        ([("then", "block"), ("cases", "1"), ("more", "x")], {"more": "is not a field here"}),
        ([("then", "block"), ("cases", "1"), ("anchor", "x")], {"anchor": "expected `object | null`, got `str`"}),
    ],
)
def test_mistakes(given_fields: list[tuple[str, str]], wrong: dict[str, str]) -> None:
    """What is wrong stands by the name of its field."""
    with pytest.raises(FormError) as caught:
        parse(given_fields, Deed)
    assert dict(caught.value.wrong) == wrong
    assert caught.value.given == dict(given_fields)


@given(
    st.lists(st.tuples(st.sampled_from(["then", "cases", "anchor", "anchor.kind", "anchor.kind.x", ".", "", "for_s"]), st.text(max_size=8)))
)
def test_any_form_is_taken_or_refused(fields: list[tuple[str, str]]) -> None:
    """No form makes an exception that is not a FormError."""
    try:
        taken = isinstance(parse(fields, Deed), Deed)
    except FormError as error:
        taken = bool(error.wrong)
    assert taken


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"then=block&cases=1", "application/x-www-form-urlencoded", 200),
        (b"{}", "application/json", 415),
        (b"then=%ff&cases=1", "application/x-www-form-urlencoded", 400),
        (b"then=\xff", "application/x-www-form-urlencoded", 400),
        (b"then", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 2_000, "application/x-www-form-urlencoded", 400),
        (b"a" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_what_is_no_form(serve: Serve, body: bytes, kind: str, status: int) -> None:
    """What is no form is the client's mistake."""

    async def take(request: web.Request) -> web.StreamResponse:
        return json_reply(200, await read(request, Deed))

    browser = await serve([Route("POST", "/take", take)])
    async with browser.session.post(browser.base + "/take", data=body, headers={"Content-Type": kind}) as answer:
        assert answer.status == status
