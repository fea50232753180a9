"""The errors a user can meet, each saying what was found, where, and what would do.

Everything here derives from RatelimitError; the command line turns it into a message and an exit code, never into a traceback.
"""


class RatelimitError(Exception):
    """A mistake or a fault that a person can act on; `exit_code` is what the command line returns for it."""

    exit_code = 1


class ConfigError(RatelimitError):
    """Settings, policy or arguments that cannot be used; `problems` holds every one of them, a line each."""

    exit_code = 2

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnitError(ValueError):
    """A text that is not the quantity it should be, such as a refill of `ten/s`."""


class DependencyError(RatelimitError):
    """Something the product stands on is away: the store cannot be reached, a server does not start."""

    exit_code = 3
