"""The console at ``/``: upload a picture and see its labels, or look a user up.

One file that asks the public API like any caller does; nothing is loaded from elsewhere, and its
policy lets nothing else run.
"""

import base64
import hashlib
import re
from html import escape
from importlib import resources

SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def console_of(model: str) -> tuple[str, dict[str, str]]:
    """Give the page and its headers.

    Args:
        model: What is served.

    Returns:
        HTML, and headers: a content security policy (https://www.w3.org/TR/CSP3/) that knows the
        page's own script and style by their hashes.
    """
    page = resources.files(__package__).joinpath("console.html").read_text(encoding="utf-8")
    page = page.replace("<header>", f'<body data-model="{escape(model)}">\n<header>', 1)
    policy = (
        "default-src 'none'; connect-src 'self'; img-src blob: data:; "
        f"script-src {_hash(SCRIPT, page)}; style-src {_hash(STYLE, page)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page, {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def _hash(part: re.Pattern[str], page: str) -> str:
    found = part.search(page)
    assert found is not None  # noqa: S101 (the page is this package's own)
    digest = hashlib.sha256(found[1].encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
