"""Currencies by ISO 4217: which codes are money, and in how many decimal places their minor unit stands."""

from collections.abc import Mapping
from typing import Final

from iso4217 import Currency

# what has no minor unit (gold, funds, the code for tests) is no money that a card is charged in
MINOR_DIGITS: Final[Mapping[str, int]] = {one.code: digits for one in Currency if (digits := one.exponent) is not None}
