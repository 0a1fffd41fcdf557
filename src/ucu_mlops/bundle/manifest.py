"""What a model bundle says of itself: ``bundle.json``, read strictly.

An unknown key, a missing one or one of another type is refused, so a bundle written by another
version of the code is noticed when it is opened and not when its answers are wrong.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ucu_mlops import __version__
from ucu_mlops.errors import BundleError, ConfigurationError
from ucu_mlops.quality.hashing import derived_id

SCHEMA_VERSION = 1
FEATURE_KINDS = ("numeric", "categorical")
MODEL_KINDS = ("model", "rule")

JSON_TYPES: Mapping[str, type] = {
    "model": str,
    "kind": str,
    "as_of": str,
    "features": list,
    "labels": list,
    "policy": dict,
    "calibration": dict,
    "reference": dict,
    "training": dict,
    "code_version": str,
    "files": dict,
    "schema_version": int,
}


@dataclass(frozen=True)
class FeatureSpec:
    """One input of the model.

    Attributes:
        name: The feature's column, and the ONNX input's name.
        kind: ``numeric`` (float32) or ``categorical`` (string).
        group: The feature group that declares it.
        definition: Hash of the group's declaration that the model was trained on.
    """

    name: str
    kind: str
    group: str
    definition: str

    def __post_init__(self) -> None:
        """Refuse a kind that no input has."""
        if self.kind not in FEATURE_KINDS:
            raise ConfigurationError(
                f"kind of feature {self.name!r} must be one of {FEATURE_KINDS}, got {self.kind!r}"
            )


@dataclass(frozen=True)
class LabelSpec:
    """One answer of the model.

    Attributes:
        name: The label, for instance ``scam``.
        threshold: The probability from which on the label counts as shown.
    """

    name: str
    threshold: float


@dataclass(frozen=True)
class Manifest:
    """All that a bundle says of itself.

    Attributes:
        model: The model's name.
        kind: ``model``, or ``rule`` for what stands in before there is one.
        as_of: ISO date of the last day that training saw (UTC).
        features: The inputs, in the order of the training columns.
        labels: The answers, in the order of the output's columns.
        policy: How its answers are reviewed; for a rule also its weights.
        calibration: How log-odds became probabilities.
        reference: What is usual, for drift and for reasons; empty until it is measured.
        training: What the model was trained on, and how.
        code_version: Version of this package that wrote the bundle.
        files: SHA-256 (hexadecimal) of each other file of the folder, by name.
        schema_version: Version of this very format.
    """

    model: str
    kind: str
    as_of: str
    features: tuple[FeatureSpec, ...]
    labels: tuple[LabelSpec, ...]
    policy: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)
    reference: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    code_version: str = __version__
    files: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Refuse a kind that no bundle has and names that occur twice."""
        if self.kind not in MODEL_KINDS:
            raise ConfigurationError(
                f"kind of model {self.model!r} must be one of {MODEL_KINDS}, got {self.kind!r}"
            )
        for what, specs in (("features", self.features), ("labels", self.labels)):
            names = [spec.name for spec in specs]
            if len(set(names)) < len(names):
                raise ConfigurationError(f"{what} of {self.model!r} repeat a name, got {names}")

    @property
    def takes_pictures(self) -> bool:
        """Whether it is asked about pictures: what features it has are then only watched."""
        return "preprocessing" in self.policy

    @property
    def definition(self) -> str:
        """One hash of every input's name, kind and definition, in order."""
        parts = (f"{spec.name}:{spec.kind}:{spec.definition}" for spec in self.features)
        return derived_id(*parts)

    def to_json(self) -> str:
        """Write the manifest as JSON that is the same for equal manifests.

        Raises:
            BundleError: A value is no JSON, for instance NaN.
        """
        try:
            return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise BundleError(
                f"manifest of {self.model!r} holds what JSON cannot: {error}; "
                "use numbers, strings, lists and dicts, and null for NaN"
            ) from error

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "bundle.json") -> "Manifest":
        """Read a manifest strictly.

        Args:
            text: What ``to_json`` wrote.
            where: The file it came from, for messages.

        Raises:
            BundleError: It is no JSON, of another schema version, or its keys or types differ.
        """
        raw = _parsed(text, where)
        if (found := raw.get("schema_version")) != SCHEMA_VERSION:
            raise BundleError(
                f"{where}: schema_version must be {SCHEMA_VERSION}, got {found!r}; "
                "open it with the code version that wrote it, or train again"
            )
        _check_keys(raw, set(JSON_TYPES), where)
        for name, kind in JSON_TYPES.items():
            if not isinstance(raw[name], kind):
                raise BundleError(f"{where}: {name} must be a {kind.__name__}, got {raw[name]!r}")
        try:
            return cls(
                **{
                    **raw,
                    "features": tuple(_spec(FeatureSpec, each, where) for each in raw["features"]),
                    "labels": tuple(_spec(LabelSpec, each, where) for each in raw["labels"]),
                }
            )
        except ConfigurationError as error:
            raise BundleError(f"{where}: {error}") from error


def _parsed(text: str | bytes, where: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both ValueErrors
        raise BundleError(
            f"{where} is not JSON ({error}); fetch or write the bundle again"
        ) from error
    if not isinstance(raw, dict):
        raise BundleError(f"{where} must hold an object, got {type(raw).__name__}")
    return raw


def _check_keys(raw: Mapping[str, Any], expected: set[str], where: str) -> None:
    if missing := sorted(expected - set(raw)):
        raise BundleError(f"{where} lacks {missing}; write the bundle again")
    if unknown := sorted(set(raw) - expected):
        raise BundleError(f"{where} has unknown {unknown}; write the bundle again")


def _spec(kind: type[FeatureSpec] | type[LabelSpec], raw: Any, where: str) -> Any:
    if not isinstance(raw, dict):
        raise BundleError(f"{where}: a {kind.__name__} must be an object, got {raw!r}")
    _check_keys(raw, {each.name for each in fields(kind)}, f"{where}: a {kind.__name__}")
    for each in fields(kind):
        allowed = (int, float) if each.type is float else (str,)
        if not isinstance(raw[each.name], allowed):
            raise BundleError(f"{where}: {each.name} of {raw} must be {each.type}")
    return kind(**raw)
