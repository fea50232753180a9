"""Conditions of rules: what is wrong is said with its place before anything runs, and what passes does not fail when it runs."""

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimit.core.cel_library import compiled
from ratelimit.core.purchase_signals import COLUMN
from ratelimit.core.rule_check import check
from ratelimit.core.rule_names import NAMES
from ratelimit.core.rule_program import MISSING, problems_of
from ratelimit.core.rule_screen import screen

WRONG = [
    ("purchase.cards_1h", "column 1: purchase.cards_1h is a number; expected the condition to be true or false"),
    ("cards_1h >= 3", "column 1: 'cards_1h' is not known here (did you mean 'purchase.cards_1h'?)"),
    ("purchas.cards_1h >= 3", "column 1: 'purchas' is not known here (did you mean 'purchase'?)"),
    ("purchase.site_decline_ratio > 2", "(did you mean 'site.decline_ratio'?)"),
    ("purchase > 3", "column 1: purchase is not a value; expected one of what it has, such as purchase.kind"),
    ("purchase.amount + 1 > 3.0", "column 19: 1 is an integer, which CEL does not compute with beside a double; expected 1.0"),
    ("size(purchase.account) * 2.0 > 3", "expected double(size(purchase.account))"),
    ("purchase.amount > 'x'", "column 17: purchase.amount is a number and 'x' is a text; expected two numbers or two texts beside >"),
    ("purchase.hosting < purchase.vpn", "purchase.hosting is true or false"),
    ("purchase.new_card == 1", "column 19: purchase.new_card is true or false and 1 is an integer"),
    ("purchase.currency in ['USD', 3]", "column 30: 3 is an integer and the first is a text"),
    ("purchase.currency in [3]", "column 22: purchase.currency is a text and never in a list of which each is an integer"),
    ("purchase.currency in 'USD'", "column 22: 'USD' is no list"),
    ("purchase.currency in []", "column 22: the list is empty"),
    ("[1] == 1", "column 1: a list is allowed only after in"),
    ("1 < purchase.amount < 3", "column 21: '<' after another comparison; expected && between two comparisons"),
    ("purchase.amount % 100 == 0", "column 1: purchase.amount is a number; expected an integer before %, such as int(purchase.amount)"),
    ("int(purchase.amount) % 0 == 0", "column 24: 0 is an integer; expected an integer such as 100 after %"),
    ("purchase.hosting ? 1 : 2.0", "column 24: 2.0 is a number and 1 is an integer; expected the same of both"),
    ("null == purchase.amount", "column 1: null is not known here; expected has(NAME)"),
    ("-purchase.currency == 'x'", "column 2: purchase.currency is a text; expected a number after -"),
    ("has(purchase.q)", "column 5: purchase.q is not a signal here"),
    ("has(1)", "column 1: has(1) asks for no value; expected has(purchase.NAME)"),
    ("purchase.account.endswith('x')", "column 18: 'endswith' is not a function here (did you mean 'endsWith'?)"),
    ("purchase.account.endsWith(3)", "column 27: 3 is an integer; expected TEXT.endsWith(TEXT)"),
    ("endsWith(purchase.account, 'x')", "column 1: endsWith is not called so; expected TEXT.endsWith(TEXT)"),
    ("purchase.account.matches(purchase.device)", "column 26: purchase.device is not written out"),
    ("purchase.account.matches('a{999}{999}')", "is too long or repeats too often"),
    (r"purchase.account.matches(r'\p{L}{11}\p{L}{3}')", "is too long or repeats too often"),
    ("purchase.account.matches('(?=a)')", "is not a pattern: look-around"),
    ("purchase.currency.x > 3", "column 19: purchase.currency has nothing in it"),
    ("purchase.amount > 1e999", "column 19: '1e999' is too big"),
    ("purchase.amount > 99999999999999999999999", "is too big; expected an integer <= 9007199254740992"),
    ("purchase.amount > 3 &&", "column 23: the condition ends too early"),
    ("purchase['amount'] > 3", "column 9: '[' is not allowed here"),
    ("purchase.account == 'x", "column 21: the text that ' begins has no end on this line"),
    ("purchase.amount # 3", "column 17: '#' means nothing here; expected an operator"),
    ("purchase.vpn &&\n  purchase.vp", "line 2, column 3: purchase.vp is not a signal here (did you mean 'purchase.vpn'?)"),
    ("(" * 2_000, "the condition ends too early"),
    ("(" * 900 + "true" + ")" * 900, "is nested deeper than 32 levels"),
    ("purchase" + ".a" * 900, "is nested deeper than 32 levels"),
    ("true ? true : " * 140 + "true", "is nested deeper than 32 levels"),
    ("", "column 1: the condition ends too early"),
]


@pytest.mark.parametrize(("when", "problem"), WRONG, ids=lambda text: text[:40])
def test_wrong_condition(when: str, problem: str) -> None:
    """A condition that is wrong has one problem, with what was found, where, and what would do."""
    (found,) = problems_of({"on": "purchase", "when": when})
    assert problem in found
    assert found.startswith(("column", "line"))


def test_all_problems_at_once() -> None:
    """Several wrong places of one condition are all said."""
    found = check("purchase.x > 1 && site.y > 'a' || purchase.vpn > 3 || tru", NAMES["purchase"])
    assert len(found.problems) == 4


@pytest.mark.parametrize("when", ["!" * 1_999 + "true", "-" * 1_990 + "1 < 2", "1.0" + "+1.0" * 450 + " > 3.0", "true" + "&&true" * 300])
def test_long_chains_are_no_depth(when: str) -> None:
    """A long chain of one sign is sound, and neither checking nor running it takes the process down."""
    assert not problems_of({"on": "purchase", "when": when})
    script = "import cel, sys; print(cel.compile(sys.argv[1]).execute({}))"
    done = subprocess.run([sys.executable, "-c", script, when], capture_output=True, text=True, check=False)
    assert done.stdout.strip() in {"True", "False"}


NUMBERS = [f"purchase.{name}" for name, about in NAMES["purchase"]["purchase"].items() if about.type == "number"][:20]
BOOLS = [f"purchase.{name}" for name, about in NAMES["purchase"]["purchase"].items() if about.type == "bool"]
TEXTS = [f"purchase.{name}" for name, about in NAMES["purchase"]["purchase"].items() if about.type == "text"]
LITERALS = {"number": st.floats(0, 1e6).map(lambda value: f"{value:f}"), "text": st.sampled_from(["''", "'US'", 'r"a\\b"', "'é\\n'"])}


def _conditions(kind: str, depth: int) -> st.SearchStrategy[str]:
    """Sound expressions of a type, at most so deep."""
    leaves = {"number": st.sampled_from(NUMBERS) | LITERALS["number"], "text": st.sampled_from(TEXTS) | LITERALS["text"]}
    leaves["bool"] = st.sampled_from([*BOOLS, "true", "false"]) | st.sampled_from(NUMBERS + TEXTS).map(lambda name: f"has({name})")
    if not depth:
        return leaves[kind]
    number, text, boolean = (_conditions(of, depth - 1) for of in ("number", "text", "bool"))
    choice = st.builds("({} ? {} : {})".format, boolean, _conditions(kind, depth - 1), _conditions(kind, depth - 1))
    grown = {
        "number": st.builds("({} {} {})".format, number, st.sampled_from("+-*/"), number) | number.map("-{}".format),
        "text": st.builds("({} + {})".format, text, text) | number.map("string({})".format),
        "bool": st.builds("({} {} {})".format, boolean, st.sampled_from(["&&", "||", "=="]), boolean)
        | st.builds("({} {} {})".format, number, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number)
        | st.builds("({}.{}({}))".format, text, st.sampled_from(["startsWith", "endsWith", "contains"]), text)
        | st.builds("({} in [{}, {}])".format, text, text, text)
        | st.builds("(size({}) > {})".format, text, st.integers(0, 9))
        | boolean.map("!{}".format),
    }
    return leaves[kind] | grown[kind] | choice


@given(_conditions("bool", 3), st.data())
@settings(max_examples=300, deadline=None)
def test_sound_conditions_do_not_fail(when: str, data: st.DataObject) -> None:
    """Whatever passes the check compiles, and run on any values, some of them missing, it is true, false, or hangs on a missing one.

    Its screen lets through whatever it holds for.
    """
    found = check(when, NAMES["purchase"])
    assert not found.problems
    values: dict[str, float | str | bool] = {}
    for _, name in sorted(found.uses):
        of: dict[str, st.SearchStrategy[float | str | bool]] = {
            "number": st.floats(allow_nan=False),
            "text": st.text(max_size=5),
            "bool": st.booleans(),
        }
        value = data.draw(st.none() | of[NAMES["purchase"]["purchase"][name].type], label=name)
        if value is not None:
            values[name] = value
    row = [math.nan] * len(COLUMN)
    for name, value in values.items():
        if (column := NAMES["purchase"]["purchase"][name].column) is not None:
            row[column] = float(value)
    try:
        holds = compiled(when).execute({"purchase": values})
        assert holds in {True, False}
        assert screen(when, NAMES["purchase"])(row) or not holds
    except MISSING as error:
        assert not isinstance(error, KeyError) or error.args[0] not in values  # noqa: PT017 - what may be raised is the point


@given(st.text(max_size=60) | st.text("purchase.am>=3&|!()[]'\"+-*/%?:, inhs", max_size=80))
@settings(max_examples=500, deadline=None)
def test_garbage_is_refused_in_words(when: str) -> None:
    """No text crashes the check, and what CEL does not understand is not let through."""
    if not problems_of({"on": "purchase", "when": when}):
        compiled(when)
