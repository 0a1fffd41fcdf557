"""What a caller sends and gets, typed; the OpenAPI document is made of it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema, model_validator

Name = Annotated[str, Field(min_length=1, max_length=200)]
# Checked by the model's own features, in one pass: its names and kinds are known only there.
Features = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["number", "string", "boolean", "null"]},
            "description": "All features of the model, by name; null is unknown.",
        }
    ),
]

PRINTABLE = r"^[^\x00-\x1f\x7f]+$"  # no system opens a name with other characters
Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(_Sent):
    """A picture: its bytes in base64, or where it lies."""

    b64: str | None = None
    uri: Annotated[str, Field(max_length=2_000, pattern=PRINTABLE)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.b64 is None) == (self.uri is None):
            raise ValueError("give either b64 or uri")
        return self


class UploadedPicture(Picture):
    """A picture whose bytes came as they are; no caller can write this one in JSON."""

    content: bytes = b""

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Wrap bytes; there is nothing to check yet."""
        return cls.model_construct(content=content, b64=None, uri=None)


class Instance(_Sent):
    """One thing to be judged: a user by id (looked up), by features or both, or a picture."""

    user_id: Name | None = None
    features: Features | None = None
    image: Picture | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        is_user = self.features is not None or self.user_id is not None
        if is_user == (self.image is not None):
            raise ValueError("give either a user (user_id, features or both) or an image")
        return self


class Parameters(_Sent):
    """How to answer: ``reasons`` adds what raised a user's probability, in words."""

    reasons: bool = False


class PredictRequest(_Sent):
    """One or several things to be judged."""

    instances: Annotated[list[Instance], Field(min_length=1)]
    parameters: Parameters = Parameters()


class InferParameters(BaseModel):
    """What the binary extension adds; other parameters are passed over."""

    model_config = ConfigDict(frozen=True)

    binary_data_size: Annotated[int, Field(ge=0)] | None = None
    binary_data: bool = False
    binary_data_output: bool = False


class InferTensor(BaseModel):
    """One column of the Open Inference Protocol; null is unknown."""

    model_config = ConfigDict(frozen=True)

    name: Name
    shape: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=2)]
    datatype: Datatype
    parameters: InferParameters = InferParameters()
    data: Annotated[list[Any], Field(min_length=1)] | None = None


class InferWish(BaseModel):
    """An output that is wished for; without any all are given."""

    model_config = ConfigDict(frozen=True)

    name: Name
    parameters: InferParameters = InferParameters()


class InferRequest(BaseModel):
    """The Open Inference Protocol's request."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(max_length=200)] | None = None
    parameters: InferParameters = InferParameters()
    inputs: Annotated[list[InferTensor], Field(min_length=1)]
    outputs: list[InferWish] = []


class InferOutput(BaseModel):
    """A column of the answer, by name; ``probability`` and ``decision`` have one per label."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class InferResponse(BaseModel):
    """The Open Inference Protocol's answer."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[InferOutput]


class LabelAnswer(BaseModel):
    """One label: its probability, and whether it counts as shown."""

    probability: Annotated[float, Field(ge=0, le=1)]
    decision: bool


class Prediction(BaseModel):
    """The answer for one instance, in the order of the request."""

    labels: dict[str, LabelAnswer]
    version: str
    request_id: str
    features_as_of: str | None = None  # of a user looked up: ISO 8601
    reasons: list[str] | None = None


class PredictResponse(BaseModel):
    """One prediction per instance."""

    predictions: list[Prediction]


class ErrorResponse(BaseModel):
    """What went wrong, in one line."""

    error: str


class HealthResponse(BaseModel):
    """Whether the server lives, or is ready, and with which version."""

    status: str
    version: JsonValue = None
