"""The OpenAPI document as a page for people: one file, nothing loaded from elsewhere."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { font-size: 1.1rem; margin: 2rem 0 0 } code, pre { font-size: .9rem }
pre { background: #f4f4f4; padding: .8rem; overflow-x: auto } td { padding: 0 1rem 0 0 }
"""


def page_of(document: dict[str, Any]) -> str:
    """Write the page.

    Args:
        document: OpenAPI.

    Returns:
        HTML.
    """
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    operations = "".join(
        part
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post"}
        for part in _operation(path, method, operation)
    )
    schemas = "".join(
        f'<h2 id="{escape(name)}">{escape(name)}</h2>'
        f"<pre>{escape(json.dumps(schema, indent=2, ensure_ascii=False))}</pre>"
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>"
        f'<p>For machines: <a href="openapi.json">openapi.json</a></p>{operations}{schemas}</html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}"
    if "requestBody" in operation:
        yield f"<br>Takes {_contents(operation['requestBody']['content'])}"
    yield "</p><table>"
    for status, response in operation["responses"].items():
        said, gives = escape(response["description"]), _contents(response["content"])
        yield f"<tr><td>{escape(status)}<td>{said}<td>{gives}"
    yield "</table>"


def _contents(content: dict[str, Any]) -> str:
    """Name the media types, with a link to each one's schema."""
    names = []
    for media, each in content.items():
        schema = each["schema"].get("$ref", "").rpartition("/")[2]
        link = f' <a href="#{escape(schema)}">{escape(schema)}</a>' if schema else ""
        names.append(f"<code>{escape(media)}</code>{link}")
    return ", ".join(names)
