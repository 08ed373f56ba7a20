"""The JSON of settings and figures beside the output of a training."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from indexer.training.loop import Epoch


def epoch_facts(epoch: Epoch) -> dict[str, Any]:
    """The loss and the validation figures of an epoch."""
    return {"loss": round(epoch.loss, 4), "validation": epoch.figures}


def read_facts(output: Path) -> dict[str, Any]:
    """Read the facts beside an output."""
    facts: dict[str, Any] = json.loads(output.with_suffix(".json").read_text())
    return facts


def write_facts(output: Path, facts: dict[str, Any], start: float | None = None) -> None:
    """Write facts beside an output, with the seconds since the monotonic time `start`."""
    if start is not None:
        facts["wall_seconds"] = round(time.monotonic() - start)
    output.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")
