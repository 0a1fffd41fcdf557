"""What serving is measured against: an ASGI app that does nothing, and the usual FastAPI apps."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request
from PIL import Image
from pydantic import BaseModel


async def nothing(scope: dict, receive: Any, send: Any) -> None:
    """Answer 200 and a few bytes, whatever is asked; the body is read."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


class Asked(BaseModel):
    """What both sides are asked."""

    instances: list[dict[str, dict[str, float | str | None]]]


def fastapi() -> FastAPI:
    """Build what most would write around the same ONNX file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = Path(os.environ["BENCH_BUNDLE"]) / "model.onnx"
    session = onnxruntime.InferenceSession(str(model), options)
    numeric = {each.name for each in session.get_inputs() if "float" in each.type}
    app = FastAPI()

    @app.post("/predict")
    async def predict(asked: Asked) -> dict[str, list[float]]:
        rows = [each["features"] for each in asked.instances]
        inputs = {
            name: np.array(
                [[np.nan if row[name] is None else row[name]] for row in rows], "float32"
            )
            if name in numeric
            else np.array([[row[name] or ""] for row in rows], dtype=object)
            for name in rows[0]
        }
        return {"predictions": session.run(["probabilities"], inputs)[0][:, 0].tolist()}

    return app


def pipeline() -> FastAPI:
    """Build what most would write around a network of transformers."""
    import transformers  # noqa: PLC0415 (the images extra may be missing)

    network = os.environ["BENCH_NETWORK"]
    classify = transformers.pipeline(
        "image-classification",
        model=network,
        device=os.environ["BENCH_DEVICE"],
        function_to_apply="sigmoid",
        top_k=None,
    )
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        picture = Image.open(io.BytesIO(await request.body()))
        return {"predictions": classify(picture)}

    return app
