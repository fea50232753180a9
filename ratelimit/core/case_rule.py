"""The policy's section `cases`: how many cases of the model a day people can look at."""

from typing import Annotated

from msgspec import Meta, Struct


class CaseRules(Struct, frozen=True, forbid_unknown_fields=True):
    """In any 24 hours at most `per_day` cases are opened by the model; warnings, appeals and rules come on top."""

    per_day: Annotated[int, Meta(ge=0, le=10_000)] = 50
