"""What Vertex AI's machines have, which accelerators they take and about what they cost.

Prices are list prices of custom training, on demand, rounded and not looked up again: an estimate
tells a cheap pipeline from a dear one and is no bill.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

N1_ACCELERATORS = {"NVIDIA_TESLA_T4": 4, "NVIDIA_TESLA_P100": 4, "NVIDIA_TESLA_V100": 8}


@dataclass(frozen=True)
class Machine:
    """One machine type.

    Attributes:
        cpus: Virtual CPUs.
        memory_gb: Memory, in GB.
        usd_per_hour: Price of the machine, accelerators that are built in included.
        accelerators: How many of each kind of accelerator it takes at most.
    """

    cpus: int
    memory_gb: int
    usd_per_hour: float
    accelerators: Mapping[str, int] = field(default_factory=dict)


MACHINES = {
    "e2-standard-4": Machine(4, 16, 0.15),
    "e2-standard-8": Machine(8, 32, 0.31),
    "e2-standard-16": Machine(16, 64, 0.62),
    "e2-highmem-8": Machine(8, 64, 0.42),
    "n1-standard-4": Machine(4, 15, 0.22, N1_ACCELERATORS),
    "n1-standard-8": Machine(8, 30, 0.44, N1_ACCELERATORS),
    "n1-standard-16": Machine(16, 60, 0.87, N1_ACCELERATORS),
    "g2-standard-8": Machine(8, 32, 0.98, {"NVIDIA_L4": 1}),
    "g2-standard-24": Machine(24, 96, 2.30, {"NVIDIA_L4": 2}),
    "a2-highgpu-1g": Machine(12, 85, 4.22, {"NVIDIA_TESLA_A100": 1}),
}
# Accelerators that are added to a machine cost extra; those built in are in its price.
USD_PER_ACCELERATOR_HOUR = {
    "NVIDIA_TESLA_T4": 0.40,
    "NVIDIA_TESLA_P100": 1.68,
    "NVIDIA_TESLA_V100": 2.85,
}
USD_PER_RUN = 0.03  # Vertex AI Pipelines' fee

REGIONS = frozenset(
    {
        "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2",
        "asia-northeast3", "asia-south1", "asia-southeast1", "asia-southeast2",
        "australia-southeast1", "australia-southeast2", "europe-central2", "europe-north1",
        "europe-southwest1", "europe-west1", "europe-west2", "europe-west3", "europe-west4",
        "europe-west6", "europe-west8", "europe-west9", "europe-west12", "me-central1",
        "me-central2", "me-west1", "northamerica-northeast1", "northamerica-northeast2",
        "southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4",
        "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
    }
)  # fmt: skip


def cost(machine: str, accelerator: str | None, count: int, minutes: float) -> float:
    """Estimate what a container costs.

    Args:
        machine: Its machine type.
        accelerator: Kind of accelerator, None for none.
        count: How many of it.
        minutes: How long it is expected to run.

    Returns:
        US dollars.
    """
    added = USD_PER_ACCELERATOR_HOUR.get(accelerator or "", 0.0) * count
    return (MACHINES[machine].usd_per_hour + added) * minutes / 60


def check_machine(
    where: str, machine: str, accelerator: str | None, accelerators: int
) -> str | None:
    """Tell what is wrong with a machine and what is attached to it, None if nothing is.

    Args:
        where: The configuration's place, for the sentence.
        machine: Machine type.
        accelerator: Kind of accelerator, None for none.
        accelerators: How many of it.
    """
    known = MACHINES.get(machine)
    if known is None:
        return f"{where}: machine {machine} is unknown; take one of {sorted(MACHINES)}"
    if accelerator is None:
        return None
    most = known.accelerators.get(accelerator, 0)
    if accelerators > most:
        fitting = sorted(
            name
            for name, each in MACHINES.items()
            if each.accelerators.get(accelerator, 0) >= accelerators
        )
        return (
            f"{where}: machine {machine} takes {most} of {accelerator}, got {accelerators};"
            f" take one of {fitting or sorted(known.accelerators)}"
        )
    return None
