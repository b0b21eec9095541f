"""An HAProxy process with deploy/haproxy/haproxy.cfg in front of a server, on a free port of loopback."""
import pathlib
import subprocess

import proxies
import tools

HAPROXY, = tools.need("haproxy")

# Changes of the profile: timeouts of seconds; a short timeout of unary calls. The limit is 8 uploads per peer already.
QUICK = [(r"timeout http-request 10s", "timeout http-request 2s"), (r"timeout client 60s", "timeout client 2s"),
         (r"wait-for-body time 10s", "wait-for-body time 2s")]
SHORT_UNARY = [(r"timeout server 35s", "timeout server 2s")]
# HAProxy resets a refused call if the peer is still sending.
TOO_MANY_UPLOADS = ("CANCELLED", "Stream removed (RST_STREAM (Received RST_STREAM with error code 8))")
TOO_LARGE = "larger than max"  # the limit of the server; HAProxy has none
CUT_OFF = "UploadConcept"


class Edge(proxies.Proxy):
    profile = "deploy/haproxy/haproxy.cfg"

    def places(self):
        lines = [f"server vico {self.servers[0]} proto h2"] if len(self.servers) == 1 else [
            f"server vico-{i} {one} proto h2 check inter 1s fall 2 rise 1" for i, one in enumerate(self.servers)]
        return [(r"server vico 127\.0\.0\.1:50051 proto h2", "\n  ".join(lines)),
                (r"bind :443 ", f"bind 127.0.0.1:{self.port} "),
                (r"/etc/vico/tls/", f"{self.tls}/"),
                (r"\nglobal\n", "\nglobal\n  log stderr format raw local0\n"),
                (r"\ndefaults\n", "\ndefaults\n  log global\n  option httplog\n")]

    def configure(self, text):
        tls = pathlib.Path(self.tls)
        (tls / "server.pem").write_bytes((tls / "server.crt").read_bytes() + (tls / "server.key").read_bytes())
        self.config = pathlib.Path(self.folder, "haproxy.cfg")
        self.config.write_text(text)

    def check(self):
        """Tests the configuration with HAProxy; warnings are errors. Returns exit code and standard error."""
        done = subprocess.run([HAPROXY, "-c", "-dW", "-f", self.config], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def start(self):
        with open(f"{self.folder}/error.log", "ab") as log:
            return subprocess.Popen([HAPROXY, "-db", "-f", self.config], stdout=log, stderr=log)
