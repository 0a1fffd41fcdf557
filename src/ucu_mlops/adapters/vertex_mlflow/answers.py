"""Google's errors as MLflow's: one line that says what was asked and what came."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from google.api_core import exceptions as google_errors
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INTERNAL_ERROR,
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    REQUEST_LIMIT_EXCEEDED,
    TEMPORARILY_UNAVAILABLE,
    UNAUTHENTICATED,
)

from ucu_mlops.errors import ConfigurationError

Store = TypeVar("Store")

CODES = (
    (google_errors.TooManyRequests, REQUEST_LIMIT_EXCEEDED),
    (google_errors.ServiceUnavailable, TEMPORARILY_UNAVAILABLE),
    (google_errors.DeadlineExceeded, TEMPORARILY_UNAVAILABLE),
    (google_errors.Aborted, TEMPORARILY_UNAVAILABLE),
    (google_errors.PermissionDenied, PERMISSION_DENIED),
    (google_errors.Unauthenticated, UNAUTHENTICATED),
    (google_errors.InvalidArgument, INVALID_PARAMETER_VALUE),
)


@contextmanager
def in_mlflows_words(what: str) -> Iterator[None]:
    """Raise MlflowException where Google's clients raise their own.

    Args:
        what: What is done, such as ``log_batch``.
    """
    try:
        yield
    except ConfigurationError as error:
        raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error
    except google_errors.GoogleAPIError as error:
        code = next((code for kind, code in CODES if isinstance(error, kind)), INTERNAL_ERROR)
        said = " ".join(str(error).split())
        raise MlflowException(f"Vertex AI did not do {what}: {said}", code) from error


def answering(store: type[Store]) -> type[Store]:
    """Make all that a store offers raise MLflow's errors."""
    for name, function in list(vars(store).items()):
        if callable(function) and not name.startswith("__"):
            setattr(store, name, _guarded(name, function))
    return store


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        with in_mlflows_words(name):
            return function(*args, **kwargs)

    return guarded
