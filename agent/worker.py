"""The child process that computes: kept alive, given a time budget, killed when it overruns."""

import asyncio
import contextlib
import importlib
import os
import pickle
import resource
import struct
import sys
import traceback
from dataclasses import dataclass, replace
from typing import BinaryIO, Self

from agent.child import killed
from agent.jobs.job import Job, JobContext, Outcome
from agent.mqtt.estimates import estimate_records
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.store.passage import Passage, Place
from agent.store.reader import Reader

LENGTH = struct.Struct(">Q")


class JobError(Exception):
    """A job gave no result; its last good one stays, marked stale.

    Args:
        reason: What a person is told.
        trace: Where it failed, for whoever mends it; "" where the job itself did not raise.
    """

    def __init__(self, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.trace = trace


@dataclass(frozen=True, slots=True)
class Task:
    """One run of one job."""

    job: str
    horizon: int  # id of the newest row it may see
    now_ms: int
    place: Place | None = None  # from which it reads in the order of time; None: in that of the log
    mark: int = 0  # left by it once it has read all in the order of time; 0: as it was


@dataclass(frozen=True, slots=True)
class Failure:
    """A job raised; the text is for the health report, the trace for the log."""

    reason: str
    trace: str


class Worker:
    """The child process; one job at a time.

    It only reads the database. Killing it is therefore always safe, and the next job
    starts a new one.
    """

    def __init__(self, settings: AgentSettings, package: str = "agent.jobs") -> None:
        self._settings = settings
        self._package = package  # where the jobs are, one module each
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._kill()

    @property
    def pid(self) -> int | None:
        """Process id of the child, while there is one."""
        return self._process.pid if self._process else None

    async def run(self, task: Task, budget: float) -> Outcome:
        """Run *task* within *budget* seconds.

        Raises:
            JobError: It raised, died, or took too long; the child is killed where needed.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(budget):
                    answer = await self._ask(task)
            except TimeoutError as error:
                await self._kill()
                raise JobError(f"took longer than its {budget:g} s and was stopped") from error
            except (EOFError, OSError) as error:
                code = await self._kill()
                raise JobError(f"ended its process (status {code}); out of memory, or a crash") from error
            finally:
                if sys.exc_info()[0] is asyncio.CancelledError:
                    await self._kill()
        if isinstance(answer, Failure):
            raise JobError(answer.reason, answer.trace)
        return answer

    async def _ask(self, task: Task) -> Outcome | Failure:
        if self._process is not None and _is_gone(self._process):
            await self._kill()
        process = self._process or await self._start()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        _frame_into(process.stdin, task)
        await process.stdin.drain()
        try:
            (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
            answer: Outcome | Failure = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 - our own child
        except asyncio.IncompleteReadError as error:
            raise EOFError from error
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        """Start the child and tell it the settings; it imports what a job needs when the job comes."""
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "agent.worker",
            self._package,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **one_thread},  # two cores: the poller keeps one
            limit=2**20,
            start_new_session=True,  # Ctrl-C on a terminal is the agent's to answer
        )
        if self._process.stdin is not None:
            _frame_into(self._process.stdin, self._settings)
        return self._process

    async def _kill(self) -> int | None:
        process, self._process = self._process, None
        return None if process is None else await killed(process)


def _is_gone(process: asyncio.subprocess.Process) -> bool:
    """Whether it has ended, as the kernel may end an idle one to get its memory; the loop may not have noticed yet."""
    if process.returncode is not None or (process.stdin is not None and process.stdin.is_closing()):
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # the loop has taken its status, and is about to tell
        return True


def _frame_into(stream: asyncio.StreamWriter, message: object) -> None:
    data = pickle.dumps(message)
    if stream.is_closing():  # the child is gone, and uvloop takes writing to it for a bug of ours
        raise BrokenPipeError
    stream.write(LENGTH.pack(len(data)) + data)


# The child's side


def perform(package: str, settings: AgentSettings, task: Task) -> Outcome:
    """Run one job on the log up to the task's horizon."""
    job: Job = importlib.import_module(f"{package}.{task.job}").run
    path = settings.storage.path
    opened = Passage(path, task.horizon, task.place, task.now_ms) if task.place else Reader(path, task.horizon)
    with opened as reader:
        mark, state = reader.job_state(task.job)
        context = JobContext(settings, reader, mark, state, task.now_ms)
        if isinstance(reader, Passage):
            outcome = job(context)
            return _passed(context, _told(context, outcome), reader, task)
        return _told(context, job(context))


def _passed(context: JobContext, outcome: Outcome, reader: Passage, task: Task) -> Outcome:
    """The outcome with how far it came in the order of time, and a mark that moves at the end of it only."""
    is_behind = outcome.mark < reader.last_id
    mark = context.mark if is_behind else max(context.mark, task.mark)
    return replace(outcome, mark=mark, reached=reader.reached(outcome.mark))


def _told(context: JobContext, outcome: Outcome) -> Outcome:
    """The outcome, with its filled values as messages where they are to be published; those of history never are."""
    mqtt, rows = context.settings.mqtt, outcome.mark - context.mark
    if not mqtt.filled or not (outcome.filled or outcome.unfilled):
        return outcome
    if rows and not context.reader.appended(context.mark + 1, outcome.mark, 1):
        return outcome
    found = estimate_records(outcome.filled, outcome.unfilled, context.now_ms, mqtt.batch_size)
    return replace(outcome, records=[*outcome.records, *found])


def serve(package: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer tasks until the agent closes the pipe or is gone."""
    settings: AgentSettings | None = None
    while message := _message(requests):
        match message:
            case AgentSettings():
                settings = message
                _limit_memory(settings.jobs.memory_mb)
            case Task() if settings is not None:
                data = pickle.dumps(_answer(package, settings, message))
                answers.write(LENGTH.pack(len(data)) + data)
                answers.flush()


def _answer(package: str, settings: AgentSettings, task: Task) -> Outcome | Failure:
    try:
        return perform(package, settings, task)
    except StorageError as error:  # the disk's fault: no trace
        return Failure(str(error), "")
    except Exception as error:  # noqa: BLE001 - the one place where a bug is reported instead of stopping the agent
        return Failure(f"failed: {type(error).__name__}: {error}", traceback.format_exc())


def _message(requests: BinaryIO) -> object:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    message: object = pickle.loads(requests.read(LENGTH.unpack(head)[0]))  # noqa: S301 - our own parent
    return message


def _limit_memory(megabytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 2**20, megabytes * 2**20))


def main() -> None:
    """Serve on the pipes the agent made; whatever a library prints goes to standard error."""
    os.nice(5)  # polling comes first
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):  # the agent was killed; nobody waits for the answer
        serve(sys.argv[1], sys.stdin.buffer, answers)
    os._exit(0)  # nothing here is worth flushing, and a closed pipe would complain once more


if __name__ == "__main__":
    # under its own name, because what is pickled here is unpickled by the agent as agent.worker
    importlib.import_module("agent.worker").main()
