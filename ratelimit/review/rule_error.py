"""What goes wrong when people work on rules and models, in words for them."""

from collections.abc import Sequence

from ratelimit.service.rule_source import TextProblem


class RuleError(Exception):
    """It was not done; the text says what did not happen, why, and what now."""


class NoRuleError(RuleError):
    """There is no such rule, or no such version of it."""


class NotNowError(RuleError):
    """Somebody was faster, or it is not at that step."""


class NotAllowedError(RuleError):
    """Whoever asks may not, or not alone."""


class NotSoundError(RuleError):
    """The rule itself has problems."""

    def __init__(self, problems: Sequence[TextProblem]) -> None:
        super().__init__("; ".join(it.text if it.line is None else f"line {it.line}: {it.text}" for it in problems))
        self.problems = tuple(problems)
