"""The API explorer: documentation for integrators, with calls from the browser.

`/docs` runs real calls with a sandbox key or client credentials; `/docs/errors` and `/docs/events` list every
problem and every event. Everything is served by this installation: no CDN, no inline script.
"""

from getbill.explorer.api import mount_assets, router
from getbill.explorer.document import MODELS, finish_document
