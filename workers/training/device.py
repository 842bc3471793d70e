"""Where a run trains: the device, the number format, threads, and how much goes in at once."""

import time
from dataclasses import dataclass

import torch

from app.domain.training_config import Device, TrainingConfig
from app.domain.tuning import TUNING_METHODS
from workers.training.failures import NoDevice

_ACTIVATION_BYTES = (
    34  # a layer keeps about 34 bytes a token and hidden unit (Korthikanti et al. 2022)
)
_SPARE = 0.85  # of a GPU's memory is planned for
_CPU_SEQUENCES = 8


@dataclass(frozen=True)
class Place:
    """A device and how it is used."""

    device: torch.device
    bf16: bool

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def name(self) -> str:
        return (
            torch.cuda.get_device_name() if self.cuda else f"CPU, {torch.get_num_threads()} threads"
        )


def choose(config: TrainingConfig, work: float) -> Place:
    """The device for `work` (parameters times tokens); raises NoDevice that says what to do."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if torch.cuda.is_available() and config.device is not Device.CPU:
        bf16 = torch.cuda.is_bf16_supported() if config.bf16 is None else config.bf16
        return Place(torch.device("cuda", 0), bf16)
    _refuse_cpu(config, work)
    return Place(torch.device("cpu"), bool(config.bf16))


def _refuse_cpu(config: TrainingConfig, work: float) -> None:
    if config.device is Device.CUDA or TUNING_METHODS[config.method].needs_cuda:
        raise NoDevice(
            f"There is no CUDA GPU here, and the run asks for one ({config.method}, device "
            f"{config.device}). Run it on a machine with a GPU, or choose device=cpu and another "
            "method than qlora."
        )
    if config.device is Device.AUTO and work > config.cpu_work:
        raise NoDevice(
            f"There is no CUDA GPU here, and this run is large for a CPU: {work:.1e} parameters "
            f"times tokens, where cpu_work allows {config.cpu_work:.1e}. Run it on a machine with "
            "a GPU, or say device=cpu."
        )


@dataclass(frozen=True)
class Memory:
    """Bytes that a step needs, roughly: what stays, and what each sequence in the batch adds."""

    fixed: int
    sequence: int

    def total(self, micro_batch: int) -> int:
        return self.fixed + micro_batch * self.sequence


def memory(
    weights: int,
    trained: int,
    layers: int,
    hidden: int,
    length: int,
    bf16: bool,
    checkpointing: bool,
) -> Memory:
    """Bytes of weights; gradients and Adam's two moments of what is trained; activations."""
    kept = 2 * layers * hidden if checkpointing else _ACTIVATION_BYTES * layers * hidden
    return Memory(
        fixed=weights + trained * 16,
        sequence=length * (kept if bf16 else 2 * kept),
    )


def micro_batch(config: TrainingConfig, place: Place, needed: Memory) -> int:
    """How many sequences go in at once: a divisor of the batch, as many as memory holds."""
    if config.micro_batch is not None:
        return config.micro_batch
    most = _CPU_SEQUENCES
    if place.cuda:
        most = max(1, int((_planned_bytes() - needed.fixed) // needed.sequence))
    return largest_divisor(config.batch_size, most)


def fits(place: Place, needed: Memory, *, sequences: int) -> bool:
    """Tell whether a GPU holds this many sequences at once."""
    return place.cuda and needed.total(sequences) <= _planned_bytes()


def _planned_bytes() -> float:
    return torch.cuda.get_device_properties(0).total_memory * _SPARE


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of a number that is not above `most`."""
    return next(each for each in range(min(number, most), 0, -1) if number % each == 0)


def matmul_rate(place: Place) -> float:
    """Measured floating point operations a second of a large product of matrices."""
    size = 4096 if place.cuda else 512
    kind = torch.bfloat16 if place.bf16 else torch.float32
    matrix = torch.randn(size, size, device=place.device, dtype=kind)
    matrix @ matrix  # the first one also starts threads and kernels
    began, repeats = time.perf_counter(), 8
    for _ in range(repeats):
        product = matrix @ matrix
    product.sum().item()  # waits for the device
    return repeats * 2 * size**3 / (time.perf_counter() - began)
