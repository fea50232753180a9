"""The library that runs CEL, without the command line that its package brings up with it, which costs every start a quarter of a second."""

from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cel import Context, Program
    from cel import compile as compiled
else:

    def _extension():
        package = find_spec("cel")  # which finds it, and does not run it
        found = PathFinder.find_spec("cel.cel", package.submodule_search_locations)
        module = module_from_spec(found)
        found.loader.exec_module(module)
        return module

    _CEL: Final = _extension()
    Context, Program, compiled = _CEL.Context, _CEL.Program, _CEL.compile

__all__ = ["Context", "Program", "compiled"]
