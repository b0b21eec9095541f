"""Client() and the command line read the same settings: settings_test.py VICO. Each case runs both, and
compares the address or the error."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import vico
from vico.settings import parse_config, read_settings

VICO = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None

WRONG_ADDRESSES = [
    "host", "host:", ":1", "host:99999", "host:1x", "a:b:c", "::1", "[::1]", "[::1", "[::1]x", "[zz]:1",
    "user:secret@host:1", "ftp://host:1", "http://host:1", "grpc://10.0.0.1:1", "https://host:1/path", "host:1/x",
    "dns://8.8.8.8/host:1", "ipv4:host:1", "ipv4:[::1]:1", "ipv6:127.0.0.1:1", "ipv6:[zz]:1", "0.0.0.0:1",
    "[::]:1", "127.0.0.1:0", "a:1,b:1", "ho st:1", "höst:1", "1.2.3.4.5:1", "256.1.1.1:1", "unix:", "unix://x",
    "unix-abstract:", "host:١", "a" * 254 + ":1", "[::ffff:0.0.0.0]:1", "%5b::1%5d", "host:1?", "x^:1",
]
# Addresses, their target and whether they use TLS.
RIGHT_ADDRESSES = [
    ("127.0.0.1:1", "127.0.0.1:1", False), ("127.1:1", "127.0.0.1:1", False), ("LOCALHOST.:1", "localhost:1", False),
    ("[::1]:1", "[::1]:1", False), ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", False),
    ("example.org:1", "example.org:1", True), ("https://localhost:1/", "localhost:1", True),
    ("grpcs://127.0.0.1:1", "127.0.0.1:1", True), ("http://localhost:1", "localhost:1", False),
    ("dns:///example.org:1", "example.org:1", True), ("dns:50051", "dns:50051", True),
    ("ipv4:127.0.0.1:1", "127.0.0.1:1", False), ("ipv6:[::1]:1", "[::1]:1", False),
    ("ipv6:%5b::1%5d:1", "[::1]:1", False), ("10.0.0.1:1", "10.0.0.1:1", True), ("unix:a/b", "unix:a/b", False),
    ("unix:///a", "unix:/a", False), ("unix-abstract:a", "unix-abstract:a", False),
    ("[fe80::1%eth0]:1", "[fe80::1%eth0]:1", True), ("host:00080", "host:80", True),
]
WRONG_CONFIGS = [
    b"foo = 1", b"server", b"server = \"x", b"server = 'x' y", b"= x", b"vk_secretsecretsecretsecret = 1",
    b"server = a\xff:1", b"\xff\xfes\0", b"s\0e\0r\0", b"server = 127.0.0.1:1\n\nkey_fil = x", b"KEY=a b",
    b"key = \xc3\xa4", b"key_file = missing", b"ca = missing", b"server = nonsense",
]
# Configurations, and what they say.
RIGHT_CONFIGS = [
    (b"# c\n; c\n\nserver = a:1\n", {"server": "a:1"}),
    (b"\xef\xbb\xbfexport VICO_SERVER='a:1' # c\r\nkey-file=\"k # k\"\r\n", {"server": "a:1", "key_file": "k # k"}),
    (b"server = a:1 ; c\nSERVER=b:1#x\nca=\ncert = # c\n", {"server": "b:1#x", "ca": "", "cert": ""}),
]


class SettingsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.config = self.home / ".config/vico/config"
        self.config.parent.mkdir(parents=True)

    def settings(self, server=None, ca=None, key=None, key_file=None, **environment):
        return read_settings(server, ca, key, key_file, {"HOME": str(self.home), **environment})

    def error(self, *arguments, **environment):
        with self.assertRaises(vico.ConfigError) as raised:
            self.settings(*arguments, **environment)
        return raised.exception.message

    def error_of_vico(self, *arguments, **environment):
        ran = subprocess.run([VICO, "models", *arguments], capture_output=True, timeout=60, check=False,
                             env={"HOME": str(self.home), **environment})
        self.assertIn(ran.returncode, (2, 4), ran.stderr)
        return ran.stderr.decode("utf-8", "replace").strip()

    def write(self, text, mode=0o600):
        self.config.write_bytes(text)
        self.config.chmod(mode)

    def test_wrong_addresses_get_the_error_of_the_command_line(self):
        for address in WRONG_ADDRESSES:
            with self.subTest(address):
                error = self.error(address)
                self.assertRegex(error, "^server: ")
                self.assertNotIn("secret", error)
                if VICO:
                    self.assertEqual("error: " + error, self.error_of_vico(f"--server={address}"))

    def test_right_addresses_have_a_target_and_tls_or_not(self):
        for address, target, tls in RIGHT_ADDRESSES:
            with self.subTest(address):
                peer = self.settings(address).peer
                self.assertEqual((peer.target, peer.tls), (target, tls))

    def test_wrong_configurations_get_the_error_of_the_command_line(self):
        for text in WRONG_CONFIGS:
            with self.subTest(text):
                self.write(text)
                error = self.error()
                self.assertNotIn("secret", error)
                if VICO:
                    theirs = self.error_of_vico()
                    # The command line also suggests a similar name.
                    theirs = theirs.replace("; did you mean key_file?", "")
                    self.assertEqual("error: " + error, theirs)

    def test_right_configurations_are_read(self):
        for text, lines in RIGHT_CONFIGS:
            with self.subTest(text):
                self.assertEqual(parse_config("config", text), lines)

    def test_arguments_come_before_the_environment_and_that_before_the_file(self):
        self.write(b"server = a:1\nkey = from-file\n")
        self.assertEqual(self.settings().peer.address, "a:1")
        self.assertEqual(self.settings().source, str(self.config))
        self.assertEqual(self.settings(VICO_SERVER=" b:1 ").peer.address, "b:1")
        self.assertEqual(self.settings("c:1", VICO_SERVER="b:1").peer.address, "c:1")
        self.assertEqual(self.settings().key, "from-file")
        self.assertEqual(self.settings(VICO_KEY="from-environment").key, "from-environment")
        self.assertEqual(self.settings(key="given", VICO_KEY="from-environment").key, "given")
        self.assertEqual(self.settings(XDG_CONFIG_HOME="/nonexistent").source, "the default")

    def test_a_key_file_is_relative_to_the_configuration_and_private(self):
        self.write(b"key_file = acme.key\n", 0o644)
        key = self.config.parent / "acme.key"
        key.write_bytes(b"\xef\xbb\xbf  vk_1 \n")
        key.chmod(0o600)
        self.assertEqual(self.settings().key, "vk_1")
        key.chmod(0o640)
        self.assertIn("chmod 600", self.error())
        self.assertEqual(self.settings(VICO_KEY="vk_2").key, "vk_2")

    def test_a_configuration_with_a_key_is_private(self):
        self.write(b"key = vk_1\n", 0o644)
        self.assertIn("chmod 600", self.error())

    def test_the_home_folder_is_written_in_three_ways(self):
        (self.home / "k").write_text("vk_1")
        (self.home / "k").chmod(0o600)
        for path in ("~/k", "$HOME/k", "${HOME}/k"):
            self.assertEqual(self.settings(VICO_KEY_FILE=path).key, "vk_1")

    def test_a_file_of_a_ca_must_hold_a_certificate(self):
        (self.home / "ca").write_text("nothing")
        self.assertIn("holds no certificate in PEM", self.error("a:1", "~/ca"))

    def test_the_key_is_not_printed(self):
        self.assertNotIn("vk_1", repr(self.settings(key="vk_1")))

    def test_a_key_and_a_key_file_exclude_one_another(self):
        self.assertIn("key_file", self.error(None, None, "vk_1", "file"))


if __name__ == "__main__":
    unittest.main()
