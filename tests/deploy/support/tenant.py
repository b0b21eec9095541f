"""A tenant with an API key, and the command line client with that key."""
import pathlib
import subprocess


class Tenant:
    """Creates the tenant and a key, which it writes to `folder`. The client connects to `address` and trusts `ca`."""

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
        """Whether the server accepts the key; it refreshes its cache once a second."""
        return self.vico("concepts", "list").returncode == 0
