"""The part of https://google.aip.dev/160 that metadata's and models' lists document."""

import re
from collections.abc import Callable
from typing import Any

from standins.vertex.names import canonical
from standins.vertex.refusals import unimplemented

Test = Callable[[Any], bool]
TOKEN = re.compile(r'\s*(\(|\)|AND\b|OR\b|!=|=|:|,|"(?:[^"\\]|\\.)*"|[\w.\-]+(?:\."[^"]*")?[\w.]*)')
METADATA = re.compile(r'metadata\.(?:"([^"]+)"|(\w+))\.(string|number|bool)_value')
ATTRIBUTES = ("name", "display_name", "schema_title", "uri", "state")


class Filter:
    """A filter of one list request.

    Args:
        text: What the request says.
        related: Tells whether a node is related to a context: by ``in_context`` or
            ``parent_contexts``, the node's name, the context's name.
    """

    def __init__(self, text: str, related: Callable[[str, str, str], bool]) -> None:
        self._text = text
        self._related = related
        self._tokens = self._cut(text)
        self._test: Test = self._any() if self._tokens else lambda _node: True
        if self._tokens:
            raise unimplemented(f"filter {text!r}")

    def keeps(self, node: Any) -> bool:
        """Tell whether a node (the protobuf message) is among those asked for."""
        return self._test(node)

    def _cut(self, text: str) -> list[str]:
        tokens, at = [], 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if found is None:
                raise unimplemented(f"filter {text!r}")
            tokens.append(found[1])
            at = found.end()
        return tokens

    def _any(self) -> Test:
        tests = [self._all()]
        while self._tokens and self._tokens[0] == "OR":
            self._tokens.pop(0)
            tests.append(self._all())
        return lambda node: any(test(node) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._tokens and self._tokens[0] == "AND":
            self._tokens.pop(0)
            tests.append(self._one())
        return lambda node: all(test(node) for test in tests)

    def _next(self, wanted: str | None = None) -> str:
        if not self._tokens or (wanted is not None and self._tokens[0] != wanted):
            raise unimplemented(f"filter {self._text!r}")
        return self._tokens.pop(0)

    def _one(self) -> Test:
        word = self._next()
        if word == "(":
            test = self._any()
            self._next(")")
            return test
        if word == "in_context":
            self._next("(")
            context = self._value()
            self._next(")")
            return self._relation(word, [context])
        if word == "parent_contexts":
            self._next(":")
            contexts = [self._value()]
            while self._tokens and self._tokens[0] == ",":
                self._tokens.pop(0)
                contexts.append(self._value())
            return self._relation(word, contexts)
        return self._comparison(word)

    def _relation(self, kind: str, contexts: list[str]) -> Test:
        names = [canonical(each) for each in contexts]
        return lambda node: any(self._related(kind, node.name, each) for each in names)

    def _value(self) -> str:
        token = self._next()
        return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token

    def _comparison(self, field: str) -> Test:
        operator, value = self._next(), self._value()
        if operator not in {"=", "!="}:
            raise unimplemented(f"filter {self._text!r}")
        if field in ATTRIBUTES:
            wanted = canonical(value) if field == "name" else value
            return lambda node: (str(getattr(node, field, "")) == wanted) == (operator == "=")
        if field.startswith("labels."):
            key = field.removeprefix("labels.")
            return lambda node: (node.labels.get(key) == value) == (operator == "=")
        if (found := METADATA.fullmatch(field)) and operator == "=":
            key, kind = found[1] or found[2], f"{found[3]}_value"
            return lambda node: _holds(node, key, kind, value)
        raise unimplemented(f"filter {self._text!r}")


def _holds(node: Any, key: str, kind: str, wanted: str) -> bool:
    fields = node.metadata.fields
    if key not in fields or fields[key].WhichOneof("kind") != kind:
        return False
    value = getattr(fields[key], kind)
    if kind == "number_value":
        return bool(value == float(wanted))
    return bool(str(value).lower() == wanted.lower() if kind == "bool_value" else value == wanted)
