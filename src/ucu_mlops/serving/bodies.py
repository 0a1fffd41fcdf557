"""A request's body → what is asked: JSON, a picture, a form of files."""

from collections.abc import Iterator
from email.message import Message

from pydantic import TypeAdapter, ValidationError

from ucu_mlops.serving.options import first_problem
from ucu_mlops.serving.problems import BadRequestProblem, MediaProblem
from ucu_mlops.serving.schemas import Instance, PredictRequest, UploadedPicture

JSON, FORM, PICTURE = "application/json", "multipart/form-data", "image/"
REQUESTS = TypeAdapter(PredictRequest)
NOTHING_CHOSEN = PredictRequest.model_fields["parameters"].default


def parse(body: bytes, media: str) -> PredictRequest:
    """Read what is asked.

    Args:
        body: Of the request.
        media: Its ``Content-Type``; JSON where it is empty.

    Raises:
        BadRequestProblem: It is not what the schema says.
        MediaProblem: Another media type.
    """
    kind = media.partition(";")[0].strip().lower() or JSON
    if kind == JSON or kind.endswith("+json"):
        return _parse_json(body)
    if kind.startswith(PICTURE):
        return _of_pictures([body])
    if kind == FORM:
        return _of_pictures(list(files_of(body, media)))
    raise MediaProblem(f"send {JSON}, {PICTURE}… or {FORM}, not {kind[:100]!r}")


def files_of(body: bytes, media: str) -> Iterator[bytes]:
    """Take the files out of a form (RFC 7578); fields without a file name are not read.

    Raises:
        BadRequestProblem: It is no whole form.
    """
    header = Message()
    header["Content-Type"] = media
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise BadRequestProblem("the form's Content-Type names no boundary")
    # A line break belongs to the delimiter behind it, so the first one gets one of its own.
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if not parts or not parts[-1].startswith(b"--"):
        raise BadRequestProblem("the form does not end with its boundary")
    for part in parts[:-1]:
        head, found, content = part.partition(b"\r\n\r\n")
        if not found:
            raise BadRequestProblem("a part of the form has no head")
        if b"filename" in head.lower():
            yield content


def _parse_json(body: bytes) -> PredictRequest:
    try:
        return REQUESTS.validate_json(body)
    except ValidationError as error:
        raise BadRequestProblem(first_problem(error)) from error


def _of_pictures(contents: list[bytes]) -> PredictRequest:
    if not contents:
        raise BadRequestProblem("the form holds no file")
    instances = [
        Instance.model_construct(user_id=None, features=None, image=UploadedPicture.of(content))
        for content in contents
    ]
    return PredictRequest.model_construct(instances=instances, parameters=NOTHING_CHOSEN)
