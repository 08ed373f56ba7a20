"""Kill `picfuse index` at random moments, and look at what is left each time."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from command_line import command
from faults import ENCODER, NOTHING, Contents, Pictures, Seen, contents, environment, faults

from indexer import Library, PicfuseError
from indexer.library.directory import is_vacant

SECONDS = 60  # that a process may take to see that its parent is dead
ATTEMPTS = 6  # at a moment so short that whoever watches for it on a busy machine may miss it
BLOCKS = Path("/dev/shm")
Process = subprocess.Popen


@dataclass(slots=True)
class Kill:
    """A kill: where it hit, how many embeddings were committed, and the problems after it."""

    where: str
    committed: int
    flaws: list[str] = field(default_factory=list)


class Killing:
    """A folder of pictures whose library is never left to index them in peace."""

    def __init__(self, room: Path, count: int, seed: int, *, measure: bool = True) -> None:
        self.pictures = Pictures(room / "pictures", seed)
        self.pictures.add(count)
        self.random = random.Random(seed)
        self.library, self._room, self._count = room / "library", room, count
        self._temporary = tempfile.TemporaryDirectory()  # the names of sockets must be short
        settings = {"TMPDIR": self._temporary.name}
        self._environment = environment(room / "site") | settings
        self._expected = self.pictures.expected()
        self._before = NOTHING
        self._whole, self._start = self._measured(room / "measured") if measure else (0.0, 0.0)

    def kill_while_made(self) -> Kill | None:
        """Kill a run soon after it began to make a library; that library then goes away."""
        library = self._room / "new"
        delay = self.random.uniform(0, 0.1 * self._start)

        def moment(run: Process) -> bool:
            return _appears(run, library, "cat*", delay)

        kills = (self._round(_absent(library), NOTHING, moment) for _ in range(ATTEMPTS))
        return next(filter(None, kills), None)

    def kill_while_decoding(self, *, alone: bool) -> Kill | None:
        """Kill a run, or it and its workers, as soon as the first picture is decoded."""
        library, first = _absent(self._room / "new"), "thumbnails/*/*.jpg"
        return self._round(library, NOTHING, lambda run: _appears(run, library, first, 0), alone)

    def kill_while_saved(self) -> Kill | None:
        """Kill a run while it writes its vector index, which takes it some milliseconds."""
        delay = self.random.uniform(0, 0.001)
        kills = (
            self._next(lambda run: _appears(run, self.library, _half_written(run), delay))
            for _ in range(ATTEMPTS)
        )
        return next(filter(None, kills), None)

    def kill_anywhere(self) -> Kill | None:
        """Kill a run at any moment of the time that it will take."""
        share = self._pending(self._before) / self._count
        longest = self._start + share * (self._whole - self._start)
        return self._next(_after(self.random.uniform(0.3 * self._start, 1.1 * longest)))

    def finish(self) -> list[str]:
        """Let a run come to its end; how the library differs from one made without a kill."""
        self._seconds(self.library)
        reference = self._room / "reference"
        self._seconds(reference)
        found, expected = Seen.of(self.library), Seen.of(reference)
        flaws = found.contents.lost_since(self._before) + found.differences(expected)
        if found.contents.pictures != self._expected:
            flaws.append("the library does not hold what is in the folder")
        with Library.open(self.library) as library:
            flaws += faults(library)
        return flaws + [f"left over: {path.name}" for path in self.library.glob("vectors-*.tmp")]

    def left_over(self) -> list[str]:
        """Files (not sockets) that the killed processes left in the folder for temporary ones."""
        return [str(path) for path in Path(self._temporary.name).rglob("*") if path.is_file()]

    def _measured(self, library: Path) -> tuple[float, float]:
        """Seconds of a run that has everything to do, and of one that has nothing to do."""
        return self._seconds(library), self._seconds(library)

    def _seconds(self, library: Path) -> float:
        """Seconds of a run that nobody disturbs."""
        start = time.monotonic()
        run = self._run(library)
        if run.wait() != 0:
            raise AssertionError(self._said())
        return time.monotonic() - start

    def _next(self, moment: Callable[[Process], bool]) -> Kill | None:
        """A round on the library; when it is complete, there is something new to do."""
        if self._pending(self._before) == 0:
            self.pictures.change(self._count // 4)
            self._expected = self.pictures.expected()
        kill = self._round(self.library, self._before, moment)
        self._before = contents(self.library)
        return kill

    def _round(
        self,
        library: Path,
        before: Contents,
        moment: Callable[[Process], bool],
        alone: bool | None = None,
    ) -> Kill | None:
        run = self._run(library)
        if not moment(run):
            if run.wait() != 0:
                return Kill("failed", 0, [self._said()])
            return None
        alone = self.random.random() < 0.5 if alone is None else alone
        seen, flaws = _kill(run, library, alone=alone)
        now = contents(library)
        kill = Kill(self._where(run, library, now), len(now.embeddings), flaws)
        kill.flaws += now.lost_since(before) + now.lost_since(seen) + self._looked(library)
        return kill

    def _run(self, library: Path) -> Process:
        words = command("index", self.pictures.folder, "--library", library, "--model", ENCODER)
        with (self._room / "said").open("wb") as said:
            return subprocess.Popen(
                words,
                env=self._environment,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def _said(self) -> str:
        return f"a run failed: {(self._room / 'said').read_text()}"

    def _pending(self, now: Contents) -> int:
        """Number of pictures that differ between a catalogue and the folder."""
        names = now.pictures.keys() | self._expected.keys()
        return sum(now.pictures.get(name) != self._expected.get(name) for name in names)

    def _where(self, run: Process, library: Path, now: Contents) -> str:
        if list(library.glob(_half_written(run))):
            return "writing the vectors"
        if now.generation == 0:
            return "before there is a library"
        if now.generation == self._before.generation or not now.pictures:
            return "before the first batch"
        return "between two batches" if self._pending(now) else "after the last batch"

    def _looked(self, library: Path) -> list[str]:
        """Findings of the doctor; every other time it leaves the journal to the next run."""
        try:
            if is_vacant(library):
                Library.create(library, encoder=ENCODER).close()
            with Library.open(library, read_only=self.random.random() < 0.5) as opened:
                return faults(opened)
        except PicfuseError as error:
            return [f"{type(error).__name__}: {error}"]


def _absent(library: Path) -> Path:
    """The folder of a library, once there is nothing in it."""
    shutil.rmtree(library, ignore_errors=True)
    return library


def _after(seconds: float) -> Callable[[Process], bool]:
    def wait(run: Process) -> bool:
        """Whether the run is still there after some seconds."""
        try:
            run.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    return wait


def _appears(run: Process, folder: Path, pattern: str, delay: float) -> bool:
    """Wait until a file is there, and a little longer; whether the run is still there then."""
    while run.poll() is None:
        if any(folder.glob(pattern)):
            time.sleep(delay)
            return run.poll() is None
        time.sleep(0.0005)
    return False


def _half_written(run: Process) -> str:
    """The name of the vector index that a run has not finished writing."""
    return f"vectors-{run.pid}.tmp"


def _kill(run: Process, library: Path, *, alone: bool) -> tuple[Contents, list[str]]:
    """Kill a run, `alone` or with all its processes; what was committed, and what remains of it.

    It is stopped first, so that what it holds at this moment can be seen.
    """
    os.killpg(run.pid, signal.SIGSTOP)
    members = _members(run.pid)
    seen, blocks = contents(library), _blocks(members)
    if alone:
        run.kill()
        os.killpg(run.pid, signal.SIGCONT)
    else:
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    left = _alive(members)
    flaws = [f"a process goes on: {' '.join(process.cmdline()[-2:])}" for process in left]
    for process in left:
        process.kill()
    what = "shared memory remains after the " + ("process" if alone else "group") + " was killed"
    return seen, flaws + [what for name in blocks if (BLOCKS / name).exists()]


def _members(group: int) -> list[psutil.Process]:
    """The processes of a group, once all are stopped."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group:
                found.append(process)
        except ProcessLookupError:
            continue
    for process in found:
        while _status(process) not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            time.sleep(0.001)
    return found


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_ZOMBIE


def _blocks(members: list[psutil.Process]) -> set[str]:
    """The blocks of shared memory that processes have mapped."""
    found: set[str] = set()
    for process in members:
        try:
            maps = Path(f"/proc/{process.pid}/maps").read_text()
        except OSError:
            continue
        found |= {Path(line.split()[-1]).name for line in maps.splitlines() if "/dev/shm/" in line}
    return {name for name in found if name.startswith("psm_")}


def _alive(members: list[psutil.Process]) -> list[psutil.Process]:
    """The processes that do not end by themselves in time."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        left = [process for process in members if _status(process) != psutil.STATUS_ZOMBIE]
        if not left:
            return []
        time.sleep(0.01)
    return left
