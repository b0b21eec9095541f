"""A server, a worker and the studio as processes, for tests and measurements in a browser."""
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
PICTURES = sorted((ROOT / "examples/robot").glob("*.png"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def drop(page, selector, files):
    """Drops files as a file manager does."""
    data = [[path.name, list(path.read_bytes())] for path in files]
    transfer = page.evaluate_handle("""(files) => {
        const transfer = new DataTransfer();
        for (const [name, bytes] of files)
          transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/" + name.split(".").pop()}));
        return transfer;
      }""", data)
    for event in ("dragover", "drop"):
        page.dispatch_event(selector, event, {"dataTransfer": transfer})


class Machine:
    """A server and the studio, in `folder`; each of `tenants` has a key in `keys`. Without tenants nobody needs one.
    start_worker() adds a worker with the tiny base model."""

    def __init__(self, server, worker, folder, tenants=()):
        self._server, self._worker = server, worker
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.client_port, self.worker_port, self.studio_port = free_port(), free_port(), free_port()
        self.keys = {tenant: self._make_key(tenant) for tenant in tenants}
        self.worker = None
        self.server = self.start_server()
        self.studio = self.start_studio("studio", self.studio_port)
        self.address = f"http://127.0.0.1:{self.studio_port}"
        wait_for(self._answers, "the studio")

    def _make_key(self, tenant):
        subprocess.run([self._server, "tenants", "create", "--data", self.data, "--tenant", tenant], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)
        made = subprocess.run([self._server, "keys", "create", "--data", self.data, "--tenant", tenant], check=True,
                              capture_output=True, text=True, timeout=60)
        return made.stdout.strip()

    def start_server(self):
        return self._start("server", self._server, "--data", self.data, "--listen", f"127.0.0.1:{self.client_port}",
                           "--worker-listen", f"127.0.0.1:{self.worker_port}", "--drain-notice-seconds", "0",
                           "--min-free-share", "0", "--min-free-bytes", "0")

    def start_worker(self):
        self.worker = self._start("worker", self._worker, "--server", f"127.0.0.1:{self.worker_port}",
                                  "--base-model", ROOT / "toyworld/base")

    def start_studio(self, name, port, *options):
        return self._start(name, sys.executable, "-m", "vico_web", "--listen", f"127.0.0.1:{port}", "--server",
                           f"127.0.0.1:{self.client_port}", "--verbose", *options, HOME=self.folder,
                           PYTHONPATH=ROOT / "python", PYTHONDONTWRITEBYTECODE=1)

    def _start(self, name, *command, **environment):
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen([*map(str, command)], stdout=log, stderr=log,
                                    env=os.environ | {key: str(value) for key, value in environment.items()})

    def _answers(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.studio_port, timeout=2)
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def stop_server(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(30)

    def stop(self):
        processes = [one for one in (self.studio, self.worker, self.server) if one]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()

    def log_of(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")
