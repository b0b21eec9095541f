"""A real nginx with deploy/nginx/vico.conf in front of a server, on a free port of loopback."""
import os
import pathlib
import re
import socket
import subprocess
import tempfile

import tools
import vico_api

NGINX, = tools.need("nginx")
CONF = tools.ROOT / "deploy/nginx/vico.conf"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Edge:
    """`changes` are regular expressions and what takes their place in the profile; each must match."""

    def __init__(self, server, changes=()):
        self._folder = tempfile.TemporaryDirectory(prefix="vico-edge.")
        self.folder = self._folder.name
        self.port = free_port()
        tls = os.path.join(self.folder, "tls")
        subprocess.run([tools.ROOT / "deploy/tls/make-certificates", tls, "localhost", "127.0.0.1"], check=True,
                       stderr=subprocess.DEVNULL)
        text = CONF.read_text()
        for pattern, value in [(r"server 127\.0\.0\.1:50051;", f"server {server};"),
                               (r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
                               (r"/etc/vico/tls/", f"{tls}/"), *changes]:
            text, count = re.subn(pattern, value, text)
            assert count, f"the profile has no {pattern}"
        with open(f"{self.folder}/vico.conf", "w") as out:
            out.write(text)
        with open(f"{self.folder}/nginx.conf", "w") as out:
            out.write(f"""daemon off; master_process on; worker_processes 1; pid {self.folder}/pid;
error_log {self.folder}/error.log info; worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy; fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  include {self.folder}/vico.conf;
}}
""")
        self.ca = pathlib.Path(tls, "ca.crt").read_bytes()
        os.chmod(self.folder, 0o755)

    def check(self):
        """nginx's own test of the configuration: (exit code, what it says)."""
        done = subprocess.run([NGINX, "-t", "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log"],
                              capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def __enter__(self):
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([NGINX, "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log", *user])

        def listens():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        vico_api.wait_for(listens, "nginx", alive=self.process)
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
