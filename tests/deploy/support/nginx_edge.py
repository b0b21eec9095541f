"""An nginx process with deploy/nginx/vico.conf in front of a server, on a free port of loopback."""
import os
import subprocess

import proxies
import tools

NGINX, = tools.need("nginx")

# Changes of the profile: timeouts of seconds and a limit of 8 calls per peer; a short timeout of unary calls.
QUICK = [(r"client_header_timeout 10s", "client_header_timeout 2s"), (r"client_body_timeout 30s", "client_body_timeout 2s"),
         (r"send_timeout 60s", "send_timeout 2s"), (r"limit_conn vico_peer 64", "limit_conn vico_peer 8")]
SHORT_UNARY = [(r"grpc_read_timeout 35s", "grpc_read_timeout 2s")]
TOO_MANY_UPLOADS = ("RESOURCE_EXHAUSTED", "too many calls from this peer")
TOO_LARGE = "the request is too large"
CUT_OFF = "client timed out"  # in the log for an upload that stalls


class Edge(proxies.Proxy):
    profile = "deploy/nginx/vico.conf"

    def places(self):
        first, *others = [f"server {one} max_fails=1 fail_timeout=2s;" for one in self.servers]
        return [(r"server 127\.0\.0\.1:50051 max_fails=1 fail_timeout=2s;", " ".join([first, *others])),
                (r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
                (r"/etc/vico/tls/", f"{self.tls}/")]

    def configure(self, text):
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

    def check(self):
        """Tests the configuration with nginx. Returns exit code and standard error."""
        done = subprocess.run([NGINX, "-t", "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log"],
                              capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def start(self):
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        return subprocess.Popen([NGINX, "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log", *user])
