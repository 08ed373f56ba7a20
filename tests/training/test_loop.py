"""The training loop: schedule, early stopping, going on after an interruption, curves."""

import os
import struct
from dataclasses import replace

import pytest
import torch
from tensorboardX.proto.event_pb2 import Event
from torch import nn

from indexer.progress import Progress
from indexer.training.loop import Epoch, LoopSettings, Task, parameter_groups, train

SETTINGS = LoopSettings(epochs=6, patience=6, learning_rate=0.05, seed=3)
X = torch.linspace(-1, 1, 32)[:, None]


class Line(nn.Module):
    """`y = a x + b`, with dropout, so that the random state of the loop matters."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.drop = nn.Dropout(0.2)
        with torch.no_grad():
            self.layer.weight.fill_(0)
            self.layer.bias.fill_(0)

    def forward(self, x):
        return self.layer(self.drop(x))


def line_task(figures=None, key="line"):
    """Learn `y = 2 x + 1`; `figures`: what the judge says of each epoch in turn."""
    module = Line()
    said = iter(figures or [])

    def batches(generator):
        return torch.split(torch.randperm(32, generator=generator), 8)

    def loss(chosen):
        x = X[chosen]
        return ((module(x) - (2 * x + 1)) ** 2).mean()

    def judge():
        assert not module.training
        assert not torch.is_grad_enabled()
        error = float(((module(X) - (2 * X + 1)) ** 2).mean())
        return next(said, -error), {"error": error}

    return Task(module, batches, 4, loss, judge, key)


def epochs_of(events):
    return [event for event in events if isinstance(event, Epoch)]


def test_training_lowers_the_loss_and_raises_the_figure():
    task = line_task()
    epochs = epochs_of(train(task, replace(SETTINGS, epochs=40, patience=40)))
    assert [epoch.number for epoch in epochs] == list(range(1, 41))
    assert epochs[-1].loss < epochs[0].loss / 3
    assert epochs[-1].figures["error"] < epochs[0].figures["error"] / 5


def test_every_batch_is_reported():
    events = list(train(line_task(), replace(SETTINGS, epochs=2)))
    steps = [Progress(step, 4) for step in (1, 2, 3, 4)]
    assert events[:4] == events[5:9] == steps
    assert isinstance(events[4], Epoch)
    assert isinstance(events[9], Epoch)


def test_same_seed_gives_the_same_weights_and_another_seed_others():
    found = []
    for seed in (1, 1, 2):
        task = line_task()
        list(train(task, replace(SETTINGS, seed=seed)))
        found.append(task.module.layer.weight.item())
    assert found[0] == found[1] != found[2]


def test_training_stops_when_patience_is_over_and_keeps_the_best():
    task = line_task(figures=[1.0, 3.0, 2.0, 3.0, 9.0])
    weights = []
    epochs = []
    for event in train(task, replace(SETTINGS, patience=2)):
        if isinstance(event, Epoch):
            epochs.append(event)
            weights.append(task.module.layer.weight.item())
    assert [epoch.best for epoch in epochs] == [True, True, False, False]
    assert task.module.layer.weight.item() == weights[1] != weights[3]


@pytest.mark.parametrize("done", [1, 3])
def test_interrupted_training_goes_on_to_the_same_result(tmp_path, done):
    whole = line_task()
    expected = epochs_of(train(whole, SETTINGS))
    first = train(line_task(), SETTINGS, checkpoint=tmp_path / "deep" / "point")
    for event in first:
        if isinstance(event, Epoch) and event.number == done:
            break
    next(first)  # one step more, which is lost
    first.close()
    second = line_task()
    events = list(train(second, SETTINGS, checkpoint=tmp_path / "deep" / "point"))
    assert epochs_of(events) == expected
    assert sum(isinstance(event, Progress) for event in events) == 4 * (6 - done)
    assert torch.equal(second.module.layer.weight, whole.module.layer.weight)
    assert os.listdir(tmp_path / "deep") == []


def test_best_epoch_before_an_interruption_is_kept(tmp_path):
    settings = replace(SETTINGS, epochs=3)
    first = line_task(figures=[5.0])
    running = train(first, settings, checkpoint=tmp_path / "point")
    next(event for event in running if isinstance(event, Epoch))
    weight = first.module.layer.weight.item()
    running.close()
    second = line_task(figures=[1.0, 1.0])
    list(train(second, settings, checkpoint=tmp_path / "point"))
    assert second.module.layer.weight.item() == weight


def interrupted(path, task):
    running = train(task, SETTINGS, checkpoint=path)
    next(event for event in running if isinstance(event, Epoch))
    running.close()
    assert path.is_file()


def test_checkpoint_of_other_settings_or_data_is_not_used(tmp_path):
    path = tmp_path / "point"
    for task, settings in (
        (line_task(), replace(SETTINGS, learning_rate=0.04)),
        (line_task(key="other data"), SETTINGS),
    ):
        interrupted(path, line_task())
        steps = [e for e in train(task, settings, checkpoint=path) if isinstance(e, Progress)]
        assert len(steps) == 4 * 6


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", None])
def test_damaged_checkpoint_is_as_good_as_none(tmp_path, damage):
    path = tmp_path / "point"
    interrupted(path, line_task())
    path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    assert len(epochs_of(train(line_task(), SETTINGS, checkpoint=path))) == 6


def test_checkpoint_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    torch.save({"key": Evil()}, tmp_path / "point")
    assert len(epochs_of(train(line_task(), SETTINGS, checkpoint=tmp_path / "point"))) == 6
    assert not (tmp_path / "evil").exists()


def test_interrupted_writing_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path = tmp_path / "point"
    interrupted(path, line_task())
    before = path.read_bytes()

    def half(stored, target):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        list(train(line_task(), SETTINGS, checkpoint=path))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["point"]


def test_gradients_are_clipped_where_asked_for():
    reached = []
    for clip in (None, 1e-3):
        task = line_task()
        norms = []
        for event in train(task, replace(SETTINGS, epochs=1, clip=clip)):
            if isinstance(event, Progress):
                gradients = [p.grad for p in task.module.parameters()]
                norms.append(torch.cat([g.flatten() for g in gradients]).norm().item())
        reached.append(max(norms))
    assert reached[0] > 0.1
    assert reached[1] <= 1e-3 * 1.001


def test_rate_warms_up_and_fades(tmp_path):
    epochs = list(train(line_task(), replace(SETTINGS, warm_up=0.5), curves=tmp_path))
    assert len(epochs_of(epochs)) == 6
    rates = [value for _, value in scalars(tmp_path)["learning_rate"]]
    assert max(rates) == pytest.approx(SETTINGS.learning_rate, rel=0.1)
    assert rates.index(max(rates)) in (2, 3)
    assert rates[-1] < SETTINGS.learning_rate / 20


def test_matrices_are_decayed_and_biases_are_not():
    matrices, rest = parameter_groups(Line(), replace(SETTINGS, weight_decay=0.3), {})
    assert matrices["weight_decay"] == 0.3
    assert [p.ndim for p in matrices["params"]] == [2]
    assert rest["weight_decay"] == 0
    assert [p.ndim for p in rest["params"]] == [1]


def test_parts_can_learn_at_a_share_of_the_rate():
    settings = replace(SETTINGS, learning_rate=0.1)
    model = nn.ModuleDict({"old": nn.Linear(2, 2), "new": nn.Linear(2, 2)})
    found = parameter_groups(model, settings, {"old.": 0.25})
    rates = {id(p): group["lr"] for group in found for p in group["params"]}
    assert {rates[id(p)] for p in model["old"].parameters()} == {0.025}
    assert {rates[id(p)] for p in model["new"].parameters()} == {0.1}


def scalars(folder):
    """Curves as TensorBoard reads them from the event files of a folder: name to (epoch, value)."""
    found = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):
        content = path.read_bytes()
        at = 0
        while at < len(content):  # a record: length, its checksum, the event, its checksum
            (size,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12 : at + 12 + size])
            at += 16 + size
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_curves_can_be_read_back(tmp_path):
    epochs = epochs_of(train(line_task(), replace(SETTINGS, epochs=3), curves=tmp_path / "curves"))
    found = scalars(tmp_path / "curves")
    assert set(found) == {"loss", "learning_rate", "validation/figure", "validation/error"}
    assert [step for step, _ in found["loss"]] == [1, 2, 3]
    assert [value for _, value in found["loss"]] == pytest.approx([e.loss for e in epochs])
