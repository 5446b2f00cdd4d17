"""A command in a process of its own that may use so much memory and time and no more.

Whatever a hostile file makes its reader do, it does there: at a limit the process and its children are killed, the server
goes on, and an open transaction is undone when the store is opened next.

Two watches, since either can be passed alone: the process limits its own address space and processor time
(``setrlimit``) before it becomes the command, and this side measures resident memory and the clock.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal

HERE = Path(__file__).parents[1]
MEGABYTE = 1_048_576
PAGE = os.sysconf("SC_PAGE_SIZE")
#: Threads' stacks and allocators' reserves are address space that is never used.
RESERVED_MB = 6_000
LOOK_SECONDS = 0.1
LINES_KEPT = 400
LINE_LONGEST = 2_000
#: How a process ends that was refused memory: it aborts, is killed, or says so (``steward.py`` exits with 3).
OUT_OF_MEMORY = (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGBUS, 3)
Stopped = Literal["time", "memory"]


@dataclass(frozen=True)
class Ended:
    """How it ended: the exit code, what it said last, and at which limit it was stopped, if at one."""

    code: int
    text: str
    stopped: Stopped | None


def run(
    command: Sequence[str], *, seconds: float, memory_mb: int, tell: Callable[[str], object] = lambda line: None
) -> Ended:
    """Run ``command`` and wait for it.

    Args:
        seconds: of the clock, and of the processor on each core.
        memory_mb: resident memory, all children together.
        tell: gets each line it says.
    """
    limited = [sys.executable, "-m", "data.bounded", str(memory_mb), str(seconds), *command]
    said: deque[str] = deque(maxlen=LINES_KEPT)
    with subprocess.Popen(  # noqa: S603 - our own program
        limited, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=HERE, text=True,
        errors="replace", start_new_session=True,
    ) as job:  # fmt: skip
        watch = _Watch(job, seconds, memory_mb)
        watch.start()
        try:
            while job.stdout and (line := job.stdout.readline(LINE_LONGEST)):
                said.append(line)
                tell(line.strip())
            job.wait()
        finally:
            _kill(job)  # also when the reader of this stopped waiting
            watch.over.set()
            watch.join()
    stopped = watch.stopped
    if stopped is None and job.returncode == -signal.SIGXCPU:
        stopped = "time"
    elif stopped is None and job.returncode in OUT_OF_MEMORY:
        stopped = "memory"
    return Ended(job.returncode, "".join(said).strip(), stopped)


class _Watch(threading.Thread):
    """Kills the job's process group at a limit."""

    def __init__(self, job: subprocess.Popen, seconds: float, memory_mb: int) -> None:
        super().__init__(daemon=True)
        self.job, self.seconds, self.memory = job, seconds, memory_mb * MEGABYTE
        self.over = threading.Event()
        self.stopped: Stopped | None = None

    def run(self) -> None:
        until = monotonic() + self.seconds
        while not self.over.wait(LOOK_SECONDS):
            if monotonic() > until:
                self.stopped = "time"
            elif resident(self.job.pid) > self.memory:
                self.stopped = "memory"
            if self.stopped:
                _kill(self.job)
                return


def _kill(job: subprocess.Popen) -> None:
    """Kill the whole group; the leader is not reaped yet, or the group is empty, so no other group can be meant."""
    if job.returncode is None:
        try:
            os.killpg(job.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def resident(group: int) -> int:
    """Resident bytes of a process group, 0 where it is gone or the system has no /proc."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(place.name)) == group:
                total += int((place / "statm").read_text().split()[1]) * PAGE
        except (OSError, ValueError, IndexError):
            continue
    return total


def become(memory_mb: int, seconds: float, command: list[str]) -> None:
    """Limit this process and become the command."""
    space = (memory_mb + RESERVED_MB) * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    processor = int(seconds * (os.cpu_count() or 1)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Path("/proc/self/oom_score_adj").write_text("1000")  # where memory is short all the same, this goes first
    os.nice(5)  # pages of others come first
    os.execv(command[0], command)  # noqa: S606 - our own program, no shell


if __name__ == "__main__":
    become(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
