"""Answered requests from a spool into the warehouse, once for each model.

``<model>.spool`` → list_spool → ``<model>.spooled`` → read_requests → ``<model>.requests``
→ retire_files → ``<model>.retired`` (the same spool: what is stored is put aside)
``<model>.spooled`` → read_damaged → ``<model>.damaged_requests``
"""

from kedro.pipeline import Node, Pipeline

from ucu_mlops.pipelines.requests.nodes import (
    list_spool,
    read_damaged,
    read_requests,
    retire_files,
)


def create_pipeline(model: str) -> Pipeline:
    """Build the ingestion of a model's answers: the same steps for each, in its namespace."""
    lines = {"spool": "spool", "listed": "spooled"}
    steps = [
        Node(
            list_spool,
            inputs={"spool": "spool", "period": "params:period"},
            outputs="spooled",
            name="list_spool",
        ),
        Node(read_requests, inputs=lines, outputs="requests", name="read_requests"),
        Node(read_damaged, inputs=lines, outputs="damaged_requests", name="read_damaged"),
        Node(
            retire_files,
            inputs={"listed": "spooled", "requests": "requests", "damaged": "damaged_requests"},
            outputs="retired",
            name="retire_files",
        ),
    ]
    return Pipeline(
        steps,
        namespace=model,
        parameters={"params:period": "params:period"},
        tags="group.scoring",
    )
