"""MLflow's names, which may be anything, as Vertex AI's IDs and labels, which may not."""

import hashlib
import re
from collections.abc import Mapping

LONGEST = 60  # of an ID; a run's adds 33 characters to its experiment's
HASH = 8
LABEL = 63
LABELS = 60  # of 64; the rest is for those that others set


def node_id(name: str, attempt: int = 0) -> str:
    """Return the ID of what has a name, in metadata: the name itself where that is one.

    Args:
        name: Any text.
        attempt: How many IDs of the same name are taken by others.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if plain == name and 4 <= len(name) <= LONGEST and not attempt:  # noqa: PLR2004 (the proto's)
        return name
    told_apart = hashlib.sha256(f"{attempt}:{name}".encode()).hexdigest()[:HASH]
    return f"{plain[: LONGEST - HASH - 1]}-{told_apart}".lstrip("-")


def model_id(name: str, attempt: int = 0) -> str:
    """Return the ID of a registered model: lower case, digits, _ and -, a letter first."""
    if re.fullmatch(r"[a-z][a-z0-9_-]*", name) and len(name) <= LONGEST and not attempt:
        return name
    return f"m-{node_id(name, attempt)}"[:LONGEST]


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Return those tags that labels can hold; the others are only kept beside."""
    fitting = {key: tags[key] for key in sorted(tags) if _fits(key, tags[key])}
    return dict(list(fitting.items())[:LABELS])


def _fits(key: str, value: str) -> bool:
    return bool(
        re.fullmatch(rf"[a-z][a-z0-9_-]{{0,{LABEL - 1}}}", key)
        and re.fullmatch(rf"[a-z0-9_-]{{0,{LABEL}}}", value)
    )


def is_alias(alias: str) -> bool:
    """Tell whether Vertex AI can hold an alias; its own ``default`` is not MLflow's."""
    return alias != "default" and bool(re.fullmatch(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]", alias))
