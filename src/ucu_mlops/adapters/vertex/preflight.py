"""What a pipeline would run on Vertex AI, and what about it cannot work, before it costs money."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kedro.framework.context import KedroContext
from kedro.io import DataCatalog

from ucu_mlops.adapters.vertex.compile import check_image, find_pipeline, options_of
from ucu_mlops.adapters.vertex.containers import Container, split
from ucu_mlops.adapters.vertex.machines import MACHINES, USD_PER_RUN, cost
from ucu_mlops.adapters.vertex.options import VertexOptions
from ucu_mlops.adapters.vertex.specification import parsed

# Keys of catalog entries that name a place which other containers must see too; a cache need not.
PLACES = frozenset({"filepath", "folder", "database", "ledger", "artifacts", "tracking_uri"})
REMOTE = re.compile(r"(?!file:|sqlite:)[a-z][a-z0-9+.-]*://")
# Linux takes no argument longer than this; the parameters are one (execve(2), MAX_ARG_STRLEN).
LONGEST_ARGUMENT = 131_071
# As a compiled file spells the kinds of vertexai.yml.
KINDS = {
    "string": "STRING",
    "date": "STRING",
    "integer": "NUMBER_INTEGER",
    "number": "NUMBER_DOUBLE",
    "boolean": "BOOLEAN",
    "list": "LIST",
    "mapping": "STRUCT",
}
IN_MEMORY = frozenset(
    {"MemoryDataset", "kedro.io.MemoryDataset", "kedro.io.memory_dataset.MemoryDataset"}
)


@dataclass(frozen=True)
class Plan:
    """What would run, and the problems with it, one sentence each.

    Attributes:
        pipeline: The pipeline's name.
        options: What ``vertexai.yml`` says.
        containers: What would run, in order.
        problems: What cannot work; empty where all can.
    """

    pipeline: str
    options: VertexOptions
    containers: tuple[Container, ...]
    problems: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Describe it for people."""
        options = self.options
        yield f"{self.pipeline} in {options.project_id}, {options.region} ({options.places})"
        identity = options.identity(self.pipeline)
        network = identity.network.vpc if identity.network else "the public one"
        yield f"as {identity.service_account or 'the default account'}, network {network}"
        total = USD_PER_RUN
        for each in self.containers:
            group = options.group(each.name)
            accelerator = (
                f" + {group.accelerators} {group.accelerator}" if group.accelerator else ""
            )
            yield f"container {each.name}: {len(each.nodes)} nodes"
            yield f"  after      {', '.join(each.after) or '-'}"
            yield f"  image      {group.image or options.run_config.image}"
            yield f"  machine    {group.machine}{accelerator}"
            yield f"  retries    {group.retries.count}, time-out {group.timeout_s} s"
            yield f"  reads      {', '.join(sorted(each.reads)) or '-'}"
            yield f"  writes     {', '.join(sorted(each.writes)) or '-'}"
            if group.machine in MACHINES:
                price = cost(group.machine, group.accelerator, group.accelerators, group.minutes)
                total += price
                yield f"  cost       about {price:.2f} USD for {group.minutes:g} minutes"
        yield f"about {total:.2f} USD a run (list prices, rounded; no bill)"


def plan(context: KedroContext, name: str, params: Mapping[str, Any]) -> Plan:
    """Say what a pipeline would run and what about it cannot work.

    Args:
        context: The project's, in the environment that would run.
        name: A registered pipeline.
        params: Run-time parameters that it would be given.

    Raises:
        ConfigurationError: There is no such pipeline, or ``vertexai.yml`` cannot be read.
    """
    options = options_of(context)
    containers = split(name, find_pipeline(name))
    entries = resolve(context.config_loader["catalog"], containers)
    problems = [
        *check_crossings(containers, entries),
        *(check_places(containers, entries) if options.places == "cloud" else ()),
        *check_groups(options, containers),
        *check_given(options, params),
        *check_size(params),
    ]
    return Plan(name, options, tuple(containers), tuple(problems))


def resolve(
    catalog: Mapping[str, Any], containers: list[Container]
) -> dict[str, Mapping[str, Any] | None]:
    """Return the catalog's entry for each dataset, patterns filled in; None where there is none."""
    entries = {name: entry for name, entry in catalog.items() if not name.startswith("_")}
    resolver = DataCatalog.from_config(entries).config_resolver
    names = {name for each in containers for name in each.reads | each.writes}
    known = {name for name in names if name in entries or resolver.match_dataset_pattern(name)}
    return {name: resolver.resolve_pattern(name) if name in known else None for name in names}


def check_crossings(
    containers: list[Container], entries: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[str]:
    """Find datasets that one container would leave in its memory for another."""
    for each in containers:
        for name in sorted(each.reads):
            entry = entries[name]
            if entry is None or entry.get("type") in IN_MEMORY:
                makers = [other.name for other in containers if name in other.writes]
                source = f"container {makers[0]}" if makers else "nobody"
                yield (
                    f"dataset {name} is in memory only, but container {each.name} (node"
                    f" {each.users[name]}) reads it from {source}; give it an entry in the catalog"
                )


def check_places(
    containers: list[Container], entries: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[str]:
    """Find datasets that lie on the disk of a container, which ends with it."""
    for name in sorted(entries):
        for key, place in _places(entries[name] or {}):
            if not REMOTE.match(place):
                user = next(each for each in containers if name in each.reads | each.writes)
                yield (
                    f"dataset {name} (container {user.name}, node {user.users[name]}) lies at"
                    f" {key} {place}, on one container's disk; give it an address"
                    " such as gs://… in conf/gcp"
                )


def check_groups(options: VertexOptions, containers: list[Container]) -> Iterator[str]:
    """Find groups whose image is missing or lacks an extra, or whose machine cannot be had."""
    for each in containers:
        found = (check_image(options, each), options.check_machine(each.name))
        yield from (problem for problem in found if problem)


def check_given(options: VertexOptions, params: Mapping[str, Any]) -> Iterator[str]:
    """Find parameters that no run may be given, and values of another type."""
    for name, value in params.items():
        kind = options.parameters.get(name)
        if kind is None:
            yield (
                f"--params has {name}, which no run takes; parameters in conf/*/vertexai.yml are"
                f" {sorted(options.parameters)}"
            )
            continue
        try:
            parsed(KINDS[kind], kind, value)
        except ValueError:
            yield f"--params: {name} must be a {kind}, got {value!r}"


def check_size(params: Mapping[str, Any]) -> Iterator[str]:
    """Find parameters that no process can be given."""
    size = len(json.dumps({"inputs": {"parameterValues": params}, "outputs": {}}).encode())
    if size > LONGEST_ARGUMENT:
        largest = max(params, key=lambda name: len(json.dumps(params[name])))
        yield (
            f"the parameters take {size} bytes, at most {LONGEST_ARGUMENT} are possible; put"
            f" {largest} into a file in conf/"
        )


def _places(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield from _places(value)
        elif key in PLACES and isinstance(value, str):
            yield key, value
