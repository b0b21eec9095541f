#!/usr/bin/env python3
"""Runs OpenStack Swift with its S3 API on loopback until it is killed.

Usage: swift_server.py FOLDER PORT USER SECRET_KEY

One account, container and object server on one device in FOLDER, whose file system must have extended attributes, and a
proxy on PORT. It is not SeaweedFS's code and reads requests strictly, so it is a cross-check of the S3 client. The access key
is "test:USER".
"""
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

BIN = pathlib.Path(sys.executable).parent
SERVERS = ("account", "container", "object")


def die_with_parent():
    """A killed process ends its servers."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configure(folder, port, user, secret_key):
    """Writes rings and configurations. Returns the file of each server."""
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = tests\n\n[storage-policy:0]\nname = one\ndefault = yes\n")
    common = f"swift_dir = {folder}\nbind_ip = 127.0.0.1\nuser = {os.environ.get('USER', 'root')}\nworkers = 0\nlog_level = WARNING\n"
    files = {}
    for server in SERVERS:
        own = free_port()
        builder = folder / f"{server}.builder"
        for command in (["create", "4", "1", "1"], ["add", f"r1z1-127.0.0.1:{own}/device", "1"], ["rebalance"]):
            subprocess.run([BIN / "swift-ring-builder", builder, *command], check=True, stdout=subprocess.DEVNULL)
        files[server] = folder / f"{server}.conf"
        files[server].write_text(
            f"[DEFAULT]\n{common}bind_port = {own}\ndevices = {folder}/devices\nmount_check = false\n\n"
            f"[pipeline:main]\npipeline = {server}-server\n\n[app:{server}-server]\nuse = egg:swift#{server}\n")
    files["proxy"] = folder / "proxy.conf"
    files["proxy"].write_text(
        f"[DEFAULT]\n{common}bind_port = {port}\n\n"
        "[pipeline:main]\npipeline = catch_errors gatekeeper healthcheck listing_formats s3api tempauth bulk slo "
        "proxy-server\n\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n\n"
        f"[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_{user} = {secret_key} .admin\n\n"
        "[filter:s3api]\nuse = egg:swift#s3api\nlocation = us-east-1\n\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n\n"
                  for name in ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "slo")))
    (folder / "devices" / "device").mkdir(parents=True, exist_ok=True)
    return files


def main():
    folder, port = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    files = configure(folder, port, *sys.argv[3:5])
    with (folder / "log").open("w") as log:
        running = [subprocess.Popen([BIN / f"swift-{name}-server", files[name]], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, preexec_fn=die_with_parent)
                   for name in (*SERVERS, "proxy")]
    while all(server.poll() is None for server in running):
        time.sleep(1)
    sys.exit("swift has ended:\n" + (folder / "log").read_text())


if __name__ == "__main__":
    main()
