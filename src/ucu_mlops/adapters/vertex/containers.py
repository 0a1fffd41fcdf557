"""Which nodes of a pipeline share a container, and what goes in and out of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from kedro.pipeline import Pipeline
from kedro_vertexai.grouping import GroupingException, TagNodeGrouper
from kedro_vertexai.utils import clean_name

from ucu_mlops.errors import ConfigurationError

GROUP = "group."
EXTRA = "extra."  # a node's tag: the extra of this package that it needs


@dataclass(frozen=True)
class Container:
    """Nodes that one process runs.

    Attributes:
        name: The group's, or an ungrouped node's.
        nodes: Names, in the order in which they run.
        after: Containers that must have ended before.
        reads: Datasets that come from outside.
        writes: Datasets that its nodes save.
        parameters: Names of the parameters that its nodes read, without ``params:``.
        extras: Extras of this package by node that needs them.
        users: The first node that reads or saves a dataset, by the dataset's name.
    """

    name: str
    nodes: tuple[str, ...]
    after: tuple[str, ...]
    reads: frozenset[str]
    writes: frozenset[str]
    parameters: frozenset[str]
    extras: Mapping[str, frozenset[str]]
    users: Mapping[str, str]


def split(name: str, pipeline: Pipeline) -> list[Container]:
    """Group a pipeline's nodes by their tag ``group.NAME``, as kedro-vertexai does.

    Args:
        name: The pipeline's, for messages.
        pipeline: What to split.

    Returns:
        Its containers, each after those it needs.

    Raises:
        ConfigurationError: Two groups need each other, or a node is in two.
    """
    try:
        grouping = TagNodeGrouper(None, GROUP).group(pipeline.node_dependencies)
        order = list(TopologicalSorter(_sorted(grouping.dependencies)).static_order())
    except (GroupingException, CycleError) as error:
        raise ConfigurationError(
            f"pipeline {name} cannot be cut into containers: {error};"
            f" change the tags {GROUP}NAME in its pipeline.py"
        ) from error
    return [
        _container(pipeline, group, {node.name for node in grouping.nodes_mapping[group]}, after)
        for group, after in ((each, grouping.dependencies.get(each, set())) for each in order)
    ]


def _sorted(dependencies: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(dependencies[name]) for name in sorted(dependencies)}


def _container(pipeline: Pipeline, group: str, names: set[str], after: set[str]) -> Container:
    nodes = [node for node in pipeline.nodes if node.name in names]
    read = {name for node in nodes for name in node.inputs}
    written = {name for node in nodes for name in node.outputs}
    return Container(
        name=clean_name(group),
        nodes=tuple(node.name for node in nodes),
        after=tuple(sorted(clean_name(each) for each in after)),
        reads=frozenset(name for name in read - written if not _is_parameter(name)),
        writes=frozenset(written),
        parameters=frozenset(name.removeprefix("params:") for name in read if _is_parameter(name)),
        extras={
            node.name: frozenset(t.removeprefix(EXTRA) for t in node.tags if t.startswith(EXTRA))
            for node in nodes
        },
        users={
            name: node.name for node in reversed(nodes) for name in (*node.inputs, *node.outputs)
        },
    )


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")
