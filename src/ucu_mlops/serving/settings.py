"""Where the server stands: the only module of it that reads the environment.

``conf/base/globals.yml`` and ``serving.yml``, another environment's over them, then the ``AIP_*``
variables that Vertex AI Prediction sets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.experiments.definition import FILE as EXPERIMENTS
from ucu_mlops.experiments.definition import Experiment, parse_experiments
from ucu_mlops.serving.options import ServingOptions, checked

PREDICT, READY = "/predict", "/health/ready"
BUNDLES, SPOOL = "/tmp/bundles", "/tmp/spool"  # noqa: S108 (a container's own disk)


@dataclass(frozen=True)
class Places:
    """Where what is served comes from and what is said goes to.

    Attributes:
        ledger: The ledger's file.
        bundles: Folder that keeps copies of versions.
        tracking_uri: MLflow's store, asked for versions that are not there.
        spool: Folder for answered requests.
        online: Where users are looked up; None: nowhere.
        storage: Folder or URI of the one version to serve; None: what the ledger says.
        version: What that one version is called; None: as its folder is.
    """

    ledger: str
    bundles: str
    tracking_uri: str
    spool: str
    online: str | None = None
    storage: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Settings:
    """All that a server needs to start.

    Attributes:
        model: The model's name.
        host: Where to listen.
        port: On which port.
        grpc_port: On which port gRPC is spoken; None: on none.
        predict: Path of predictions.
        ready: Path of the health check.
        keys: File of the callers' API keys; None: anybody may ask.
        places: Where things are.
        options: What was chosen.
        conf: The folder ``conf/``, in which experiments are looked up again and again.
        env: Configuration environment; None is the desk.
    """

    model: str
    host: str
    port: int
    grpc_port: int | None
    predict: str
    ready: str
    keys: Path | None
    places: Places
    options: ServingOptions
    conf: Path
    env: str | None

    def experiments(self) -> dict[str, Experiment]:
        """Read the experiments as they are configured now; a container on Vertex AI has none.

        Raises:
            ConfigurationError: They are not what they should be.
        """
        if self.places.storage is not None:
            return {}
        name = f"parameters/{EXPERIMENTS}"
        return parse_experiments(_read(self.conf, self.env, name).get("experiments"))


def read_settings(model: str, conf: Path, env: str | None, environ: Mapping[str, str]) -> Settings:
    """Put configuration and environment together.

    Args:
        model: The model's name.
        conf: The folder ``conf/``.
        env: Configuration environment; None is the desk.
        environ: The process's environment variables: ``AIP_HTTP_PORT``, ``AIP_PREDICT_ROUTE``,
            ``AIP_HEALTH_ROUTE`` and ``AIP_STORAGE_URI`` as Vertex AI sets them, and
            ``UCU_API_KEYS``, a file, and ``UCU_VERSION``, what the version of ``AIP_STORAGE_URI``
            is called.

    Raises:
        ConfigurationError: A file or variable is not what it should be, or the server would be
            open to others without keys.
    """
    options = checked(ServingOptions, _read(conf, env, "serving.yml"), f"{conf}/*/serving.yml")
    on_vertex = "AIP_HTTP_PORT" in environ
    keys = Path(environ["UCU_API_KEYS"]) if environ.get("UCU_API_KEYS") else None
    host = "0.0.0.0" if on_vertex else options.host  # noqa: S104 (Vertex AI stands in front)
    if not (on_vertex or keys or _is_loopback(host)):
        raise ConfigurationError(
            f"serving on {host} without keys would answer anybody; set UCU_API_KEYS to a file of "
            "them (docs/serving.md), or host to 127.0.0.1"
        )
    return Settings(
        model=model,
        host=host,
        port=_port(environ.get("AIP_HTTP_PORT", options.port)),
        grpc_port=None if on_vertex else options.grpc_port,
        predict=environ.get("AIP_PREDICT_ROUTE", PREDICT),
        ready=environ.get("AIP_HEALTH_ROUTE", READY),
        keys=keys,
        places=_places(conf, env, environ.get("AIP_STORAGE_URI"), environ.get("UCU_VERSION")),
        options=options,
        conf=conf,
        env=env,
    )


def _places(conf: Path, env: str | None, storage: str | None, version: str | None) -> Places:
    raw = _read(conf, env, "globals.yml")
    names = ("ledger", "bundles", "tracking_uri", "spool")
    if storage and not raw:  # a container that holds a version and no configuration
        return Places("", BUNDLES, "", SPOOL, None, storage, version)
    if missing := [name for name in names if name not in raw]:
        raise ConfigurationError(f"{conf}/*/globals.yml lacks {missing}")
    if not storage and "://" in str(raw["ledger"]):
        raise ConfigurationError(
            f"the ledger {raw['ledger']} is no file that can be followed; set AIP_STORAGE_URI to "
            "the bundle to serve, as Vertex AI Prediction does"
        )
    online = raw.get("online")
    named = {name: str(raw[name]) for name in names}
    return Places(**named, online=online and str(online), storage=storage, version=version)


def _read(conf: Path, env: str | None, name: str) -> dict[str, Any]:
    """Read a file of the configuration, each key of the environment's instead of the base's."""
    if env is not None and not (conf / env).is_dir():
        raise ConfigurationError(f"there is no environment {env!r} in {conf}/")
    whole: dict[str, Any] = {}
    for folder in dict.fromkeys(["base", env or "local"]):
        path = conf / folder / name
        if not path.is_file():
            continue
        try:
            found = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
        except (YAMLError, OmegaConfBaseException) as error:
            raise ConfigurationError(f"{path}: {' '.join(str(error).split())}") from error
        if not isinstance(found, dict):
            raise ConfigurationError(f"{path} must hold keys with values")
        whole |= {str(key): value for key, value in found.items()}
    return whole


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(value: str | int) -> int:
    text = str(value)
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004 (the largest port)
        raise ConfigurationError(f"AIP_HTTP_PORT must be a port, got {value!r}")
    return int(text)
