"""Fine-tune on several GPUs, or processes of one machine; started by torchrun, never by Kedro.

torchrun --nproc-per-node 2 -m ucu_mlops.images.distributed FOLDER

FOLDER holds what ``write_job`` wrote: the pictures, the network and the options. Every process goes
through its part of each batch; the gradients are added up. Rank 0 writes ``trained/`` into FOLDER.
"""

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from transformers import ViTForImageClassification

from ucu_mlops.images.checkpoints import FolderCheckpoints
from ucu_mlops.images.finetune import Finetuned, finetune
from ucu_mlops.images.network import load_network, save_network
from ucu_mlops.images.options import ImageModelOptions, parse_options
from ucu_mlops.images.peers import Peers
from ucu_mlops.images.pictures import Pictures
from ucu_mlops.images.reporter import LogReporter

OPTIONS, HISTORY, TRAINED, START = "options.json", "history.json", "trained", "start"


def write_job(
    folder: Path,
    network: ViTForImageClassification,
    pictures: Pictures,
    validation: Pictures,
    options: ImageModelOptions,
) -> None:
    """Write down a training, for the processes to come."""
    folder.mkdir(parents=True, exist_ok=True)
    save_network(network, options.preprocessing, folder / START)
    for name, part in (("pictures", pictures), ("validation", validation)):
        for field, array in vars(part).items():
            if array is not None:
                np.save(folder / f"{name}.{field}.npy", array)
    (folder / OPTIONS).write_text(json.dumps(asdict(options)))


def run_job(folder: Path, peers: Peers) -> Finetuned:
    """Do this process's share of a training that ``write_job`` wrote down."""
    options = parse_options(json.loads((folder / OPTIONS).read_text()))
    network, _ = load_network(folder / START)
    done = finetune(
        network,
        _read_pictures(folder, "pictures"),
        _read_pictures(folder, "validation"),
        options,
        FolderCheckpoints(folder),
        LogReporter(),
        peers,
    )
    if peers.rank == 0:
        save_network(done.network, options.preprocessing, folder / TRAINED)
        (folder / HISTORY).write_text(json.dumps(done.history))
    return done


def main(folder: Path) -> None:
    """Join the other processes that torchrun started, train, and part."""
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))  # torchrun's way to say which
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        run_job(folder, Peers(distributed.get_rank(), distributed.get_world_size()))
    finally:
        distributed.destroy_process_group()


def _read_pictures(folder: Path, name: str) -> Pictures:
    """Map a part of the job's pictures into memory: the processes share one copy."""
    arrays = {
        path.name.split(".")[1]: np.load(path, mmap_mode="r")
        for path in sorted(folder.glob(f"{name}.*.npy"))
    }
    return Pictures(**arrays)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(Path(sys.argv[1]))
