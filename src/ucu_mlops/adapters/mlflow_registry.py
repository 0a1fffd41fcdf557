"""MLflow's model registry as the store of model bundles; the ledger says which one is champion.

A version's artifact is the bundle's folder, logged under the run that made it; no pickled model
is logged. MLflow is imported when it is first asked, so that what lies in the cache can be used
while MLflow is away.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ucu_mlops.adapters.mlflow_runs import bound_patience
from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.bundle.store import Bundle, read_bundle, revise, write_bundle
from ucu_mlops.errors import BundleError, ReleaseError
from ucu_mlops.release.ledger import Move, champions

logger = logging.getLogger(__name__)

CHALLENGER = "challenger"
CHAMPION = "champion"
PREVIOUS = "previous"
SQLITE = "sqlite:///"
PATIENCE_S = 5.0  # MLflow's own transactions take milliseconds


class MlflowRegistry:
    """Registers bundles as model versions, fetches them, and repeats the ledger as aliases.

    Args:
        tracking_uri: MLflow's store, such as ``sqlite:///data/06_models/mlflow.db``.
        artifacts: Folder or URI for the artifacts of experiments that this class makes; None
            leaves it to MLflow.
    """

    def __init__(self, tracking_uri: str, artifacts: str | Path | None = None) -> None:
        self._uri = tracking_uri
        self._artifacts = artifacts

    def register(self, bundle: Bundle, model: str, run_id: str | None = None) -> str:
        """Make a version of ``model`` from a bundle; equal content gives the version there is.

        Args:
            bundle: What to register.
            model: The registered model's name; made if it is new.
            run_id: The run that made the bundle. None takes the run that is active, or makes a
                small one in an experiment named after the model.

        Returns:
            The version, a number as text.

        Raises:
            ReleaseError: MLflow refused or cannot be reached.
        """
        content = content_hash(bundle.manifest)
        if (database := self._database()) is not None:
            database.parent.mkdir(parents=True, exist_ok=True)
        with self._asking(f"register a version of {model}"):
            self._make_model(model)
            found = self._client.search_model_versions(
                f"name = '{model}' and tag.bundle_sha = '{content}'"
            )
            if found:
                return str(min(int(version.version) for version in found))
            run = run_id or self._active_run() or self._make_run(model)
            # One run may make several bundles: each gets a folder of its own.
            place = f"bundles/{content[:16]}"
            self._client.log_artifacts(run, str(bundle.folder), place)
            source = f"{self._client.get_run(run).info.artifact_uri}/{place}"
            tags = _tags(bundle.manifest, content)
            made = self._client.create_model_version(model, source, run_id=run, tags=tags)
        logger.info("registered version %s of %s", made.version, model)
        return str(made.version)

    def fetch(self, model: str, version: str, cache: Path) -> Bundle:
        """Return a version's bundle, checked; from the cache if it lies there whole.

        Args:
            model: The registered model's name.
            version: The version.
            cache: Folder that keeps a copy under ``<model>/<version>``.

        Raises:
            BundleError: What MLflow holds is no whole bundle, or not the one registered.
            ReleaseError: It is not in the cache, and MLflow does not have it or is away.
        """
        folder = cached_folder(cache, model, version)
        if folder.exists():
            try:
                return read_bundle(folder, version)
            except BundleError as error:
                logger.warning("fetching version %s of %s again: %s", version, model, error)
        with TemporaryDirectory() as scratch:
            bundle = self._download(model, version, Path(scratch))
            write_bundle(revise(bundle), folder)
        return read_bundle(folder, version)

    def source_of(self, model: str, version: str) -> str:
        """Return where the registered bundle of a version lies.

        Raises:
            ReleaseError: MLflow does not have it or is away.
        """
        self._refuse_away()
        with self._asking(f"say where version {version} of {model} lies"):
            return str(self._client.get_model_version(model, version).source)

    def version_of(self, model: str, alias: str) -> str | None:
        """Return the version that an alias stands for, None if there is no such alias."""
        if self._away():
            return None
        with self._asking(f"look up {model}@{alias}"):
            found = self._client.search_registered_models(f"name = '{model}'")
            aliases = found[0].aliases if found else {}
        return str(aliases[alias]) if alias in aliases else None

    def challenge(self, model: str, version: str) -> None:
        """Make ``version`` the model's challenger."""
        with self._asking(f"set {model}@{CHALLENGER}"):
            self._client.set_registered_model_alias(model, CHALLENGER, version)

    def project(self, model: str, moves: Sequence[Move]) -> list[str]:
        """Make the aliases ``champion`` and ``previous`` say what the ledger says.

        Args:
            model: The registered model's name.
            moves: All moves of the model, oldest first.

        Returns:
            What differed and is mended, one sentence each.

        Raises:
            ReleaseError: MLflow refused or cannot be reached; the ledger stays the truth.
        """
        standing = champions(moves)
        wanted = dict(zip((CHAMPION, PREVIOUS), reversed(standing), strict=False))
        mended = []
        self._refuse_away()
        with self._asking(f"set the aliases of {model}"):
            found = self._client.search_registered_models(f"name = '{model}'")
            aliases = found[0].aliases if found else {}
            for alias in (CHAMPION, PREVIOUS):
                was, now = aliases.get(alias), wanted.get(alias)
                if now is not None and now != str(was):
                    self._client.set_registered_model_alias(model, alias, now)
                    mended.append(f"{model}@{alias} was {was or 'nothing'}, is {now}")
                elif now is None and was is not None:
                    self._client.delete_registered_model_alias(model, alias)
                    mended.append(f"{model}@{alias} was {was}, is nothing")
        return mended

    def _database(self) -> Path | None:
        file = self._uri.removeprefix(SQLITE)
        return Path(file) if file != self._uri else None

    def _away(self) -> bool:
        database = self._database()
        return database is not None and not database.exists()

    def _refuse_away(self) -> None:
        # MLflow would retry for a minute and then make an empty database in its place.
        if self._away():
            raise ReleaseError(f"MLflow's database {self._database()} is missing; put it back")

    def _refuse_locked(self) -> None:
        # MLflow would wait and retry for minutes.
        database = self._database()
        if database is None or not database.exists():
            return
        try:
            with closing(sqlite3.connect(database, timeout=PATIENCE_S)) as connection:
                connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise ReleaseError(
                f"MLflow's database {database} cannot be used ({error}); "
                "does another process hold it, is it whole?"
            ) from error

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient  # noqa: PLC0415 (seconds; not needed for a cached bundle)

        bound_patience()
        return MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        self._refuse_locked()
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 (as above)

        try:
            yield
        except MlflowException as error:
            reason = str(error).partition("\n")[0]
            raise ReleaseError(f"MLflow at {self._uri} did not {what}: {reason}") from error

    def _make_model(self, model: str) -> None:
        if not self._client.search_registered_models(f"name = '{model}'"):
            self._client.create_registered_model(model)

    def _active_run(self) -> str | None:
        import mlflow  # noqa: PLC0415 (as above)

        run = mlflow.active_run()
        if run is None or mlflow.get_tracking_uri() != self._uri:
            return None
        return str(run.info.run_id)

    def _make_run(self, model: str) -> str:
        experiment = self._client.get_experiment_by_name(model)
        if experiment is None:
            place = str(self._artifacts) if self._artifacts is not None else None
            made = self._client.create_experiment(model, artifact_location=_absolute(place))
        else:
            made = experiment.experiment_id
        run = self._client.create_run(made, run_name=f"{model} bundle")
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _download(self, model: str, version: str, folder: Path) -> Bundle:
        self._refuse_away()
        with self._asking(f"hand over version {version} of {model}"):
            from mlflow.artifacts import download_artifacts  # noqa: PLC0415 (as above)

            registered = self._client.get_model_version(model, version)
            path = download_artifacts(
                artifact_uri=registered.source, dst_path=str(folder), tracking_uri=self._uri
            )
        bundle = read_bundle(Path(path), version)
        if content_hash(bundle.manifest) != registered.tags.get("bundle_sha"):
            raise BundleError(
                f"version {version} of {model} is not what was registered; train it again"
            )
        return bundle


def cached_folder(cache: Path, model: str, version: str) -> Path:
    """Name the folder in which a fetched version lies.

    Raises:
        ReleaseError: ``version`` is no name that a registry gives, but perhaps a path.
    """
    if not version.isalnum():
        raise ReleaseError(f"{model}: {version!r} is no version; see kedro release status {model}")
    return cache / model / version


def content_hash(manifest: Manifest) -> str:
    """Return the SHA-256 of all that a bundle is: its manifest, which holds its files' hashes."""
    return hashlib.sha256(manifest.to_json().encode()).hexdigest()


def _tags(manifest: Manifest, content: str) -> dict[str, str]:
    tags = {"bundle_sha": content, "kind": manifest.kind, "as_of": manifest.as_of}
    if "training_id" in manifest.training:
        tags["training_id"] = str(manifest.training["training_id"])
    return tags


def _absolute(place: str | None) -> str | None:
    # MLflow would keep a relative folder relative, and look for it wherever it runs next.
    return place if place is None or "://" in place else Path(place).absolute().as_uri()
