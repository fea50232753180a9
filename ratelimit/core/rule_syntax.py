"""The grammar of a rule's condition: the part of CEL that has no run-time surprises, as a tree in which everything has its place.

The library that runs CEL says neither where a name stands nor of which type it is. So a condition is read here once, when the policy is
loaded; what runs it reads the same text again. Left out are what only builds or walks data: maps, messages, indices, macros other than
`has`, bytes, unsigned integers and null. Chains of one operator are flat, so only brackets and the like make a tree deep.
"""

from functools import cache
from typing import Final, NamedTuple

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from ratelimit.core.expectation import shown

MOST_DEEP: Final = 32  # brackets, calls, signs and choices within one another; people write three or four

_GRAMMAR: Final = r"""
start: expression

?expression: any | any "?" any ":" expression -> choice
?any: all ("||" all)*
?all: relation ("&&" relation)*
?relation: sum ((COMPARED | IN) sum)*
?sum: product ((PLUS | MINUS) product)*
?product: unary ((TIMES | OVER | MODULO) unary)*
?unary: member | NOT+ member -> negation | MINUS+ member -> minus
?member: primary
       | member "." NAME -> select
       | member "." NAME "(" [_arguments] ")" -> method
?primary: NAME -> name
        | NAME "(" [_arguments] ")" -> call
        | "(" expression ")" -> group
        | "[" [_arguments] "]" -> list
        | INTEGER -> integer
        | NUMBER -> number
        | TEXT -> text
        | "true" -> bool
        | "false" -> bool

_arguments: expression ("," expression)*

COMPARED: "<=" | ">=" | "==" | "!=" | "<" | ">"
IN: "in"
PLUS: "+"
MINUS: "-"
TIMES: "*"
OVER: "/"
MODULO: "%"
NOT: "!"
NAME: /[A-Za-z_][A-Za-z0-9_]*/
NUMBER.2: /[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/
INTEGER.1: /0x[0-9a-fA-F]+|[0-9]+/
TEXT.3: /r?("([^"\\\n\r]|\\.)*"|'([^'\\\n\r]|\\.)*')/
%ignore /[ \t\n\r\f]+/
%ignore /\/\/[^\n]*/
"""
_QUOTES: Final = frozenset("\"'")


class RuleSyntaxError(ValueError):
    """A text that is no condition; `line` and `column` from 1."""

    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(text)
        self.line, self.column = line, column


class Node(NamedTuple):
    """A part of a condition. `text` is what is written there; `parts` are in its order, signs and names among them.

    `kind` is the rule of the grammar that it follows, or `word`: a sign or a name that another part is made of. `line` and `column` from 1.
    """

    kind: str
    text: str
    parts: tuple["Node", ...]
    line: int
    column: int

    @property
    def branches(self) -> tuple["Node", ...]:
        """The parts that are more than a word."""
        return tuple(part for part in self.parts if part.kind != "word")


@cache
def _parser() -> Lark:  # made for the first condition: it takes some 30 ms, which who has no rules need not wait for
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def parse(source: str) -> Node:
    """The tree of a condition. Raises RuleSyntaxError."""
    try:
        tree = _parser().parse(source)
    except UnexpectedCharacters as error:
        raise RuleSyntaxError(error.line, error.column, _odd(error)) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            line, column = _end(source)
            raise RuleSyntaxError(line, column, f"the condition ends too early; expected {_next(error)}") from None
        raise RuleSyntaxError(error.line, error.column, f"{shown(str(error.token))} is not allowed here; expected {_next(error)}") from None
    return _node(source, tree.children[0], MOST_DEEP)


def _node(source: str, found: Tree[Token] | Token, deep: int) -> Node:
    """What runs a condition walks it by calling itself, and must not run out of stack: so it may be `deep` and no deeper."""
    if isinstance(found, Token):
        return Node("word", str(found), (), found.line or 1, found.column or 1)
    meta = found.meta
    if not deep:
        raise RuleSyntaxError(meta.line, meta.column, f"is nested deeper than {MOST_DEEP} levels; expected less, or several rules")
    parts = tuple(_node(source, child, deep - 1) for child in found.children)
    return Node(str(found.data), source[meta.start_pos : meta.end_pos], parts, meta.line, meta.column)


def _odd(error: UnexpectedCharacters) -> str:
    if error.char in _QUOTES:
        return f"the text that {error.char} begins has no end on this line; expected {error.char} after it"
    return f"{shown(error.char)} means nothing here; expected {_next(error)}"


def _next(error: UnexpectedInput) -> str:
    wanted = error.accepts if isinstance(error, UnexpectedToken) else error.allowed  # type: ignore[attr-defined]
    if "NAME" in wanted and "NUMBER" in wanted:
        return "a value such as purchase.amount, 3 or 'text'"
    if wanted == {"NAME"}:
        return "a name"
    closing = [sign for token, sign in (("RPAR", ")"), ("RSQB", "]"), ("COLON", ":")) if token in wanted]
    return " or ".join(["an operator such as && or >=", *closing] if closing else ["an operator such as && or >=, or the end"])


def _end(source: str) -> tuple[int, int]:
    lines = source.split("\n")
    return len(lines), len(lines[-1]) + 1
