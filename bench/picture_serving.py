"""Pictures per second of the server, against FastAPI around a transformers pipeline.

::

    python -m bench.picture_serving

A JPEG of 1280 by 960 pixels, ViT-B/16 at 224. On a CPU: quantized as a bundle ships it, and the
control in full precision. On a GPU: one connection, beside the bare decoding and compiled network.
"""

import contextlib
import io
import json
import os
import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, gettempdir

import pandas as pd

from bench.decoding import QUALITY, draw_photograph
from bench.harness import Data, Figure, measure, prepared, report
from bench.looks import SEED
from bench.servers import OURS, QUIET, UVICORN, Asked, Start, running, said, turn

SIDE, LABELS = 224, ("one", "two", "three")
CONNECTIONS = {"cpu": 4, "cuda": 1}
PEER, BARE = "FastAPI + transformers pipeline", "decoding and compiled network alone"
GOALS = {"int8": 6.0, "fp32": 1.0, "cuda": 1 / 1.5}
JPEG = "image/jpeg"


def prepare(folder: Path) -> None:
    """Write a network that knows nothing as bundles, with int8 and without, and a photograph."""
    import torch  # noqa: PLC0415 (the images extra may be missing)
    from PIL import Image  # noqa: PLC0415
    from transformers import (  # noqa: PLC0415
        ViTConfig,
        ViTForImageClassification,
        ViTImageProcessor,
    )

    from ucu_mlops.bundle.manifest import LabelSpec, Manifest  # noqa: PLC0415
    from ucu_mlops.bundle.store import Draft, write_bundle  # noqa: PLC0415
    from ucu_mlops.images.export import to_int8, to_onnx  # noqa: PLC0415
    from ucu_mlops.images.labels import parse_labels  # noqa: PLC0415
    from ucu_mlops.images.model_files import FP32, INT8, policy_of  # noqa: PLC0415
    from ucu_mlops.images.network import save_network  # noqa: PLC0415
    from ucu_mlops.images.operating_point import MET, OperatingPoint  # noqa: PLC0415
    from ucu_mlops.images.settings import LookOptions, PreprocessingSettings  # noqa: PLC0415
    from ucu_mlops.images.thresholds import LabelThreshold  # noqa: PLC0415

    torch.manual_seed(SEED)
    network = ViTForImageClassification(ViTConfig(num_labels=len(LABELS)))
    network.save_pretrained(folder / "network")
    ViTImageProcessor().save_pretrained(folder / "network")
    half = (0.5, 0.5, 0.5)
    settings = PreprocessingSettings(SIDE, 3, mean=half, std=half, fit="stretch")
    save_network(network, settings, folder / "files")
    point = OperatingPoint(0.5, MET)
    thresholds = tuple(LabelThreshold(name, point, point, 0.5, 1, 1) for name in LABELS)
    looks, asked = LookOptions(looks=1), parse_labels(dict.fromkeys(LABELS))
    manifest = Manifest(
        model="images",
        kind="model",
        as_of="2026-03-31",
        features=(),
        labels=tuple(LabelSpec(name, 0.5) for name in LABELS),
        policy=policy_of(asked, settings, looks, thresholds),
    )
    files = {each.name: each.read_bytes() for each in (folder / "files").iterdir()}
    files[FP32] = to_onnx(network)
    write_bundle(Draft(manifest, files), folder / "fp32")
    write_bundle(Draft(manifest, files | {INT8: to_int8(files[FP32])}), folder / "int8")
    content = io.BytesIO()
    Image.fromarray(draw_photograph(SEED)).save(content, "JPEG", quality=QUALITY)
    (folder / "photograph.jpg").write_bytes(content.getvalue())


def ours(folder: Path, kind: str, device: str, conf: Path, port: int) -> Start:
    """Start the product on one of the bundles."""
    place = conf / kind / "base"
    place.mkdir(parents=True, exist_ok=True)
    pictures = {"side": SIDE, "channels": 3, "device": device}
    # As slow as it may be: what is measured here is how much is answered, not what is refused.
    patient = {"limits": {"timeout_s": 60.0}, "queue": {"budget_ms": 60_000}}
    (place / "serving.yml").write_text(json.dumps({"pictures": pictures, **patient}))
    command = [*OURS, "--model", "images", "--conf", str(conf / kind)]
    return Start(command, {"AIP_HTTP_PORT": str(port), "AIP_STORAGE_URI": str(folder / kind)})


def peer(folder: Path, device: str, port: int) -> Start:
    """Start what most would write."""
    app = ["--factory", "bench.serving_peers:pipeline", "--port", str(port)]
    environ = {"BENCH_NETWORK": str(folder / "network"), "BENCH_DEVICE": device}
    return Start([*UVICORN, *QUIET, *app], environ | {"OMP_NUM_THREADS": "2"})


def bare(folder: Path) -> pd.DataFrame:
    """Decode and classify the photograph on the GPU, with no server around: ``seconds`` of each."""
    from time import perf_counter  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    from ucu_mlops.bundle.store import read_bundle  # noqa: PLC0415
    from ucu_mlops.images.decoding import DecodingOptions, decode  # noqa: PLC0415
    from ucu_mlops.images.gpu_predictor import GpuPredictor  # noqa: PLC0415

    predictor = GpuPredictor(read_bundle(folder / "fp32", "1"), 1)
    content, options = (folder / "photograph.jpg").read_bytes(), DecodingOptions(SIDE, 3)
    seconds = []
    for _ in range(300):
        begun = perf_counter()
        decoded = decode(content, options)
        predictor.probabilities(decoded.pixels[None], np.array([decoded.box], dtype=np.int64))
        seconds.append(perf_counter() - begun)
    return pd.DataFrame({"seconds": seconds[20:]})


def figures(root: Path, repetitions: int, seconds: float) -> list[Figure]:
    """Ask all servers in turn.

    Args:
        root: Where the network is, or will be.
        repetitions: Turns of each.
        seconds: Of one turn.
    """
    import torch  # noqa: PLC0415 (the images extra may be missing)

    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = prepared(Data("picture_serving", prepare), root)
    asked = Asked(folder / "photograph.jpg", JPEG)
    with contextlib.ExitStack() as stack:
        conf = Path(stack.enter_context(TemporaryDirectory()))
        kinds = {"cuda": "fp32"} if device == "cuda" else {"int8": "int8", "fp32": "fp32"}
        starts = {
            name: partial(ours, folder, kind, device, conf) for name, kind in kinds.items()
        } | {PEER: partial(peer, folder, device)}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in starts}
        for _ in range(repetitions):
            # One at a time: on two cores even an idle one's threads would be in the way.
            for name, start in starts.items():
                with running(start, asked) as port:
                    found[name].append(turn(port, asked, CONNECTIONS[device], seconds))
    for name, turns in found.items():
        print(said(name, turns))  # noqa: T201
    theirs = [each["rate"] for each in found[PEER]]
    where = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    lines = [
        _figure(
            f"pictures/s, {name}, {where}",
            PEER,
            GOALS[name] if device == "cpu" else 1.0,
            [each["rate"] for each in found[name]],
            theirs,
        )
        for name in kinds
    ]
    if device == "cuda":
        # As the servers: with 16 threads, which sleep, it took four times as long.
        os.environ["OMP_NUM_THREADS"] = "1"
        with TemporaryDirectory() as results:
            result = Path(results) / "bare.parquet"
            measure("bench.picture_serving:bare", folder, result)
            alone = float(pd.read_parquet(result)["seconds"].median())
        mine = [1_000 / each["p50_ms"] for each in found["cuda"]]
        print(f"{BARE}: {alone * 1_000:.2f} ms")  # noqa: T201
        lines.append(
            _figure(f"one connection, {where}", BARE, GOALS["cuda"], mine, [1 / alone] * len(mine))
        )
    return lines


def _figure(
    name: str, peer_name: str, goal: float, mine: list[float], theirs: list[float]
) -> Figure:
    """Compare rates: ours by the other's."""
    ratio = median(mine) / median(theirs)
    shares = [each / other for each, other in zip(mine, theirs, strict=True)]
    return Figure(
        name=name,
        peer=peer_name,
        ratio=ratio,
        memory_ratio=None,
        goal=goal,
        memory_goal=None,
        holds=ratio >= goal,
        spread=(min(shares), max(shares)),
        ours=median(mine),
        theirs=median(theirs),
    )


def main() -> None:
    """Measure, print and write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="of one turn")
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "ucu-mlops-bench")
    results = Path(__file__).with_name("picture_serving.json")
    parser.add_argument("--results", type=Path, default=results)
    asked = parser.parse_args()
    print(report(figures(asked.data, asked.repetitions, asked.seconds), asked.results))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
