"""Models and policies on the operator lane: what is in force, and which model gives risks."""

from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.review.model_card import SECTIONS, ModelCard, Section
from ratelimit.review.model_drift import Drifted
from ratelimit.review.models import Agreement, Models, ModelsFound
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.rules import READ, WRITE, asked_of, said

MODELS: Final = "/v1/models"
PROMOTE: Final = f"{MODELS}/{{section}}/promote"
BACK: Final = f"{MODELS}/{{section}}/back"


class ModelAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The folder of the challenger, as it was seen, and why it should give risks."""

    model: str
    why: str


class ModelBack(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the file's model is put in force again."""

    why: str


class ModelSectionView(Struct, frozen=True, kw_only=True):
    """A section of `risk`; `named` is the model that the policy's file names, `put_by` who put another in its place."""

    section: str
    named: str | None
    mode: str
    above: tuple[float, ...]
    champion: ModelCard | None
    challenger: ModelCard | None
    put_by: str | None
    lapsed: bool
    agreement: Agreement | None
    drift: tuple[Drifted, ...]


class PolicyView(Struct, frozen=True):
    """A policy that was in force from then on; records name its digest. `policy` is what it says."""

    digest: str
    since: float
    policy: Any


class ModelsView(Struct, frozen=True):
    """The sections, and the policies that were in force, latest first."""

    sections: list[ModelSectionView]
    policies: list[PolicyView]


class ModelTold(Struct, frozen=True):
    """Whether the sidecars are told already; else they will be."""

    told: bool


class ModelCalls:
    """Shows models, and takes who gives risks."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", MODELS, self.list, role="viewer", scope=READ),
            Route("POST", PROMOTE, self.promote, role="admin", scope=WRITE),
            Route("POST", BACK, self.back, role="admin", scope=WRITE),
        ]

    async def list(self, _request: web.Request) -> Reply:
        """All of them."""
        return json_reply(200, _view(await said(self._models.look())))

    async def promote(self, request: web.Request) -> Reply:
        """Have the challenger give risks."""
        section = _section(request)
        asked = await asked_of(request, ModelAsked)
        return json_reply(200, ModelTold(await said(self._models.promote(request[PRINCIPAL], section, asked.model, asked.why))))

    async def back(self, request: web.Request) -> Reply:
        """Have the file's models in force again."""
        section = _section(request)
        asked = await asked_of(request, ModelBack)
        return json_reply(200, ModelTold(await said(self._models.unpin(request[PRINCIPAL], section, asked.why))))


def _view(found: ModelsFound) -> ModelsView:
    sections = [
        ModelSectionView(
            section=it.section,
            named=it.named,
            mode=it.mode,
            above=it.above,
            champion=it.champion,
            challenger=it.challenger,
            put_by=it.pin.by_login if it.pin is not None else None,
            lapsed=it.lapsed,
            agreement=it.agreement,
            drift=it.drift,
        )
        for it in found.sections
    ]
    policies = [PolicyView(it.digest, it.since, msgspec.json.decode(it.text) if it.text is not None else None) for it in found.policies]
    return ModelsView(sections, policies)


def _section(request: web.Request) -> Section:
    text = request.match_info["section"]
    if text not in SECTIONS:
        raise ClientError(404, f"there are models of {' and '.join(SECTIONS)}, and of nothing else")
    return text
