"""Which models a policy names, where they lie, and what it asks of them: for requests and for purchases, each in its section of `risk`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ratelimit.core.policy import Policy
from ratelimit.core.risk_rule import PurchaseRisk, RequestRisk


class Versioned(Protocol):
    """A model, whatever it scores."""

    @property
    def version(self) -> str:
        """As files and metrics name it."""

    @property
    def calibrated(self) -> bool:
        """Whether it has a risk to give."""


@dataclass(frozen=True, slots=True)
class ModelSection:
    """A section of `risk`. Its *champion* gives risks, its *challenger* decides nothing; both lie beside the policy's own file.

    `own` is the site's past that makes a model calibrated, and `prefix` comes before the roles of its models.
    """

    name: str
    rules: Callable[[Policy], RequestRisk | PurchaseRisk | None]
    own: str
    prefix: str = ""

    def champion(self, policy: Policy) -> Path | None:
        """The folder of the model that gives risks."""
        rules = self.rules(policy)
        return Path(policy.source).parent / rules.model if rules is not None else None

    def challenger(self, policy: Policy) -> Path | None:
        """The folder of the model that is only watched."""
        rules = self.rules(policy)
        return Path(policy.source).parent / rules.challenger if rules is not None and rules.challenger is not None else None

    def problem(self, policy: Policy, model: Versioned) -> str | None:
        """Why the policy cannot be enforced with this champion."""
        rules = self.rules(policy)
        if model.calibrated or rules is None or "shadow" in (policy.mode, rules.mode):
            return None
        return (
            f"$.risk.{self.name}.mode: enforce needs a calibrated model; {rules.model} ({model.version}) is not, so there is no risk; "
            f"run `ratelimit calibrate` on the site's own {self.own}, or say mode: shadow"
        )


def _purchases(policy: Policy) -> PurchaseRisk | None:
    return policy.file.risk.purchases if policy.file.risk is not None else None


REQUESTS: Final = ModelSection("requests", lambda policy: policy.risk, "traffic")
PURCHASES: Final = ModelSection("purchases", _purchases, "purchases", "purchase ")
