"""The Open Inference Protocol's tensors as what is asked, and answers as its tensors.

A model of features takes one tensor per feature (and ``user_id``, if it is wanted in the records),
or ``user_id`` alone, to be looked up; a model of pictures one tensor ``image``. Each has shape
``[n]`` or ``[n, 1]``. Specification: https://github.com/kserve/open-inference-protocol.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ucu_mlops.serving.answers import Answered, Model
from ucu_mlops.serving.bodies import NOTHING_CHOSEN
from ucu_mlops.serving.problems import BadRequestProblem, NotServedProblem
from ucu_mlops.serving.schemas import Instance, Picture, PredictRequest, UploadedPicture

USER, IMAGE = "user_id", "image"
PLATFORM = "onnxruntime_onnx"
EXTENSIONS = ["binary_tensor_data"]
OUTPUTS = ("probability", "decision", "request_id", "version")


@dataclass(frozen=True)
class Tensor:
    """A named column or matrix.

    Attributes:
        name: Its name.
        datatype: The protocol's name of it.
        shape: Rows, or rows and columns.
        data: The elements, row by row.
    """

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


def read_tensors(tensors: Sequence[Tensor], model: Model) -> PredictRequest:
    """Read tensors as instances.

    Args:
        tensors: One per input. Elements of BYTES are text, or bytes where they came as such; text
            of a picture is base64.
        model: Which is asked.

    Raises:
        BadRequestProblem: They are not of one length, or not what the model takes.
    """
    columns = {tensor.name: _column(tensor) for tensor in tensors}
    if len(columns) < len(tensors):
        raise BadRequestProblem("inputs repeat a name")
    if len({len(values) for values in columns.values()}) != 1:
        raise BadRequestProblem("all inputs must have the same number of rows")
    make = _pictures if model.manifest.takes_pictures else _users
    return PredictRequest.model_construct(instances=make(columns), parameters=NOTHING_CHOSEN)


def check_outputs(names: Iterable[str]) -> None:
    """Refuse wishes for outputs that there are not.

    Raises:
        BadRequestProblem: There are some.
    """
    if unknown := [name for name in names if name not in OUTPUTS]:
        raise BadRequestProblem(f"output {unknown[0]!r} is unknown; there are {list(OUTPUTS)}")


def answer_tensors(
    model: Model, answered: Sequence[Answered], names: Sequence[str]
) -> list[Tensor]:
    """Spell answers as tensors; columns are the model's labels.

    Args:
        model: Which answered.
        answered: The answers.
        names: Wished outputs; all if there are none.
    """
    rows, labels = len(answered), len(model.manifest.labels)
    found = (
        Tensor(
            "probability",
            "FP64",
            [rows, labels],
            [found for each in answered for found in each.answer.probabilities],
        ),
        Tensor(
            "decision",
            "BOOL",
            [rows, labels],
            [found for each in answered for found in each.answer.decisions],
        ),
        Tensor("request_id", "BYTES", [rows], [each.request_id for each in answered]),
        Tensor("version", "BYTES", [rows], [each.model.version for each in answered]),
    )
    return [each for each in found if not names or each.name in names]


def version_of(model: Model, answered: Sequence[Answered]) -> str:
    """Name the version of a whole response: the one that answered, or of several the champion."""
    versions = {each.model.version for each in answered}
    return versions.pop() if len(versions) == 1 else model.version


def check_served(name: str, version: str, model: Model) -> None:
    """Refuse who means another model or version; no version is any.

    Raises:
        NotServedProblem: They do.
    """
    served = (model.manifest.model, model.version)
    if (name, version or model.version) != served:
        raise NotServedProblem(f"{name} {version} is not served here, but {' '.join(served)}")


def describe(model: Model) -> dict[str, Any]:
    """Tell the tensors that a version takes and gives, and its labels."""
    labels = [label.name for label in model.manifest.labels]
    features = {spec.name: spec.kind for spec in model.manifest.features}
    asked = {IMAGE: "picture"} if model.manifest.takes_pictures else features
    return {
        "name": model.manifest.model,
        "versions": [model.version],
        "platform": PLATFORM,
        "inputs": [
            {"name": name, "datatype": "FP64" if kind == "numeric" else "BYTES", "shape": [-1]}
            for name, kind in asked.items()
        ],
        "outputs": [
            {"name": "probability", "datatype": "FP64", "shape": [-1, len(labels)]},
            {"name": "decision", "datatype": "BOOL", "shape": [-1, len(labels)]},
            {"name": "request_id", "datatype": "BYTES", "shape": [-1]},
            {"name": "version", "datatype": "BYTES", "shape": [-1]},
        ],
        "parameters": {"labels": labels},
    }


def _column(tensor: Tensor) -> list[Any]:
    """Give a tensor's values, flat or nested as the protocol allows.

    Raises:
        BadRequestProblem: The shape is another, or does not fit the data.
    """
    values = tensor.data
    if any(isinstance(each, list) for each in values):
        values = [each[0] if isinstance(each, list) and len(each) == 1 else [] for each in values]
    rows, *others = tensor.shape or [0]
    if rows < 1 or others not in ([], [1]) or rows != len(values) or [] in values:
        raise BadRequestProblem(
            f"input {tensor.name!r} must have shape [n] or [n, 1] and as much data"
        )
    if tensor.datatype == "BYTES" and not all(
        isinstance(each, str | bytes | None) for each in values
    ):
        raise BadRequestProblem(f"input {tensor.name!r} must hold strings or null, as BYTES do")
    return values


def _users(columns: Mapping[str, list[Any]]) -> list[Instance]:
    """Make a user of each row."""
    read = {name: _texts(name, values) for name, values in columns.items()}
    features = {name: values for name, values in read.items() if name != USER}
    rows = len(next(iter(read.values())))
    ids = read.get(USER, [None] * rows)
    # Looked up, somebody must have an id.
    if not all(isinstance(each, str) or (each is None and features) for each in ids):
        raise BadRequestProblem(f"input {USER!r} must hold BYTES")
    return [
        Instance.model_construct(
            user_id=ids[row],
            # A user alone is looked up.
            features={name: values[row] for name, values in features.items()} or None,
            image=None,
        )
        for row in range(rows)
    ]


def _texts(name: str, values: list[Any]) -> list[Any]:
    try:
        return [each.decode() if isinstance(each, bytes) else each for each in values]
    except UnicodeDecodeError as error:
        raise BadRequestProblem(f"input {name!r} holds BYTES that are no UTF-8") from error


def _pictures(columns: Mapping[str, list[Any]]) -> list[Instance]:
    """Make a picture of each row."""
    values = columns.get(IMAGE, [None])
    if set(columns) != {IMAGE} or not all(isinstance(each, str | bytes) for each in values):
        raise BadRequestProblem(
            f"send one input {IMAGE!r} of BYTES: a picture's, or base64 where it is JSON"
        )
    return [
        Instance.model_construct(user_id=None, features=None, image=_picture(each))
        for each in values
    ]


def _picture(value: str | bytes) -> Picture:
    if isinstance(value, bytes):
        return UploadedPicture.of(value)
    return Picture.model_construct(b64=value, uri=None)
