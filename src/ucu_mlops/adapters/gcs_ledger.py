"""The ledger in Cloud Storage: an object per move, which only one writer can create.

``FOLDER/MODEL/REVISION.json`` is written on the condition that there is no such object (generation
0), which Cloud Storage decides for all the world, and never written again (docs/adr/0011).
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from google.api_core.exceptions import GoogleAPIError, PreconditionFailed
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.cloud import storage
from requests.exceptions import RequestException

from ucu_mlops.errors import ConfigurationError, ReleaseError
from ucu_mlops.release.ledger import Move, check_follows

DIGITS = 8  # so that names sort as revisions do


class GcsLedger:
    """Fills the port ``ucu_mlops.release.ledger.Ledger``.

    Args:
        address: ``gs://BUCKET/FOLDER``.

    Raises:
        ConfigurationError: It names no bucket and folder.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._address, self._folder = address, parts.path.strip("/")
        if parts.scheme != "gs" or not parts.netloc or not self._folder:
            raise ConfigurationError(f"a ledger needs gs://BUCKET/FOLDER, got {address!r}")
        self._bucket_name = parts.netloc

    @cached_property
    def _bucket(self) -> Any:
        try:
            return storage.Client().bucket(self._bucket_name)
        except DefaultCredentialsError as error:
            raise ConfigurationError(
                "no credentials for Cloud Storage; `gcloud auth application-default login` gives"
                " them"
            ) from error

    def head(self, model: str) -> Move | None:
        """Return the model's last move, None before the first.

        Raises:
            ReleaseError: Cloud Storage cannot be read.
        """
        with self._in_words():
            names = self._names(model)
            return self._read(names[-1])[0] if names else None

    def moves(self, model: str) -> list[Move]:
        """Return the model's moves, oldest first.

        Raises:
            ReleaseError: Cloud Storage cannot be read.
        """
        with self._in_words():
            return [self._read(name)[0] for name in self._names(model)]

    def append(self, move: Move) -> None:
        """Add ``move`` behind the head it was made for.

        Raises:
            StaleRevisionError: Somebody else moved first; nothing was added.
            ReleaseError: Cloud Storage cannot be written.
        """
        check_follows(self.head(move.model), move)
        name = f"{self._folder}/{move.model}/{move.revision:0{DIGITS}}.json"
        written_by = uuid.uuid4().hex
        at = move.at.astimezone(UTC).isoformat()
        text = json.dumps(asdict(move) | {"at": at, "written_by": written_by}, indent=1)
        with self._in_words():
            try:
                # With the condition a lost answer may be asked for again: the client does that.
                self._bucket.blob(name).upload_from_string(
                    text, content_type="application/json", if_generation_match=0
                )
            except PreconditionFailed:
                if self._read(name)[1] != written_by:
                    check_follows(self.head(move.model), move)

    def _names(self, model: str) -> list[str]:
        listed = self._bucket.client.list_blobs(
            self._bucket, prefix=f"{self._folder}/{model}/", fields="items(name),nextPageToken"
        )
        return sorted(blob.name for blob in listed)

    def _read(self, name: str) -> tuple[Move, str]:
        told = json.loads(self._bucket.blob(name).download_as_bytes())
        written_by = told.pop("written_by")
        return Move(**told | {"at": datetime.fromisoformat(told["at"])}), written_by

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (GoogleAPIError, TransportError, RequestException) as error:
            said = str(error).partition("\n")[0]
            raise ReleaseError(
                f"ledger {self._address}: {said}; is the bucket there, and may you write to it?"
            ) from error
        except ConfigurationError:  # it is a ValueError, too
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise ReleaseError(
                f"ledger {self._address} has an object that is no move ({error}); take it away"
            ) from error
