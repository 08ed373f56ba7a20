"""The training loop of all models: batch, forward, backward, step, validation.

It trains a `Task` and knows nothing of pictures. Interrupted after any epoch, it resumes from its
checkpoint and reaches the same result, bit by bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Generic, TypeVar

import torch
from tensorboardX import SummaryWriter
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from indexer.files import whole_file
from indexer.progress import Progress

Batch = TypeVar("Batch")
Judgement = tuple[float, dict[str, float]]


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Length, learning rate and seed of a training; `clip` bounds the norm of gradients."""

    epochs: int = 20
    patience: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    warm_up: float = 0.1
    clip: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Task(Generic[Batch]):
    """A module to train, by the `loss` on each of an epoch's `batches`.

    `steps`: the number of batches in an epoch. `judge` returns the deciding validation figure
    (higher is better) and the figures to show; it runs without gradients, in evaluation mode.
    `key` identifies the data and everything else that the result depends on: a checkpoint with
    another key is ignored. `rates`: learning rates of the parameters whose names have a prefix, as
    shares of the common rate.
    """

    module: nn.Module
    batches: Callable[[torch.Generator], Iterable[Batch]]
    steps: int
    loss: Callable[[Batch], Tensor]
    judge: Callable[[], Judgement]
    key: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Epoch:
    """The outcome of one epoch; `best`: its figure is the highest so far."""

    number: int
    loss: float
    figure: float
    figures: dict[str, float]
    best: bool


@dataclass(slots=True)
class _State:
    """The state after an epoch, as a checkpoint holds it."""

    key: str
    module: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    random: Tensor | None = None
    best: dict[str, Any] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)


def train(
    task: Task[Batch],
    settings: LoopSettings,
    *,
    checkpoint: Path | None = None,
    curves: Path | None = None,
    keep: bool = False,
) -> Iterator[Progress | Epoch]:
    """Train a task; yields progress within each epoch and an `Epoch` after it.

    Ends when `settings.patience` epochs brought no better figure, and leaves the module as it was
    after its best epoch. With `checkpoint`, an interrupted run of the same settings and key is
    resumed: its epochs are yielded first. The checkpoint is deleted in the end, unless `keep` is
    set because a longer run still needs it. `curves` is a folder that TensorBoard reads.
    """
    module = task.module
    generator = torch.manual_seed(settings.seed)  # of batches and of dropout
    groups = parameter_groups(module, settings, task.rates)
    optimizer = torch.optim.AdamW(groups, settings.learning_rate)
    schedule = OneCycleLR(
        optimizer,
        [group["lr"] for group in groups],
        total_steps=settings.epochs * task.steps,
        pct_start=settings.warm_up,
    )
    state = _resume(checkpoint, _key(task, settings), module, optimizer, schedule, generator)
    yield from map(_epoch, state.epochs)
    with _writer(curves, len(state.epochs) + 1) as writer:
        while not _is_over(state.epochs, settings):
            total = 0.0
            module.train()
            for step, batch in enumerate(task.batches(generator), start=1):
                with torch.autocast("cuda", torch.bfloat16, enabled=_on_cuda(module)):
                    loss = task.loss(batch)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                if settings.clip is not None:
                    nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
                optimizer.step()
                schedule.step()
                total += loss.item()
                yield Progress(step, task.steps)
            module.eval()
            with torch.no_grad():
                figure, figures = task.judge()
            best = all(figure > before["figure"] for before in state.epochs)
            epoch = Epoch(len(state.epochs) + 1, total / task.steps, figure, figures, best)
            state.epochs.append(asdict(epoch))
            state.best = deepcopy(module.state_dict()) if best else state.best
            _save(checkpoint, state, module, optimizer, schedule, generator)
            _write_curves(writer, epoch, float(schedule.get_last_lr()[0]))
            yield epoch
    module.load_state_dict(state.best)
    module.eval()
    if checkpoint is not None and not keep:
        checkpoint.unlink(missing_ok=True)


def parameter_groups(
    module: nn.Module, settings: LoopSettings, rates: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Parameters grouped by rate and decay: matrices decay, biases and scalars do not.

    Pretrained parameters have a lower rate, and thereby decay less.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            share = next((r for start, r in rates.items() if name.startswith(start)), 1.0)
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((share * settings.learning_rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def _is_over(epochs: list[dict[str, Any]], settings: LoopSettings) -> bool:
    """Whether all epochs are done, or the last `patience` of them were no better than the best."""
    bests = [epoch["number"] for epoch in epochs if epoch["best"]]
    late = bool(bests) and len(epochs) - bests[-1] >= settings.patience
    return len(epochs) >= settings.epochs or late


def _key(task: Task[Batch], settings: LoopSettings) -> str:
    shapes = [(name, tuple(p.shape)) for name, p in task.module.named_parameters()]
    return hashlib.sha256(repr((task.key, settings, task.steps, shapes)).encode()).hexdigest()


def _epoch(stored: Mapping[str, Any]) -> Epoch:
    return Epoch(**stored)


def _on_cuda(module: nn.Module) -> bool:
    """Whether half precision pays: it is faster on a GPU and slower on a CPU."""
    return next(module.parameters()).is_cuda


def _resume(
    checkpoint: Path | None,
    key: str,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: OneCycleLR,
    generator: torch.Generator,
) -> _State:
    """Restore the state of an interrupted run into module, optimizer, schedule and generator.

    Returns a fresh state if the checkpoint is missing, unreadable or of another key.
    """
    try:
        stored = torch.load(checkpoint, weights_only=True) if checkpoint else {}
        state = _State(**stored) if stored else _State(key)
    except (OSError, RuntimeError, EOFError, UnpicklingError, TypeError, ValueError):
        state = _State(key)
    if state.key != key or state.random is None:
        return _State(key)
    module.load_state_dict(state.module)
    optimizer.load_state_dict(state.optimizer)
    schedule.load_state_dict(state.schedule)
    generator.set_state(state.random)
    return state


def _save(
    checkpoint: Path | None,
    state: _State,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: OneCycleLR,
    generator: torch.Generator,
) -> None:
    """Write the checkpoint atomically."""
    if checkpoint is None:
        return
    state.module, state.optimizer = module.state_dict(), optimizer.state_dict()
    state.schedule, state.random = schedule.state_dict(), generator.get_state()
    with whole_file(checkpoint) as temporary:
        torch.save({name: getattr(state, name) for name in _State.__slots__}, temporary)


def _writer(curves: Path | None, first: int) -> AbstractContextManager[SummaryWriter | None]:
    """Writer of curves from the `first` epoch on, replacing any of these epochs; None without."""
    if curves is None:
        return nullcontext()
    writer = SummaryWriter(str(curves), purge_step=first, filename_suffix=f".from-{first}")
    return closing(writer)


def _write_curves(writer: SummaryWriter | None, epoch: Epoch, rate: float) -> None:
    """Write the figures of one epoch for TensorBoard."""
    if writer is None:
        return
    values = {"loss": epoch.loss, "learning_rate": rate, "validation/figure": epoch.figure}
    values |= {f"validation/{name}": value for name, value in epoch.figures.items()}
    for name, value in values.items():
        writer.add_scalar(name, value, epoch.number)
    writer.flush()
