"""What the gateway asks: one check, as it arrives on `/v1/check` and as the authorize lanes build it.

Decoded once at the edge into a typed struct; whatever a client sends beyond these fields or bounds is refused with the path of the field.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_COST: Final = 1_000_000_000  # tokens; far above any sane capacity, far below where integers of the store end
MAX_BATCH: Final = 1_000  # checks in one call

Cost = Annotated[int, Meta(ge=0, le=MAX_COST)]
Name = Annotated[str, Meta(min_length=1, max_length=512)]
Text = Annotated[str, Meta(max_length=8_192)]
Path = Annotated[str, Meta(min_length=1, max_length=8_192)]
Method = Annotated[str, Meta(min_length=1, max_length=32)]


class CheckRequest(Struct, forbid_unknown_fields=True, gc=False):
    """One request as the gateway describes it; `cost` in tokens, 0 peeks. At least one of api_key, ip, account."""

    method: Method
    path: Path
    api_key: Name | None = None
    ip: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    account: Name | None = None
    plan: Name | None = None
    cost: Cost = 1
    user_agent: Text | None = None
    referrer: Text | None = None
    explain: bool = False

    def __repr__(self) -> str:
        # the default would print the API key into whatever log or traceback shows a request
        return f"CheckRequest({self.method} {self.path.partition('?')[0]} cost={self.cost})"


class BatchRequest(Struct, forbid_unknown_fields=True):
    """Up to MAX_BATCH checks, decided in order."""

    checks: Annotated[list[CheckRequest], Meta(max_length=MAX_BATCH)]
