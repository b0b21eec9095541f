"""A server and a worker of this build as processes, which a test may kill and start again, and a proxy that
cuts connections."""
import ctypes
import json
import pathlib
import signal
import socket
import subprocess
import threading
import time

import vico

ROOT = pathlib.Path(__file__).resolve().parents[2]
_PATIENCE = 60  # seconds


def quick_base(folder, steps):
    """The toy world's base model, whose jobs have so few steps by default that a test can wait for them."""
    base = pathlib.Path(folder) / "base"
    base.mkdir()
    for part in (ROOT / "toyworld/base").iterdir():
        if part.name != "vico.json":
            (base / part.name).symlink_to(part)
    described = json.loads((ROOT / "toyworld/base/vico.json").read_text())
    described["training_defaults"].update(steps=steps, sample_every_steps=steps // 2)
    described["generation_defaults"].update(steps=8)
    (base / "vico.json").write_text(json.dumps(described))
    return base


def _end_with_parent():
    """A test that is killed leaves no process behind. The parent is a thread: start processes on the main one."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Cluster:
    """Its ports stay the same when the server is started again."""

    def __init__(self, server, worker, base, folder):
        self._programs = {"server": server, "worker": worker}
        self._base = base
        self._folder = pathlib.Path(folder)
        self._ports = self._folder / "data/ports.json"
        self._listen = self._worker_listen = "127.0.0.1:0"
        self._running = {}

    @property
    def address(self):
        return self._listen

    @property
    def worker_address(self):
        return self._worker_listen

    def start_server(self, *flags):
        self._ports.unlink(missing_ok=True)
        self._start("server", "--data", self._folder / "data", "--listen", self._listen,
                    "--worker-listen", self._worker_listen, "--drain-notice-seconds=0", "--min-free-share=0",
                    "--min-free-bytes=0", "--lease-seconds=3", *flags)
        self._wait("server", self._ports.exists)
        ports = json.loads(self._ports.read_text())
        self._listen = f"127.0.0.1:{ports['client_port']}"
        self._worker_listen = f"127.0.0.1:{ports['worker_port']}"

    def start_worker(self):
        self._start("worker", "--server", self._worker_listen, "--base-model", self._base, "--threads=1")
        with vico.Client(self.address) as client:
            self._wait("worker", lambda: any(model.available for model in client.base_models.list()))

    def kill(self, name):
        """As a power failure would."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def stop(self):
        for name in list(self._running):
            self.kill(name)

    def log(self, name):
        return (self._folder / f"{name}.log").read_text()

    def _start(self, name, *arguments):
        with open(self._folder / f"{name}.log", "ab") as log:
            self._running[name] = subprocess.Popen([self._programs[name], *map(str, arguments)], stdout=log,
                                                   stderr=log, cwd=ROOT, preexec_fn=_end_with_parent)

    def _wait(self, name, ready):
        end = time.monotonic() + _PATIENCE
        while not ready():
            if self._running[name].poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the {name} does not start:\n{self.log(name)}")
            time.sleep(0.1)


class CuttingProxy:
    """Relays connections to `address`, and cuts each one after the next number of bytes of `cuts`, counted
    from the client; later ones stay."""

    def __init__(self, address, cuts):
        host, port = address.split(":")
        self._target = (host, int(port))
        self.cuts = list(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        for one in self._sockets:
            _end(one)
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            limit = self.cuts[0] if self.cuts else None
            threading.Thread(target=self._relay, args=(client, server, limit), daemon=True).start()
            threading.Thread(target=self._relay, args=(server, client, None), daemon=True).start()

    def _relay(self, source, sink, limit):
        relayed = 0
        try:
            while data := source.recv(1 << 16):
                relayed += len(data)
                if limit is not None and relayed > limit:
                    self.cuts.pop(0)
                    break
                sink.sendall(data)
        except OSError:
            pass
        _end(source)
        _end(sink)


def _end(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended
