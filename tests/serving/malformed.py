"""Bodies that no client should send, made from seeds; the torture run sends thousands of them."""

import base64
import io
import json
import random

from PIL import Image

from ucu_mlops.adapters.inference_protocol import message
from ucu_mlops.serving.binary import NUMBERS

KINDS = ("application/json", "image/jpeg", "multipart/form-data; boundary=b", "text/x", "a/b; c")
PATHS = ("/predict", "/v2/models/{model}/infer", "/v2/models/{model}/versions/1/infer")
VALUES = (
    *(None, True, -1, 0.5, 1e308, 10**400, "", "UA", "\0", "\u202e", "x" * 5_000, [], {}, [[]]),
    {"b64": "x"},
    {"uri": "/etc/passwd"},
    {"uri": "\0"},
    {"b64": None, "uri": None},
)
NAMES = ("x", "place", "image", "features", "user_id", "data", "shape", "name", "b64", "\ud7ff")


def value(chance: random.Random, depth: int) -> object:
    """Make a value of JSON."""
    if depth == 0 or chance.random() < 0.4:
        return chance.choice(VALUES)
    if chance.random() < 0.5:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(NAMES): value(chance, depth - 1) for _ in range(chance.randrange(4))}


def request(chance: random.Random) -> object:
    """Make something that begins like a request."""
    tensors = [
        {
            "name": name,
            "shape": chance.choice(([1], [2], [1, 1], value(chance, 1))),
            "datatype": chance.choice(("FP64", "BYTES", "INT8", "?")),
            "data": value(chance, 2),
        }
        for name in chance.sample(NAMES, 2)
    ]
    known = {"x": value(chance, 1), "place": value(chance, 1)}
    return chance.choice(
        (
            {"instances": [{"features": known}]},
            {"instances": [{"features": value(chance, 2)}, {"image": value(chance, 1)}]},
            {"instances": value(chance, 3), "parameters": value(chance, 1)},
            {"inputs": tensors, "id": value(chance, 0)},
            value(chance, 4),
        )
    )


def picture(chance: random.Random) -> bytes:
    """Make a picture and break it somewhere."""
    content = io.BytesIO()
    form = chance.choice(("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"))
    Image.new(chance.choice(("L", "RGB")), (40, 30), chance.randrange(256)).save(content, form)
    broken = bytearray(content.getvalue())
    for _ in range(chance.randrange(6)):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken[: chance.randrange(len(broken) + 1)] if chance.random() < 0.5 else broken)


def malformed(seed: int, model: str) -> tuple[str, str, bytes]:
    """Make one: its path, its media type and its body."""
    chance = random.Random(seed)  # noqa: S311 (a test's chance, to be had again)
    path = chance.choice(PATHS).format(model=model)
    if chance.random() < 0.3:
        encoded = base64.b64encode(picture(chance)).decode()
        body = json.dumps({"instances": [{"image": {"b64": encoded}}]}).encode()
    elif chance.random() < 0.5:
        body = json.dumps(request(chance)).encode()
    else:
        body = chance.choice((picture(chance), chance.randbytes(chance.randrange(200))))
        body = chance.choice((body, b"--b\r\nfilename\r\n\r\n" + body + b"\r\n--b--"))
        return path, chance.choice(KINDS), body
    if chance.random() < 0.3:
        body = bytearray(body)
        body[chance.randrange(len(body))] = chance.randrange(256)
    return path, "application/json", bytes(body)


def malformed_message(seed: int, model: str) -> bytes:
    """Make a message of gRPC: a request filled by chance, then perhaps broken somewhere."""
    chance = random.Random(seed)  # noqa: S311 (a test's chance, to be had again)
    request = message("ModelInferRequest")(model_name=chance.choice((model, "", "other")))
    for name in chance.sample(NAMES[:-1], chance.randrange(4)):
        tensor = request.inputs.add(name=name, datatype=chance.choice((*NUMBERS, "BYTES", "?")))
        tensor.shape.extend(chance.choice(([1], [2], [1, 1], [], [-1], [2**62, 2])))
        tensor.contents.fp64_contents.extend([chance.random()] * chance.randrange(3))
        tensor.contents.bytes_contents.extend([picture(chance)] * chance.randrange(2))
    for _ in range(chance.choice((0, len(request.inputs), 3))):
        request.raw_input_contents.append(chance.randbytes(chance.choice((0, 4, 8, 30))))
    content = bytearray(request.SerializeToString())
    for _ in range(chance.randrange(3) if content else 0):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)
