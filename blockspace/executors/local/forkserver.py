"""The worker server: a single-threaded process that has imported torch once and forks one child per job.

A new interpreter takes seconds to import torch and lightning, a fork of this server some ten milliseconds. Python's own forkserver
would run the user's main module again in every child, and neither it nor its children die with the driver. The chain here: the driver
holds one end of a socket; at its end of file (or the kernel's parent-death signal) the server kills every child's process group and
exits; a child gets the kernel's signal, and the end of file of a pipe that only the server holds.

Messages to the server: ("run", id, payload, log path, slot, limits, grace), ("stop", id, grace), ("kill", id). From it: ("started", id),
("exit", id, code, output, the time limit that ended it, peak memory in bytes, seconds of CPU time).
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import sys
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from time import monotonic
from typing import NoReturn

from blockspace.executors.base import TimeLimits
from blockspace.executors.local.heartbeat import Heartbeat, HeartbeatTable
from blockspace.executors.local.timeouts import Timeouts
from blockspace.executors.local.worker_main import become_worker, die_with_parent, run_pickled_job

BOOT = """
import json, sys
arguments = json.loads(sys.argv[1])
sys.path[:] = arguments.pop("path")
from blockspace.executors.local.forkserver import run_server
run_server(**arguments)
"""
TAIL = 64_000  # bytes of a capped log kept for its end, where the reason is
CHECK_INTERVAL = 1.0  # seconds at most between looks at the time limits
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss

Payload = tuple[bytes, bytes]  # a pickled function and its pickled job
Ends = tuple[int, int, int]  # of the pipes for log, output and life


class CappedLog:
    """A log file of at most `cap` bytes: the beginning as it comes, and the end once the writer is gone."""

    def __init__(self, path: str, cap: int):
        self.room, self.left_out, self.tail = max(0, cap - TAIL), 0, b""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW  # a link may lead out of the run directory
            self.file = open(os.open(path, flags, 0o666), "wb", buffering=0)
        except OSError:  # the training will meet the same error, and name it
            self.file = open(os.devnull, "wb", buffering=0)

    def write(self, data: bytes) -> None:
        """Write what fits before the tail, and keep the rest as the tail."""
        head, rest = data[: self.room], data[self.room :]
        self.room -= len(head)
        self._put(head)
        self.tail += rest
        self.left_out += max(0, len(self.tail) - TAIL)
        self.tail = self.tail[-TAIL:]

    def _put(self, data: bytes) -> None:
        try:
            self.file.write(data)
        except OSError:  # a full disk must not stop the server
            pass

    def close(self) -> None:
        """Write the tail and close the file."""
        if self.left_out:
            self._put(b"\n[... %d bytes left out ...]\n" % self.left_out)
        self._put(self.tail)
        self.file.close()


@dataclass
class WorkerProcess:
    """A running child as the server sees it: its job's id, its pid, and our ends of its pipes."""

    id: int
    pid: int
    log: CappedLog
    log_end: int
    output_end: int
    life_end: int  # never written: its end of file tells the child that the server is gone
    heartbeat: Heartbeat
    timeouts: Timeouts
    killed: bool = False  # by us
    output: bytearray = field(default_factory=bytearray)

    def drain(self) -> None:
        """Read what the child has written, without waiting for more."""
        while data := _read_available(self.log_end):
            self.log.write(data)
        while data := _read_available(self.output_end):
            self.output.extend(data)

    def terminate(self) -> None:
        """Send TERM to the child alone: what it started (a loader's processes) it needs until its epoch's end."""
        try:
            os.kill(self.pid, signal.SIGTERM)
        except OSError:
            pass

    def kill(self, signum: int) -> None:
        """Send a signal to the child's whole process group."""
        self.killed = self.killed or signum == signal.SIGKILL
        try:
            os.killpg(self.pid, signum)
        except OSError:  # it has not made its group yet, or is gone
            try:
                os.kill(self.pid, signum)
            except OSError:
                pass

    def close(self) -> None:
        """Close the log and our ends of the pipes."""
        self.log.close()
        self.close_ends()

    def close_ends(self) -> None:
        """Close our ends of the pipes."""
        for end in (self.log_end, self.output_end, self.life_end):
            os.close(end)


def _read_available(end: int) -> bytes:
    """Return up to 64 kB that are there; empty if there is nothing, or nobody left to write."""
    try:
        return os.read(end, 65536)
    except BlockingIOError:
        return b""


class WorkerServer:
    """Forks, watches and reaps the workers. One thread: a fork copies no lock that another thread holds."""

    def __init__(self, control: Connection, cap: int, heartbeats: HeartbeatTable):
        self.control, self.cap, self.heartbeats = control, cap, heartbeats
        self.workers: dict[int, WorkerProcess] = {}  # by pid
        self.wake, wake_write = os.pipe()
        self.wake_ends = [self.wake, wake_write]
        for end in self.wake_ends:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ, self.handle_message)
        self.selector.register(self.wake, selectors.EVENT_READ, self.reap)

    def serve(self) -> None:
        """Handle messages, pipes, deaths and time limits until the driver is gone."""
        while True:
            for key, _ in self.selector.select(self._seconds_to_wait()):
                key.data()
            self._enforce_timeouts()

    def _seconds_to_wait(self) -> float | None:
        """Return the seconds until the next time limit; None, no limit, without workers."""
        return min([CHECK_INTERVAL, *(w.timeouts.seconds_left() for w in self.workers.values())]) if self.workers else None

    def _enforce_timeouts(self) -> None:
        for worker in self.workers.values():
            signum = worker.timeouts.signal_due(worker.heartbeat.count())
            if signum == signal.SIGTERM:
                worker.terminate()
            elif signum is not None:
                worker.kill(signum)

    def handle_message(self) -> None:
        """Read and obey one message of the driver; its end of file is the driver's death."""
        try:
            kind, id, *rest = self.control.recv()
        except (EOFError, OSError):
            self.stop()
        if kind == "run":
            self._spawn(id, *rest)
        for worker in [worker for worker in self.workers.values() if worker.id == id]:
            if kind == "kill":
                worker.kill(worker.timeouts.kill(monotonic()))
            elif kind == "stop":
                worker.terminate()
                worker.timeouts.stop(*rest)

    def _spawn(self, id: int, payload: Payload, log_path: str, slot: int, limits: TimeLimits, grace: float) -> None:
        """Fork a worker for one job and watch it."""
        log_end, log = os.pipe()
        output_end, output = os.pipe()
        life, life_end = os.pipe()
        parent, heartbeat = os.getpid(), self.heartbeats[slot]
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # a child that has not left yet would run our handler
        pid = os.fork()
        if pid == 0:
            self._run_child(payload, heartbeat, (log, output, life), (log_end, output_end, life_end), parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        for end in (log, output, life):
            os.close(end)
        timeouts = Timeouts(limits, grace)
        self._watch(WorkerProcess(id, pid, CappedLog(log_path, self.cap), log_end, output_end, life_end, heartbeat, timeouts))
        self._send(("started", id))

    def _watch(self, worker: WorkerProcess) -> None:
        self.workers[worker.pid] = worker
        for end in (worker.log_end, worker.output_end):
            os.set_blocking(end, False)
        self.selector.register(worker.log_end, selectors.EVENT_READ, worker.drain)
        self.selector.register(worker.output_end, selectors.EVENT_READ, worker.drain)

    def _run_child(self, payload: Payload, heartbeat: Heartbeat, own: Ends, others: Ends, parent: int) -> None:
        """Run the job in the child; never returns. `os._exit` skips the server's cleanup, which must not run twice."""
        log, output, life = own
        code = 1
        try:
            self._leave_server(others)
            become_worker(log, parent)
            threading.Thread(target=_kill_group_at_end_of, args=(life,), daemon=True).start()
            result = memoryview(run_pickled_job(payload, heartbeat))
            while result:
                result = result[os.write(output, result) :]
            code = 0
        finally:
            os._exit(code)

    def _leave_server(self, others: Ends) -> None:
        """Give up, in the child, what belongs to the server: its signals, its sockets, the pipes of the other workers."""
        signal.set_wakeup_fd(-1)
        for signum in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        self.control.close()
        self.selector.close()
        for end in (*self.wake_ends, *others):
            os.close(end)
        for worker in self.workers.values():
            worker.close_ends()

    def reap(self) -> None:
        """Report every worker that has ended, and kill what it left running in its group."""
        _read_available(self.wake)
        for pid, worker in list(self.workers.items()):
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                ended_by = worker.timeouts.ended_by or ("us" if worker.killed else "")
                worker.kill(signal.SIGKILL)
                self._forget(worker)
                code, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss * RSS_UNIT
                self._send(("exit", worker.id, code, bytes(worker.output), ended_by, peak, usage.ru_utime + usage.ru_stime))

    def _forget(self, worker: WorkerProcess) -> None:
        worker.drain()
        for end in (worker.log_end, worker.output_end):
            self.selector.unregister(end)
        worker.close()
        del self.workers[worker.pid]

    def _send(self, message: tuple[object, ...]) -> None:
        try:
            self.control.send(message)
        except OSError:
            self.stop()

    def stop(self, *_: object) -> NoReturn:
        """Kill every worker with its group, and exit. Also the handler of SIGTERM."""
        for worker in list(self.workers.values()):
            worker.kill(signal.SIGKILL)
        os._exit(0)


def _kill_group_at_end_of(life: int) -> None:
    """Wait, in a thread of the child, for the server's death, then kill this group. Linux's signal comes first; others have only this."""
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def run_server(control: int, parent: int, preload: list[str], cap: int, heartbeats: int, count: int) -> None:
    """Run the server on the file descriptor `control`; `heartbeats` is the descriptor of a table of `count` slots."""
    die_with_parent(signal.SIGTERM, parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in preload:
        try:
            __import__(name)
        except Exception:  # every job meets it again, and says so in its own log
            pass
    gc.collect()
    gc.freeze()  # the collector would write to every page and so copy it
    signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the selector
    server = WorkerServer(Connection(control), cap, HeartbeatTable(count, heartbeats))
    signal.signal(signal.SIGTERM, server.stop)
    server.serve()
