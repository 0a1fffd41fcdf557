"""What a URI such as ``vertexai://ucu-mlops-prod/europe-west1`` says."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

SCHEME = "vertexai"


@dataclass(frozen=True)
class Place:
    """Where runs and versions are kept.

    Attributes:
        project: Google Cloud's project.
        location: A region.
        artifacts: Where experiments without a location of their own put artifacts; None refuses
            to make such experiments.
    """

    project: str
    location: str
    artifacts: str | None


def read_place(uri: str, artifacts: str | None = None) -> Place:
    """Read ``vertexai://PROJECT/LOCATION``, perhaps with ``?artifacts=gs://BUCKET/FOLDER``.

    Raises:
        MlflowException: It is no such URI.
    """
    parts = urlsplit(uri)
    location = parts.path.strip("/")
    options = parse_qs(parts.query)
    if parts.scheme != SCHEME or not parts.netloc or not location or set(options) - {"artifacts"}:
        raise MlflowException(
            f"{uri!r} must be {SCHEME}://PROJECT/LOCATION or"
            f" {SCHEME}://PROJECT/LOCATION?artifacts=gs://BUCKET/FOLDER",
            INVALID_PARAMETER_VALUE,
        )
    given = options.get("artifacts", [None])[0]
    return Place(parts.netloc, location, given or artifacts)
