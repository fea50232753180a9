"""A card's number or its security code is found wherever it stands in a body, and nothing else is taken for one."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.card_secret import LONGEST, SHORTEST, is_card_number, secret_in

VISA = "4242424242424242"


def luhn(digits: str) -> bool:
    """The check as the textbook has it: from the right, every second digit doubled, its own digits added."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def numbered(seed: int, length: int) -> str:
    """A number of that length that passes the check."""
    digits = str(random.Random(seed).randrange(10 ** (length - 2), 10 ** (length - 1)))
    return next(digits + last for last in "0123456789" if luhn(digits + last))


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        "4222222222222",
        "378282246310005",
        "30569309025904",
        "6304000000000000000",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "3782 822463 10005",
        "4242 - 4242 - 4242 - 4242",
        "4242\u00a04242\u20134242\u22124242",
        "42\u200b42424242424242",
        "\uff14\uff12" * 8,
        "\u0664\u0662" * 8,
        f"my card is {VISA}, good until 12/30",
        f"{VISA} 12 30 123",
        f"12 30 {VISA}",
        f"card:{VISA}",
        f"({VISA})",
        f"{VISA}@example.com",
        f"-{VISA}",
        "4242.4242.4242.4242",
        "4242/4242/4242/4242",
        "4242,4242,4242,4242",
        "3782.822463.10005",
    ],
)
def test_numbers(text: str) -> None:
    """With what people put between and around the digits, in any script."""
    assert is_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",
        "424242424242",
        "0" * 16,
        "00000000-0000-0000-0000-000000000000",
        f"{VISA}{VISA}",
        f"pi_{VISA}",
        f"ord-{VISA}",
        f"{VISA}-a",
        f"fp{VISA}",
        f"{VISA}x",
        "Xt5EWLLDS7FJjR1c",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "jane.4242.doe.42424242@example.com",
        "2026-11-24T18:25:44.123456Z",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.207 Safari/537.36",
        "203.0.113.7:8080",
        "4242.4242.4242.4241",
        "1.4242.4242.4242",
        "2001:db8:4242:4242:4242:4242:4242:4242",
        "",
    ],
)
def test_no_numbers(text: str) -> None:
    """Ids, fingerprints, emails, addresses, times and user agents pass, and digits that fail the check."""
    assert not is_card_number(text)


@given(st.integers(0, 10**9), st.integers(SHORTEST, LONGEST), st.sampled_from(["", " ", "-", " - "]), st.integers(1, 6))
def test_every_length_and_grouping(seed: int, length: int, joint: str, group: int) -> None:
    """Whatever the groups are, a number is found, and is not once its last digit is another."""
    number = numbered(seed, length)
    grouped = joint.join(number[start : start + group] for start in range(0, length, group))
    assert is_card_number(grouped)
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert is_card_number(other) == luhn(other)


@pytest.mark.parametrize(
    ("body", "what", "path"),
    [
        (f'{{"amount": {VISA}}}', "card_number", "$.amount"),
        (f'{{"amount": -{VISA}}}', "card_number", "$.amount"),
        ('{"amount": 4.242424242424242e15}', "card_number", "$.amount"),
        (f'{{"amount": {VISA}.0}}', "card_number", "$.amount"),
        (f'{{"amount": {VISA}.25}}', "card_number", "$.amount"),
        ('{"amount": 4111111111111110005.0}', "card_number", "$.amount"),
        ('{"amount": 4.111111111111110005e18}', "card_number", "$.amount"),
        ('{"id": "\\u0034242424242424242"}', "card_number", "$.id"),
        (f'{{"id": "{VISA}", "id": "p1"}}', "card_number", "$.id"),
        (f'{{"note": {{"deep": [[], {{"er": ["a", "{VISA}"]}}]}}}}', "card_number", "$.note.deep[1].er[1]"),
        (f'{{"card": {{"{VISA}": 1}}}}', "card_number", "$.card"),
        (f'{{"a b\\n": "{VISA}"}}', "card_number", "$[?]"),
        (f'"{VISA}"', "card_number", "$"),
        (f"[1, {VISA}]", "card_number", "$[1]"),
        ('{"card": {"cvc": "123"}}', "security_code", "$.card.cvc"),
        ('{"cvv2": null}', "security_code", "$.cvv2"),
        ('{"Security-Code": 1}', "security_code", "$[?]"),
        ('{"card_security_code": 1}', "security_code", "$.card_security_code"),
        ('{"cardVerificationValue": 1}', "security_code", "$.cardVerificationValue"),
        ('{"note": "exp 12/30, CVV: 123"}', "security_code", "$.note"),
        (json.dumps({"note": json.dumps({"cvc": "123"})}), "security_code", "$.note"),
        (json.dumps({"note": json.dumps([{"a": f"card\n{VISA}"}])}), "card_number", "$.note"),
        (json.dumps({"note": json.dumps({"a": json.dumps({"security_code": 1})})}), "security_code", "$.note"),
        ('{"note": "4242%204242%204242%204242"}', "card_number", "$.note"),
        ('{"note": "a+4242+4242%2D4242+4242"}', "card_number", "$.note"),
    ],
)
def test_places(body: str, what: str, path: str) -> None:
    """In every kind of value, however it is written, in names too; what is told of it holds none of it."""
    found = secret_in(body.encode())
    assert found is not None
    assert (found.what, found.path) == (what, path)
    assert "4242" not in found.text


@pytest.mark.parametrize(
    "body",
    [
        {"account_created_at": 1790000000.123456, "amount": 10**12, "tokens": 1_000_000_000},
        {"card": {"fingerprint": "Xt5EWLLDS7FJjR1c", "last4": "4242", "cvc_check": "pass", "exp_year": 2030}},
        {"a": [None, True, 1e999, 12345678901234567890], "id": "42424242424242424242"},
        {"user_agent": "{[ no document", "note": "[]", "id": '"quoted"'},
        "text",
        None,
    ],
)
def test_what_passes(body: Any) -> None:
    """What a purchase is made of, and the result of a check of the code."""
    assert secret_in(json.dumps(body).encode()) is None


@pytest.mark.parametrize("number", ["1e999999999999999999999", "-1e-999999999999999999999", "0e999999999999999999999", "1e19", "-0.0"])
def test_numbers_of_any_size(number: str) -> None:
    """What is far too large or too small is no card's number, and is read all the same."""
    assert secret_in(f'{{"amount": {number}}}'.encode()) is None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": "\xff"}', b"[" * 60_000])
def test_unreadable(body: bytes) -> None:
    """What is no JSON in UTF-8 is said to be unreadable, and never passes."""
    with pytest.raises((ValueError, RecursionError)):
        secret_in(body)
