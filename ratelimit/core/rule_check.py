"""Checks a rule's condition before it is ever run: every name is known, every operand and argument is of a type that fits, the whole is a
bool. What passes cannot fail when it is run, except by a missing value, or by `int()` of a number that no integer can hold.

CEL converts nothing by itself: a double and an integer can be compared and not added. All signals and facts that are numbers are doubles,
so integers are met only as literals, and from `size()` and `int()`; but for `%` they are not computed with.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ratelimit.core.expectation import meant, shown
from ratelimit.core.rule_function import FUNCTIONS, NUMBERS
from ratelimit.core.rule_names import Name, Type
from ratelimit.core.rule_syntax import Node, RuleSyntaxError, parse

_MOST_INTEGER: Final = 2**53
_MOST_DIGITS: Final = 20
_MOST_QUOTED: Final = 40
_CALLED: Final[Mapping[Type, str]] = {"number": "a number", "integer": "an integer", "text": "a text", "bool": "true or false"}

Names = Mapping[str, Mapping[str, Name]]


class Checked(NamedTuple):
    """What was found: `problems`, each with its place before it, and what the condition `uses`, as (variable, name).

    `patterns` are the regular expressions in it, as they are written, each with its place: what runs them has to say whether they are any.
    """

    problems: tuple[str, ...]
    uses: frozenset[tuple[str, str]] = frozenset()
    patterns: tuple[tuple[str, str], ...] = ()


def check(source: str, names: Names) -> Checked:
    """Every problem of a condition that may name `names`."""
    try:
        tree = parse(source)
    except RuleSyntaxError as error:
        return Checked((f"{located(source, error.line, error.column)}: {error}",))
    walk = _Walk(source, names)
    walk.condition(tree, "the condition")
    return Checked(tuple(walk.problems), frozenset(walk.uses), tuple(walk.patterns))


def located(source: str, line: int, column: int) -> str:
    """A place as messages say it: of a condition on one line its column is enough."""
    return f"line {line}, column {column}" if "\n" in source.strip() else f"column {column}"


class _Walk:
    """One pass. A type is None where a problem was reported, so that it is reported once."""

    def __init__(self, source: str, names: Names) -> None:
        self.problems: list[str] = []
        self.uses: set[tuple[str, str]] = set()
        self.patterns: list[tuple[str, str]] = []
        self._source, self._names = source, names
        self._rules: Mapping[str, Callable[[Node], Type | None]] = {
            "choice": self._choice,
            "any": self._logic,
            "all": self._logic,
            "relation": self._relation,
            "sum": self._arithmetic,
            "product": self._arithmetic,
            "negation": self._negation,
            "minus": self._minus,
            "select": self._select,
            "name": self._name,
            "method": self._method,
            "call": self._call,
            "group": lambda node: self.type_of(node.branches[0]),
            "list": self._list,
            "integer": self._integer,
            "number": self._number,
            "text": lambda _: "text",
            "bool": lambda _: "bool",
        }

    def type_of(self, node: Node) -> Type | None:
        return self._rules[node.kind](node)

    def condition(self, node: Node, what: str) -> Type | None:
        """Reports what is no bool."""
        found = self.type_of(node)
        if found is not None and found != "bool":
            like = f", such as {self._quoted(node)} >= 3" if found in NUMBERS else ""
            self._report(node, f"{self._described(node, found)}; expected {what} to be true or false{like}")
        return "bool"

    def _report(self, node: Node, text: str) -> None:
        self.problems.append(f"{located(self._source, node.line, node.column)}: {text}")

    def _quoted(self, node: Node) -> str:
        text = " ".join(node.text.split())
        return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"

    def _described(self, node: Node, found: Type) -> str:
        return f"{self._quoted(node)} is {_CALLED[found]}"

    def _choice(self, node: Node) -> Type | None:
        condition, first, second = node.branches
        self.condition(condition, "what stands before ?")
        one, other = self.type_of(first), self.type_of(second)
        if one is not None and other is not None and one != other:
            self._report(second, f"{self._described(second, other)} and {self._described(first, one)}; expected the same of both")
            return None
        return one

    def _logic(self, node: Node) -> Type | None:
        sign = "||" if node.kind == "any" else "&&"
        for part in node.branches:
            self.condition(part, f"each side of {sign}")
        return "bool"

    def _relation(self, node: Node) -> Type | None:
        first, sign, second, *more = node.parts
        if more:
            self._report(more[0], f"{shown(more[0].text)} after another comparison; expected && between two comparisons")
            return None
        left = self.type_of(first)
        if sign.text == "in":
            self._membership(first, left, second)
            return "bool"
        right = self.type_of(second)
        if left is None or right is None:
            return "bool"
        ordered = sign.text not in {"==", "!="}
        if _alike(left) != _alike(right) or (ordered and left == "bool"):
            fit = "two numbers or two texts" if ordered else "two of the same type"
            self._report(sign, f"{self._described(first, left)} and {self._described(second, right)}; expected {fit} beside {sign.text}")
        return "bool"

    def _membership(self, first: Node, left: Type | None, second: Node) -> None:
        if second.kind != "list":
            self._report(second, f"{self._quoted(second)} is no list; expected one such as ['US', 'CA'] after in")
            return
        item = self._items(second)
        if left is not None and item is not None and _alike(left) != _alike(item):
            self._report(second, f"{self._described(first, left)} and never in a list of which each is {_CALLED[item]}")

    def _list(self, node: Node) -> Type | None:
        self._report(node, "a list is allowed only after in")
        return None

    def _items(self, node: Node) -> Type | None:
        items = node.branches
        if not items:
            self._report(node, "the list is empty; expected values between [ and ]")
        types = [self.type_of(item) for item in items]
        for item, found in zip(items, types, strict=True):
            if found is not None and types[0] is not None and _alike(found) != _alike(types[0]):
                self._report(item, f"{self._described(item, found)} and the first is {_CALLED[types[0]]}; expected items of one type")
                return None
        return types[0] if types else None

    def _arithmetic(self, node: Node) -> Type | None:
        first, *rest = node.parts
        left, so_far = self.type_of(first), first
        for sign, second in zip(rest[::2], rest[1::2], strict=True):
            right = self.type_of(second)
            left = None if left is None or right is None else self._result(so_far, left, sign, second, right)
            so_far = second
        return left

    def _result(self, first: Node, left: Type, sign: Node, second: Node, right: Type) -> Type | None:
        if sign.text == "+" and left == right == "text":
            return "text"
        if sign.text == "%":
            return self._remainder(first, left, second, right)
        if left == right == "number":
            return "number"
        for node, found in ((first, left), (second, right)):
            if found not in NUMBERS:
                self._report(node, f"{self._described(node, found)}; expected a number beside {sign.text}")
                return None
        node = first if left == "integer" else second
        advice = f"{self._quoted(node)}.0" if node.kind == "integer" else f"double({self._quoted(node)})"
        self._report(node, f"{self._described(node, 'integer')}, which CEL does not compute with beside a double; expected {advice}")
        return None

    def _remainder(self, first: Node, left: Type, second: Node, right: Type) -> Type | None:
        if left != "integer":
            self._report(first, f"{self._described(first, left)}; expected an integer before %, such as int({self._quoted(first)})")
            return None
        if second.kind != "integer" or not _value(second.text):
            self._report(second, f"{self._quoted(second)} is {_CALLED[right]}; expected an integer such as 100 after %, written out")
            return None
        return "integer"

    def _negation(self, node: Node) -> Type | None:
        return self.condition(node.branches[0], "what stands after !")

    def _minus(self, node: Node) -> Type | None:
        (operand,) = node.branches
        found = self.type_of(operand)
        if found is not None and found not in NUMBERS:
            self._report(operand, f"{self._described(operand, found)}; expected a number after -")
            return None
        return found

    def _name(self, node: Node) -> Type | None:
        name = node.text
        if name in self._names:
            self._report(node, f"{name} is not a value; expected one of what it has, such as {name}.{next(iter(self._names[name]))}")
        elif name == "null":
            self._report(node, "null is not known here; expected has(NAME), which says whether there is a value")
        else:
            self._report(node, f"{shown(name)} is not known here{self._meant(name)}; expected {self._variables()}")
        return None

    def _select(self, node: Node) -> Type | None:
        of, member = node.parts
        if of.kind != "name" or of.text not in self._names:
            if of.kind == "name":
                return self._name(of)
            self._report(member, f"{self._quoted(of)} has nothing in it; expected {self._variables()}")
            return None
        variable = of.text
        known = self._names[variable].get(member.text)
        if known is None:
            self._unknown(node, variable, member.text)
            return None
        self.uses.add((variable, member.text))
        return known.type

    def _unknown(self, node: Node, variable: str, member: str) -> None:
        for other, names in self._names.items():  # it may be a name of another
            if other != variable and member.removeprefix(f"{other}_") in names:
                near = f" (did you mean '{other}.{member.removeprefix(f'{other}_')}'?)"
                break
        else:
            near = meant(member, self._names[variable]).replace("'", f"'{variable}.", 1)
        self._report(node, f"{variable}.{shown(member)[1:-1]} is not a signal here{near}; `ratelimit policy names` lists them")

    def _meant(self, name: str) -> str:
        """A signal without its variable, or a variable misspelt."""
        for variable, names in self._names.items():
            if name in names:
                return f" (did you mean '{variable}.{name}'?)"
        return meant(name, (*self._names, "true", "false"))

    def _variables(self) -> str:
        return " or ".join(f"{variable}.NAME" for variable in self._names)

    def _call(self, node: Node) -> Type | None:
        name, *arguments = node.parts
        if name.text == "has":
            return self._has(node, arguments)
        return self._called(name, arguments, method=False)

    def _method(self, node: Node) -> Type | None:
        of, name, *arguments = node.parts
        return self._called(name, [of, *arguments], method=True)

    def _has(self, node: Node, arguments: list[Node]) -> Type | None:
        if len(arguments) != 1 or arguments[0].kind != "select":
            self._report(node, f"{self._quoted(node)} asks for no value; expected {FUNCTIONS['has'].like}")
            return None
        return None if self.type_of(arguments[0]) is None else "bool"

    def _called(self, name: Node, arguments: list[Node], *, method: bool) -> Type | None:
        function = FUNCTIONS.get(name.text)
        if function is None:
            close = meant(name.text, FUNCTIONS)
            self._report(name, f"{shown(name.text)} is not a function here{close}; expected one of {', '.join(FUNCTIONS)}")
            return None
        if len(arguments) != len(function.takes) or method != function.method:
            self._report(name, f"{name.text} is not called so; expected {function.like}")
            return None
        types = [self.type_of(argument) for argument in arguments]
        for argument, found, takes in zip(arguments, types, function.takes, strict=True):
            if found is not None and found not in takes:
                self._report(argument, f"{self._described(argument, found)}; expected {function.like}")
                return None
        if name.text == "matches" and None not in types:
            self._pattern(arguments[1])
        return None if None in types else function.gives

    def _pattern(self, node: Node) -> None:
        if node.kind == "text":
            self.patterns.append((located(self._source, node.line, node.column), node.text))
        else:
            self._report(
                node, f"{self._quoted(node)} is not written out; expected a pattern in quotes, such as {FUNCTIONS['matches'].like}"
            )

    def _integer(self, node: Node) -> Type | None:
        text = node.text
        if len(text) > _MOST_DIGITS or _value(text) > _MOST_INTEGER:
            self._report(node, f"{shown(text)} is too big; expected an integer <= {_MOST_INTEGER}")
            return None
        return "integer"

    def _number(self, node: Node) -> Type | None:
        text = node.text
        if float(text) == float("inf"):
            self._report(node, f"{shown(text)} is too big; expected a number below 1e308")
            return None
        return "number"


def _value(text: str) -> int:
    return int(text, 16 if text.startswith("0x") else 10)


def _alike(found: Type) -> str:
    """Numbers of both types can be compared."""
    return "number" if found == "integer" else found
