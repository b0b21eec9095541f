"""A tenant with a key, and the command line tool in its name."""
import pathlib
import subprocess


class Tenant:
    """`address` and `ca`: where the tool finds the service; `folder` gets the key."""

    def __init__(self, name, server_program, vico, folder, data, address, ca):
        subprocess.run([server_program, "tenants", "create", "--data", data, "--tenant", name], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)
        made = subprocess.run([server_program, "keys", "create", "--data", data, "--tenant", name], check=True,
                              capture_output=True, text=True, timeout=60)
        self.name = name
        self.key = made.stdout.strip()
        self.key_file = pathlib.Path(folder, f"{name}.key")
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(made.stdout)
        self._command = [vico, "--server", address, "--ca", ca, "--key-file", self.key_file, "--json"]

    def vico(self, *words, seconds=120):
        return subprocess.run([*self._command, *map(str, words)], capture_output=True, text=True, timeout=seconds)

    def known(self):
        """Whether the server has seen the key: it looks once a second."""
        return self.vico("concepts", "list").returncode == 0
