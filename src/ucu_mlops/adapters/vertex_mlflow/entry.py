"""Entry points for MLflow, which loads those of every scheme: no cloud library is imported here."""

from typing import Any


def tracking_store(store_uri: str, artifact_uri: str | None = None) -> Any:
    """Return the tracking store of ``vertexai://PROJECT/LOCATION``."""
    from ucu_mlops.adapters.vertex_mlflow.tracking_store import (  # noqa: PLC0415 (start-up time)
        VertexTrackingStore,
    )

    return VertexTrackingStore(store_uri, artifact_uri)


def registry_store(store_uri: str, tracking_uri: str | None = None) -> Any:
    """Return the registry store of ``vertexai://PROJECT/LOCATION``."""
    from ucu_mlops.adapters.vertex_mlflow.registry_store import (  # noqa: PLC0415 (start-up time)
        VertexRegistryStore,
    )

    return VertexRegistryStore(store_uri, tracking_uri)
