"""A proxy process with a profile of deploy/ in front of a server, on a free port of loopback."""
import os
import pathlib
import re
import socket
import subprocess
import tempfile

import tools
import vico_api


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Proxy:
    """Base class of the proxies, in front of one server's address or several. `changes` are pairs of a regular expression and its replacement in the profile; each
    expression must match. A subclass has `profile`, `places` (changes that every test needs), `configure` (writes the
    files), `check` and `start`."""

    def __init__(self, *servers, changes=()):
        self.servers = servers
        self._folder = tempfile.TemporaryDirectory(prefix="vico-edge.")
        self.folder = self._folder.name
        self.port = free_port()
        self.tls = os.path.join(self.folder, "tls")
        subprocess.run([tools.ROOT / "deploy/tls/make-certificates", self.tls, "localhost", "127.0.0.1"], check=True,
                       stderr=subprocess.DEVNULL)
        self.ca = pathlib.Path(self.tls, "ca.crt").read_bytes()
        text = (tools.ROOT / self.profile).read_text()
        for pattern, value in [*self.places(), *changes]:
            text, count = re.subn(pattern, value, text)
            assert count, f"the profile has no {pattern}"
        self.configure(text)
        os.chmod(self.folder, 0o755)

    def __enter__(self):
        self.process = self.start()

        def listens():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        vico_api.wait_for(listens, "the proxy", alive=self.process)
        return self

    def __exit__(self, *_):
        vico_api.stop(self.process, 10)
        self._folder.cleanup()

    @property
    def log(self):
        return pathlib.Path(self.folder, "error.log").read_text()

    def channel(self, options=()):
        import grpc
        return grpc.secure_channel(f"localhost:{self.port}", grpc.ssl_channel_credentials(self.ca),
                                   options=[("grpc.use_local_subchannel_pool", 1), *options])
