"""The worker server: a single-threaded process that has imported torch once and forks one child per task.

A new interpreter takes seconds to import torch and lightning, a fork of this server some ten milliseconds. Python's own forkserver
would run the user's main module again in every child, and neither it nor its children die with the driver. The chain here: the driver
holds one end of a socket; at its end of file (or the kernel's parent-death signal) the server kills every child's process group and
exits; a child gets the kernel's signal, and the end of file of a pipe that only the server holds.

Messages to the server: ("run", id, payload, log path, slot, limits), ("stop", id, grace), ("kill", id). From it: ("started", id, pid),
("exit", id, code, output, the clock that ended it, peak memory in bytes).
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
from pathlib import Path
from time import monotonic

from blockspace.executors.child import become_worker, die_with_parent, work
from blockspace.executors.clocks import Clocks, Limits
from blockspace.executors.pulse import Pulse, Pulses

BOOT = """
import json, sys
arguments = json.loads(sys.argv[1])
sys.path[:] = arguments.pop("path")
from blockspace.executors.forkserver import main
main(**arguments)
"""
TAIL = 64_000  # bytes of a capped log kept for its end, where the reason is
LOOK = 1.0  # seconds at most between looks at the clocks
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


class Log:
    """A file that takes at most `cap` bytes: the beginning as it comes, the end when the writer is gone."""

    def __init__(self, path: str, cap: int):
        self.room, self.left_out, self.tail = max(0, cap - TAIL), 0, b""
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self.file = open(path, "wb", buffering=0)
        except OSError:  # the training will meet the same error, and name it
            self.file = open(os.devnull, "wb", buffering=0)

    def write(self, data: bytes) -> None:
        head, rest = data[: self.room], data[self.room :]
        self.room -= len(head)
        self.put(head)
        self.tail += rest
        self.left_out += max(0, len(self.tail) - TAIL)
        self.tail = self.tail[-TAIL:]

    def put(self, data: bytes) -> None:
        try:
            self.file.write(data)
        except OSError:  # a full disk must not stop the server
            pass

    def close(self) -> None:
        if self.left_out:
            self.put(b"\n[... %d bytes left out ...]\n" % self.left_out)
        self.put(self.tail)
        self.file.close()


@dataclass
class Child:
    """A running child as the server sees it: its task's id, its pid, and our ends of its pipes."""

    id: int
    pid: int
    log: Log
    log_end: int
    output_end: int
    life_end: int  # never written: its end of file tells the child that the server is gone
    pulse: Pulse
    clocks: Clocks
    killed: bool = False  # by us
    output: bytearray = field(default_factory=bytearray)

    def pump(self) -> None:
        """Take what the child has written, without waiting for more."""
        for end, sink in ((self.log_end, self.log.write), (self.output_end, self.output.extend)):
            while data := read_now(end):
                sink(data)

    def terminate(self) -> None:
        """TERM to the child alone: what it started (a loader's processes) it needs until its epoch's end."""
        try:
            os.kill(self.pid, signal.SIGTERM)
        except OSError:
            pass

    def kill(self, signum: int) -> None:
        """Signal the child's whole process group."""
        self.killed = self.killed or signum == signal.SIGKILL
        try:
            os.killpg(self.pid, signum)
        except OSError:  # it has not made its group yet, or is gone
            try:
                os.kill(self.pid, signum)
            except OSError:
                pass

    def close(self) -> None:
        self.log.close()
        self.close_ends()

    def close_ends(self) -> None:
        for end in (self.log_end, self.output_end, self.life_end):
            os.close(end)


def read_now(end: int) -> bytes:
    """Up to 64 kB that are there; empty when there is nothing, or nobody left to write."""
    try:
        return os.read(end, 65536)
    except BlockingIOError:
        return b""


class Server:
    """Forks, watches and reaps. One thread: a fork copies no lock that another thread holds."""

    def __init__(self, control: Connection, cap: int, pulses: Pulses):
        self.control, self.cap, self.pulses = control, cap, pulses
        self.children: dict[int, Child] = {}  # by pid
        self.wake, wake_write = os.pipe()
        self.own = [self.wake, wake_write]
        for end in self.own:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ, self.request)
        self.selector.register(self.wake, selectors.EVENT_READ, self.reap)

    def serve(self) -> None:
        while True:
            for key, _ in self.selector.select(self.patience()):
                key.data()
            self.enforce()

    def patience(self) -> float | None:
        """Seconds to wait for a message: until the next clock, and no end without children."""
        return min([LOOK, *(child.clocks.next() for child in self.children.values())]) if self.children else None

    def enforce(self) -> None:
        """Send what the clocks say."""
        for child in self.children.values():
            signum = child.clocks.due(child.pulse.count())
            if signum == signal.SIGTERM:
                child.terminate()
            elif signum is not None:
                child.kill(signum)

    def request(self) -> None:
        """One message of the driver; its end of file is the driver's death."""
        try:
            kind, id, *rest = self.control.recv()
        except (EOFError, OSError):
            self.stop()
        if kind == "run":
            self.spawn(id, *rest)
        for child in [child for child in self.children.values() if child.id == id]:
            if kind == "kill":
                child.kill(child.clocks.kill(monotonic()))
            elif kind == "stop":
                child.terminate()
                child.clocks.stop(*rest)

    def spawn(self, id: int, payload: tuple[bytes, bytes], log_path: str, slot: int, limits: Limits) -> None:
        log_end, log = os.pipe()
        output_end, output = os.pipe()
        life, life_end = os.pipe()
        parent, pulse = os.getpid(), self.pulses[slot]
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # a child that has not left yet would run our handler
        pid = os.fork()
        if pid == 0:
            self.run_child(payload, pulse, log, output, life, (log_end, output_end, life_end), parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        for end in (log, output, life):
            os.close(end)
        self.watch(Child(id, pid, Log(log_path, self.cap), log_end, output_end, life_end, pulse, Clocks(limits)))
        self.send(("started", id, pid))

    def watch(self, child: Child) -> None:
        self.children[child.pid] = child
        for end in (child.log_end, child.output_end):
            os.set_blocking(end, False)
        self.selector.register(child.log_end, selectors.EVENT_READ, child.pump)
        self.selector.register(child.output_end, selectors.EVENT_READ, child.pump)

    def run_child(self, payload, pulse: Pulse, log: int, output: int, life: int, others: tuple[int, ...], parent: int) -> None:
        """In the child: never returns. `os._exit` skips the server's cleanup, which is not ours to run."""
        code = 1
        try:
            self.leave(others)
            become_worker(log, parent)
            threading.Thread(target=follow, args=(life,), daemon=True).start()
            result = memoryview(work(payload, pulse))
            while result:
                result = result[os.write(output, result) :]
            code = 0
        finally:
            os._exit(code)

    def leave(self, others: tuple[int, ...]) -> None:
        """Give up what belongs to the server: its signals, its sockets, the pipes of the other children."""
        signal.set_wakeup_fd(-1)
        for signum in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        self.control.close()
        self.selector.close()
        for end in (*self.own, *others):
            os.close(end)
        for child in self.children.values():
            child.close_ends()

    def reap(self) -> None:
        """Report every child that has ended, and kill what it left running in its group."""
        read_now(self.wake)
        for pid, child in list(self.children.items()):
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                ended_by = child.clocks.ended_by or ("us" if child.killed else "")
                child.kill(signal.SIGKILL)
                self.forget(child)
                code, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss * RSS_UNIT
                self.send(("exit", child.id, code, bytes(child.output), ended_by, peak))

    def forget(self, child: Child) -> None:
        child.pump()
        for end in (child.log_end, child.output_end):
            self.selector.unregister(end)
        child.close()
        del self.children[child.pid]

    def send(self, message: tuple) -> None:
        try:
            self.control.send(message)
        except OSError:
            self.stop()

    def stop(self, *_) -> None:
        """Kill every child with its group, and exit."""
        for child in list(self.children.values()):
            child.kill(signal.SIGKILL)
        os._exit(0)


def follow(life: int) -> None:
    """In the child, a thread: wait for the server's death, then kill this group. Linux's signal comes first; others have only this."""
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def main(control: int, parent: int, preload: list[str], cap: int, pulses: int, count: int) -> None:
    """Run the server on the file descriptor `control`; `pulses` is the descriptor of the `count` slots."""
    die_with_parent(signal.SIGTERM, parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in preload:
        try:
            __import__(name)
        except Exception:  # every task meets it again, and says so in its own log
            pass
    gc.collect()
    gc.freeze()  # the collector would write to every page and so copy it
    signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the selector
    server = Server(Connection(control), cap, Pulses(count, pulses))
    signal.signal(signal.SIGTERM, server.stop)
    server.serve()
