"""The few pages of the operator lane, and the files of Swagger UI that they need. Nothing is loaded from elsewhere."""

from typing import Final

ASSETS: Final = {
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/favicon-32x32.png": "image/png",
}

# Swagger UI sets styles on elements and shows icons from data: URLs; beyond that nothing runs and nothing is loaded that is not ours
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HTML: Final = "text/html; charset=utf-8"

_INDEX: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ratelimit</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }
  dt { font-weight: 600; margin-top: 1rem }
  dd { margin: 0 }
</style>
<h1>ratelimit, operator lane</h1>
<dl>
  <dt><a href="/docs">Documentation</a></dt><dd>every call of both lanes (<a href="/openapi.json">openapi.json</a>)</dd>
  <dt><a href="/v1/policy">Policy</a></dt><dd>what is in force, its warnings, and the problems of its file</dd>
  <dt><a href="/v1/records">Records</a></dt><dd>the latest refusals of this sidecar</dd>
  <dt><a href="/metrics">Metrics</a></dt><dd>for Prometheus</dd>
  <dt><a href="/readyz">Ready</a>, <a href="/livez">alive</a></dt><dd>for probes</dd>
</dl>
"""

_DOCS: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ratelimit: documentation</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
"""

# no "try it out": the gateway lane is another origin
_START: Final = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  supportedSubmitMethods: [],
  validatorUrl: null,
});
"""

PAGES: Final = {"/": (_HTML, _INDEX), "/docs": (_HTML, _DOCS), "/docs/start.js": ("text/javascript; charset=utf-8", _START)}
