"""What a page does once something was done: its rows and the page of a case ask for themselves again, panels close."""

from typing import Final

SETTLED: Final = 'HX-Trigger: {"rows:refresh":true,"preview:close":true,"selection:clear":true}\r\n'
