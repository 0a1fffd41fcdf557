"""What the network runs on, and how it runs fastest there."""

import os
import platform
from contextlib import AbstractContextManager

import torch
from transformers import ViTForImageClassification

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.fused import fuse


def pick_device(asked: str) -> torch.device:
    """Find the device that was asked for.

    Raises:
        ConfigurationError: A GPU was asked for and there is none.
    """
    at_hand = torch.cuda.is_available()
    if asked == "cuda" and not at_hand:
        raise ConfigurationError(
            "images.model.finetuning.device is cuda, but no GPU is at hand; set it to auto or cpu"
        )
    return torch.device("cuda" if at_hand and asked != "cpu" else "cpu")


def use_bf16(precision: str, device: torch.device) -> bool:
    """Tell whether to multiply in bf16: where asked for, or where the device does it fast."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_amx_tile_supported())  # noqa: SLF001  # no public name yet


def autocast(device: torch.device, *, bf16: bool) -> AbstractContextManager[None]:
    """Multiply in bf16 within this context, or change nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)


def settle(network: ViTForImageClassification, device: torch.device) -> None:
    """Move a network to its device, in the form that is fastest there."""
    # Threads of a step wait for each other: with one per core, whatever else runs on the machine
    # stops them all (4 pictures/s beside two jobs on 2 cores, 75 with one thread). Beside a GPU
    # they only copy, and a copy by 16 threads took 8 ms now and then where one takes 0.02.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2) if device.type == "cpu" else 1)
    module: torch.nn.Module = network
    module.to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    # On a CPU the fused attention's backward pass takes 3 times as long as plain products.
    network.set_attn_implementation("eager" if device.type == "cpu" else "sdpa")
    if device.type == "cuda":
        fuse(network)


def compile_layers(network: ViTForImageClassification) -> None:
    """Fuse what a GPU does between the matrix products of a layer; on a CPU nothing changes.

    One layer's code serves all: that compiles in seconds, the whole network in a minute.
    """
    if network.device.type == "cpu":
        return
    for layer in network.vit.layers:
        layer.compile(dynamic=False)


def describe(device: torch.device) -> dict[str, str | int]:
    """Describe the hardware, for the record of a training."""
    name = platform.processor() or platform.machine()
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return {"device": device.type, "name": name, "threads": torch.get_num_threads()}
