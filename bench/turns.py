"""Sides of a benchmark that take turns in one run, so that what else the machine does reaches all of them alike.

A side is a process. It prints {"ready": true}, or {"not measured": REASON}. Then it reads the name of a row from each line
of its input, runs the row once and prints {"seconds": ..., ...}. The first run of a row is a warm-up and not counted.
"""
import dataclasses
import json
import math
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time

NO_TIME = "no time left"


class Side:
    """One process and its turns. Once it has failed, `why` says why, and it takes no more turns."""

    def __init__(self, command, seconds):
        """Starts it. It is killed when an answer takes longer than `seconds`."""
        self.why = None
        self.seconds = seconds
        self.errors = tempfile.TemporaryFile()
        # The kernel is to kill it, not its neighbours, when memory runs out.
        self.process = subprocess.Popen(
            ["sh", "-c", 'echo 1000 > /proc/self/oom_score_adj; exec "$@"', "sh", *map(str, command)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, text=True, start_new_session=True)

    def wait_until_ready(self):
        self.answer()

    def runs(self):
        return self.why is None and self.process.poll() is None

    def turn(self, row):
        """What the side measured; None once it has failed."""
        if self.why:
            return None
        try:
            self.process.stdin.write(row + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says why
        return self.answer()

    def answer(self):
        late = threading.Event()

        def end():
            late.set()
            self.kill()

        timer = threading.Timer(self.seconds, end)
        timer.start()
        try:
            found = next((json.loads(line) for line in self.process.stdout if line.startswith("{")), None)
        finally:
            timer.cancel()
        if found and "not measured" not in found:
            return found
        if found:
            self.why = found["not measured"]
        else:
            self.why = f"no answer in {self.seconds:.0f} s" if late.is_set() else self.how_it_ended()
        self.kill()
        return None

    def how_it_ended(self):
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            return "closed its output"
        self.errors.seek(0)
        said = [line.strip() for line in self.errors.read().decode(errors="replace").splitlines() if line.strip()]
        ended = f"killed by signal {-status}" if status < 0 else f"exit code {status}"
        return f"{ended}: {said[-1][:300]}" if said else ended

    def kill(self):
        """Its own children, such as compilers, go with it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        self.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


@dataclasses.dataclass
class Limits:
    turns: int  # counted, a side, at most
    seconds: float  # of the counted turns of all sides, about
    answer: float = 3600  # seconds a side may take to load, or for one turn
    deadline: float = math.inf  # by time.monotonic(): no answer is waited for any longer

    def left(self):
        """Seconds for the next answer."""
        return max(0.0, min(self.answer, self.deadline - time.monotonic()))


@dataclasses.dataclass
class Taken:
    """What one side measured of one row."""
    first: dict | None = None  # the warm-up
    counted: list = dataclasses.field(default_factory=list)
    why: str | None = None  # why nothing, or not more, was counted

    def median(self, field="seconds"):
        found = [turn[field] for turn in self.counted if turn.get(field) is not None]
        return statistics.median(found) if found else None

    def most(self, field):
        return max((turn[field] for turn in self.counted if turn.get(field) is not None), default=None)

    def as_json(self):
        return dataclasses.asdict(self) | {"median": self.median()}


def take_rounds(taken, limits, turn):
    """Calls turn(i) for each side in rounds. A side that fails drops out; the others go on."""
    begin, rounds = time.monotonic(), 0
    while rounds < limits.turns and not all(one.why for one in taken) and limits.left() > 0:
        for i, one in enumerate(taken):
            if not one.why:
                turn(i, one)
        rounds += 1
        if (time.monotonic() - begin) * (1 + 1 / rounds) > limits.seconds:
            break


class Together:
    """Sides by name, whose processes run side by side until the end of the block; each may have several rows."""

    def __init__(self, commands, limits):
        self.commands, self.limits = commands, limits
        self.sides, self.hopeless = {}, {}  # the latter: why a side does not even start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for side in self.sides.values():
            side.close()

    def start(self, name):
        """Starts the side unless it runs. Returns why it cannot."""
        self.start_all([name])
        if name in self.hopeless:
            return self.hopeless[name]
        return self.sides[name].why if name in self.sides else NO_TIME

    def start_all(self, names):
        """The same for several sides, which load side by side."""
        begun = []
        for name in names:
            runs = name in self.sides and self.sides[name].runs()
            if runs or name in self.hopeless or self.limits.left() <= 0:
                continue
            if name in self.sides:
                self.sides.pop(name).close()
            self.sides[name] = Side(self.commands[name], self.limits.left())
            begun.append(name)
        for name in begun:
            side = self.sides[name]
            side.seconds = max(1.0, self.limits.left())
            side.wait_until_ready()
            if side.why and self.limits.left() > 0:
                self.hopeless[name] = side.why

    def turn(self, name, row, one):
        """One turn, whose result is returned; `one` gets the reason if there is none."""
        side = self.sides[name]
        side.seconds = self.limits.left()
        if side.seconds <= 0:  # the side may go on with the next row
            one.why = None if one.counted else NO_TIME
            return None
        found = side.turn(row)
        one.why = side.why
        return found

    def take(self, row, names):
        """One row on some of the sides: {name: Taken}."""
        taken = {name: Taken(why=self.start(name)) for name in names}
        for name, one in taken.items():
            if not one.why:
                one.first = self.turn(name, row, one)
        order = list(names)

        def turn(i, one):
            found = self.turn(order[i], row, one)
            if found:
                one.counted.append(found)

        take_rounds(list(taken.values()), self.limits, turn)
        for one in taken.values():
            if not one.counted:
                one.why = one.why or NO_TIME
        return taken


def take_apart(commands, row, limits):
    """As Together, for one row; but a process ends before the next one starts, for what does not fit in memory together."""
    taken = {name: Taken() for name in commands}
    order = list(commands)

    def turn(i, one):
        side = Side(commands[order[i]], limits.answer)
        try:
            side.wait_until_ready()
            one.first = side.turn(row)
            found = side.turn(row)
            one.why = side.why
        finally:
            side.close()
        if found:
            one.counted.append(found)

    take_rounds(list(taken.values()), limits, turn)
    return taken


def table_row(cells):
    return "| " + " | ".join(cells) + " |"
