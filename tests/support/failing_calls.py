"""Let each call to the file system fail in turn while a small library is made and changed.

A process of its own, started with `fault_injection.c` preloaded: everything is imported once, and
each case is a child that is forked from it. Prints one line of JSON for each case.
"""

import ctypes
import errno
import io
import json
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from faults import (
    ENCODER,
    NOTHING,
    QUERIES,
    Contents,
    Pictures,
    Seen,
    contents,
    decoding_here,
    environment,
    faults,
    know_encoder,
)

from indexer import IndexOptions, Library, PicfuseError, index_folder, indexing
from indexer.library.directory import is_vacant

SOURCE = Path(__file__).parent / "fault_injection.c"
MODES = {"count": 0, "once": 1, "from": 2, "short": 3}
SECONDS = 120  # for one case: longer is a hang
ASKED = QUERIES[:5]
Say = Callable[[object], None]


def build(folder: Path) -> Path | None:
    """The library to preload, compiled below `folder`; None where it cannot be had."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    made = folder / "fault_injection.so"
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl", "-lpthread"]
    return made if subprocess.run(words, capture_output=True).returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls that fail, one in each case, and how: every `step`-th from the `first` on."""

    mode: str
    error: str
    first: int = 1
    step: int = 1


def run_cases(preloaded: Path, room: Path, plans: Sequence[Plan]) -> Iterator[dict]:
    """All cases of some plans; in front of them the number of all calls."""
    room.mkdir(parents=True)
    words = [sys.executable, "-m", "failing_calls", room, json.dumps([asdict(p) for p in plans])]
    settings = {"LD_PRELOAD": str(preloaded), "OMP_NUM_THREADS": "1"}  # its threads do not fork
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, env=environment(room / "site") | settings, text=True
    ) as process:
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    if process.returncode:
        raise RuntimeError(f"the process of the cases ended with status {process.returncode}")


class Shim:
    """The functions of `fault_injection.c`, in the process that it was preloaded into."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.fault_disarm.restype = ctypes.c_long
        self._library.fault_hit.restype = ctypes.c_char_p

    def arm(self, folder: Path, number: int, mode: str, error: int) -> None:
        """Let the call of a number fail, among those that change something below a folder."""
        chosen = (ctypes.c_long(number), MODES[mode], error)
        self._library.fault_arm(os.fsencode(folder), *chosen)

    def disarm(self) -> int:
        """End it; the number of calls."""
        return self._library.fault_disarm()

    def hold(self, held: bool) -> None:
        """Let calls pass uncounted, or not any more."""
        self._library.fault_hold(held)

    @property
    def hit(self) -> str:
        """The first call that failed, and its file."""
        return os.fsdecode(self._library.fault_hit())


class Cases:
    """All cases take place in one room, one after the other."""

    def __init__(self, room: Path) -> None:
        self.pictures, self.library = room / "pictures", room / "library"
        self.reference: Seen | None = None
        self.shim = Shim()

    def prepare(self) -> int:
        """Make the reference, which also warms up this process; the number of calls to fail."""
        self._reset()
        self.shim.arm(self.library, 0, "count", 0)
        self._story(lambda _: None)
        calls = self.shim.disarm()
        self.reference = Seen.of(self.library, ASKED)
        return calls

    def run(self, number: int, mode: str, error: str) -> dict:
        """Let one call fail, look at what is left, and go on from there."""
        self._reset()
        said, hung = forked(lambda say: self._fail(say, number, mode, error))
        committed = [s for s in said if isinstance(s, Contents)]
        ends = [s for s in said if isinstance(s, dict)] or [{"hit": "", "flaws": ["it died"]}]
        case = {"number": number, "mode": mode, "error": error, "raised": "", **ends[-1]}
        case["flaws"] += ["it hangs"] * hung
        looked, hung = forked(lambda say: say(self._look(committed or [NOTHING])))
        case["flaws"] += looked[-1] if looked else [f"the next run {'hangs' if hung else 'died'}"]
        case["commits"] = len({s.generation for s in committed})
        return case

    def _reset(self) -> None:
        shutil.rmtree(self.library, ignore_errors=True)
        shutil.rmtree(self.pictures, ignore_errors=True)
        Pictures(self.pictures, seed=3).add(6)

    def _change(self) -> None:
        """An edit, a deletion, a new caption; doing it again changes nothing."""
        first, second, third, *_ = (self.pictures / f"{n}" / f"{n}.png" for n in range(6))
        first.write_bytes(third.read_bytes())
        os.utime(first, (1_800_000_000,) * 2)
        second.unlink(missing_ok=True)
        third.with_suffix(".txt").write_text("two red boats")

    def _story(self, note: Callable[[Library], None]) -> None:
        with Library.create(self.library, encoder=ENCODER) as library:
            note(library)
            for _ in indexing(library, self.pictures):
                note(library)
            self._change()
            for _ in indexing(library):
                note(library)

    def _fail(self, say: Say, number: int, mode: str, error: str) -> None:
        flaws, raised = [], ""

        def note(library: Library) -> None:
            self.shim.hold(True)
            say(contents(library.path))
            self.shim.hold(False)

        self.shim.arm(self.library, number, mode, getattr(errno, error))
        try:
            self._story(note)
        except PicfuseError as known:
            raised = f"{type(known).__name__}: {known}"
        except BaseException:
            flaws.append(f"not an error of picfuse: {traceback.format_exc()}")
        self.shim.disarm()
        say({"hit": self.shim.hit, "raised": raised, "flaws": flaws})

    def _look(self, committed: list[Contents]) -> list[str]:
        """Problems afterwards: in what is there, and after the same command again."""
        try:
            return self._left(committed) + self._gone_on()
        except BaseException:
            return [traceback.format_exc()]

    def _left(self, committed: list[Contents]) -> list[str]:
        flaws = [flaw for before in committed for flaw in contents(self.library).lost_since(before)]
        if not is_vacant(self.library):
            with Library.open(self.library, read_only=True) as library:
                flaws += faults(library)
        return flaws

    def _gone_on(self) -> list[str]:
        self._change()
        if is_vacant(self.library):
            Library.create(self.library, encoder=ENCODER).close()
        with Library.open(self.library) as library:
            report = index_folder(library, self.pictures)
            flaws = [str(failure) for failure in (*report.failed, *report.problems)]
            flaws += faults(library) + self._left_over("vectors-*.tmp")
            index_folder(library, options=IndexOptions(prune=True))
            flaws += self._left_over("thumbnails/*/.*")
        assert self.reference is not None
        return flaws + Seen.of(self.library, ASKED).differences(self.reference)

    def _left_over(self, pattern: str) -> list[str]:
        return [f"left over: {path.name}" for path in self.library.glob(pattern)]


def forked(work: Callable[[Say], None]) -> tuple[list, bool]:
    """The output of work in a child process, and whether the process had to be killed."""
    source, target = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(target, "wb", buffering=0) as file:
                work(lambda value: file.write(pickle.dumps(value)) and None)
        finally:
            os._exit(0)
    os.close(target)
    with os.fdopen(source, "rb", buffering=0) as file:
        said, hung = _read_all(file)
    if hung:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return _unpickled(said), hung


def _read_all(file) -> tuple[bytes, bool]:
    parts = []
    while select.select([file], [], [], SECONDS)[0]:
        part = file.read(1 << 16)
        if not part:
            return b"".join(parts), False
        parts.append(part)
    return b"".join(parts), True


def _unpickled(said: bytes) -> list:
    values, stream = [], io.BytesIO(said)
    with suppress(EOFError, pickle.UnpicklingError):  # the last one may be cut
        while True:
            values.append(pickle.load(stream))
    return values


def main(room: str, plans: str) -> None:
    """Print the number of calls, then each case."""
    know_encoder()
    cases = Cases(Path(room))
    with decoding_here():
        calls = cases.prepare()
        print(json.dumps({"calls": calls}), flush=True)
        for plan in (Plan(**fields) for fields in json.loads(plans)):
            for number in range(plan.first, calls + 1, plan.step):
                print(json.dumps(cases.run(number, plan.mode, plan.error)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
