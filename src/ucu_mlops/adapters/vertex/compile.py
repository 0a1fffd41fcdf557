"""A registered pipeline to a file that Vertex AI Pipelines runs; no network, no credentials."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kfp.compiler import Compiler

from ucu_mlops.adapters.vertex.containers import Container, split
from ucu_mlops.adapters.vertex.generator import Generator
from ucu_mlops.adapters.vertex.options import VertexOptions, read_options
from ucu_mlops.adapters.vertex.specification import VERSION_LABEL, version_label
from ucu_mlops.errors import ConfigurationError


def find_pipeline(name: str, where: str = "") -> Pipeline:
    """Return a registered pipeline.

    Args:
        name: Its name.
        where: What asks for it, for the message.

    Raises:
        ConfigurationError: There is none of this name.
    """
    known: dict[str, Pipeline] = dict(pipelines)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"known are {sorted(known)}"
        raise ConfigurationError(f"{where}there is no pipeline {name!r}; {meant}")
    return known[name]


def options_of(context: KedroContext) -> VertexOptions:
    """Read ``vertexai.yml``, whose pipelines must be registered ones.

    Raises:
        ConfigurationError: It asks for the impossible, or names a pipeline that there is not.
    """
    options = read_options(context.config_loader["vertexai"])
    for name in options.pipelines:
        find_pipeline(name, "conf/*/vertexai.yml, pipelines: ")
    return options


def compile_pipeline(context: KedroContext, name: str) -> str:
    """Compile one pipeline; the same code and configuration give the same text.

    Args:
        context: The project's, in the environment to compile for.
        name: A registered pipeline.

    Returns:
        A PipelineJob of Vertex AI as YAML: the specification, where its outputs lie, labels,
        service account and network.

    Raises:
        ConfigurationError: ``vertexai.yml`` asks for the impossible, or there is no such pipeline.
    """
    options = options_of(context)
    containers = split(name, find_pipeline(name))
    check_containers(options, containers)
    tracked = is_tracked(name, context.config_loader["mlflow"])
    generator = Generator(options, name, containers, context, tracked=tracked)
    function = generator.generate_pipeline(name, options.run_config.image, token="")
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "pipeline.yaml"
        Compiler().compile(function, str(file))
        specification = yaml.safe_load(file.read_text(encoding="utf-8"))
    describe_kinds(specification, options.parameters)
    return yaml.safe_dump(_job(options, name, specification), sort_keys=True, width=1_000)


def check_containers(options: VertexOptions, containers: list[Container]) -> None:
    """Refuse what cannot be written down: an unknown image or machine.

    Raises:
        ConfigurationError: The first of them.
    """
    for each in containers:
        for problem in (check_image(options, each), options.check_machine(each.name)):
            if problem:
                raise ConfigurationError(problem)


def check_image(options: VertexOptions, container: Container) -> str | None:
    """Tell what is wrong with a container's image, None if nothing is."""
    name = _group(options, container).image or options.run_config.image
    image = options.images.get(name)
    if image is None or not image.uri:
        return (
            f"container {container.name} (node {container.nodes[0]}) has no image:"
            f" {name!r} is none of {sorted(options.images)}; name it with its uri"
            " under images in conf/*/vertexai.yml"
        )
    for node, extras in sorted(container.extras.items()):
        if lacking := sorted(extras - image.extras):
            return (
                f"node {node} (container {container.name}) needs the extra {lacking[0]}, which"
                f" image {name} lacks; give its group an image with it in conf/*/vertexai.yml"
            )
    return None


def is_tracked(pipeline: str, mlflow: Mapping[str, Any]) -> bool:
    """Tell whether a pipeline's runs are recorded in MLflow, by what ``mlflow.yml`` says."""
    disabled = mlflow.get("tracking", {}).get("disable_tracking", {}).get("pipelines") or []
    return pipeline not in disabled


def describe_kinds(specification: dict[str, Any], kinds: Mapping[str, str]) -> None:
    """Write each parameter's kind beside its type: Vertex AI knows no dates."""
    declared = specification["root"].get("inputDefinitions", {}).get("parameters", {})
    for name, definition in declared.items():
        definition["description"] = kinds[name]


def _group(options: VertexOptions, container: Container) -> Any:
    return options.group(container.name)


def _job(options: VertexOptions, name: str, specification: dict[str, Any]) -> dict[str, Any]:
    identity = options.identity(name)
    job = {
        "displayName": name,
        "labels": {**options.labels, "pipeline": name.strip("_"), VERSION_LABEL: version_label()},
        "network": identity.network.vpc if identity.network else None,
        "pipelineSpec": specification,
        "runtimeConfig": {"gcsOutputDirectory": f"gs://{options.run_config.root}"},
        "serviceAccount": identity.service_account,
    }
    return {key: value for key, value in job.items() if value is not None}
