"""The connection settings: from arguments, the environment or the configuration file, in this order, as the
command line reads them (client/settings)."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vico.address import Peer, field_error, peer_at

_NAMES = ("server", "ca", "key", "key_file", "admin_server", "cert", "cert_key")
_PATHS = ("ca", "key_file", "cert", "cert_key")
_DEFAULT_SERVER = "127.0.0.1:50051"
_DEFAULT_ADMIN_SERVER = "127.0.0.1:50052"
_BLANKS = " \t\r\n"


@dataclass(frozen=True)
class Settings:
    """Where and how to connect."""

    peer: Peer
    source: str  #: where the address comes from, for people
    ca_pem: bytes | None  #: None: the CAs of the system
    key: str = field(repr=False)  #: the API key; empty: none
    #: The certificate of an operator and its private key, in PEM.
    certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Sources:
    """Where a setting is looked for."""

    caller: str  #: "Client()"
    environment: Mapping[str, str]
    config: Path | None
    lines: Mapping[str, str]  #: of the configuration file

    @classmethod
    def open(cls, caller: str, environment: Mapping[str, str]) -> _Sources:
        config = config_path(environment)
        return cls(caller, environment, config, _read_config(config, environment.get("HOME", "")))

    def first(self, argument: str | os.PathLike[str] | None, line: str) -> tuple[str, str]:
        """The value, and where it comes from, for people."""
        if argument:
            return os.fspath(argument), f"the argument of {self.caller}"
        variable = f"VICO_{line.upper()}"
        value = self.environment.get(variable, "").strip(_BLANKS)
        if value:
            return value, variable
        return self.lines.get(line, ""), str(self.config)

    def path(self, argument: str | os.PathLike[str] | None, line: str) -> str:
        return _with_home(self.first(argument, line)[0], self.environment.get("HOME", ""))

    def address(self, argument: str | None, line: str, default: str) -> tuple[str, str]:
        address, source = self.first(argument, line)
        return (address, source) if address else (default, "the default")


def read_settings(
    server: str | None,
    ca: str | os.PathLike[str] | None,
    key: str | None,
    key_file: str | os.PathLike[str] | None,
    environment: Mapping[str, str],
) -> Settings:
    """Reads the arguments, then VICO_SERVER, VICO_CA, VICO_KEY and VICO_KEY_FILE, then the configuration
    file. Paths may start with ~/; those in the file are relative to its folder. Raises ConfigError."""
    sources = _Sources.open("Client()", environment)
    address, source = sources.address(server, "server", _DEFAULT_SERVER)
    authority = sources.path(ca, "ca")
    return Settings(
        peer=peer_at("server", address, ca=bool(authority)),
        source=source,
        ca_pem=_read_certificates(authority) if authority else None,
        key=_read_key(key, key_file, sources),
    )


def read_admin_settings(
    server: str | None,
    ca: str | os.PathLike[str] | None,
    cert: str | os.PathLike[str] | None,
    cert_key: str | os.PathLike[str] | None,
    environment: Mapping[str, str],
) -> Settings:
    """As read_settings(), of an operator: the address of the workers' listener is in VICO_ADMIN_SERVER, the
    operator's certificate and its key are in VICO_CERT and VICO_CERT_KEY."""
    sources = _Sources.open("AdminClient()", environment)
    address, source = sources.address(server, "admin_server", _DEFAULT_ADMIN_SERVER)
    authority = sources.path(ca, "ca")
    certificate, key = sources.path(cert, "cert"), sources.path(cert_key, "cert_key")
    if bool(certificate) != bool(key):
        missing, given = ("cert_key", "cert") if certificate else ("cert", "cert_key")
        raise field_error(missing, f"must be given together with {given}")
    return Settings(
        peer=peer_at("server", address, ca=bool(authority or certificate)),
        source=source,
        ca_pem=_read_certificates(authority) if authority else None,
        key="",
        certificate=_read_pair(certificate, key) if certificate else None,
    )


def config_path(environment: Mapping[str, str]) -> Path | None:
    """~/.config/vico/config, or in XDG_CONFIG_HOME; None if HOME is not set."""
    folder = environment.get("XDG_CONFIG_HOME")
    if folder:
        return Path(folder, "vico", "config")
    home = environment.get("HOME")
    return Path(home, ".config", "vico", "config") if home else None


def parse_config(name: str, data: bytes) -> dict[str, str]:
    """Reads lines NAME = VALUE, with or without quotes, `export ` and the prefix VICO_; comments after # or
    ;, a byte order mark, line ends of Windows. `name` is the file's, for errors: they have the number of the
    line, but not its text, which may be a key."""
    lines: dict[str, str] = {}
    for number, whole in enumerate(_text_of(name, data).split("\n"), 1):
        line = whole.strip(_BLANKS)
        if not line or line[0] in "#;":
            continue
        left, equals, right = line.partition("=")
        setting = _name_of(left.strip(_BLANKS)) if equals else ""
        if setting not in _NAMES:
            raise _unknown_name(name, number, setting)
        value = _value_of(right)
        if value is None:
            raise field_error(
                name,
                f"line {number}: the quote of {setting} must end, and nothing but a comment may follow it",
            )
        if setting in ("server", "admin_server") and _has_surrogates(value):
            raise field_error(name, f"line {number}: {setting} holds bytes that are not UTF-8")
        lines[setting] = value
    return lines


def _text_of(name: str, data: bytes) -> str:
    """The text of a file as editors save it, without a byte order mark."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    # Without a mark, UTF-16 has a zero byte in each character of ASCII.
    elif data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or b"\0" in data[:4]:
        raise field_error(name, 'is in UTF-16 or UTF-32 ("Unicode"); save it as UTF-8')
    return data.decode("utf-8", "surrogateescape")


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def _name_of(text: str) -> str:
    """ "key_file" for "export VICO_KEY_FILE" and "key-file"."""
    name = text.removeprefix("export ").strip(_BLANKS).replace("-", "_").lower()
    return name.removeprefix("vico_")


def _value_of(text: str) -> str | None:
    """The value without quotes and comment; None for a quote that does not end."""
    text = text.strip(_BLANKS)
    if not text or text[0] == "#":
        return ""
    if text[0] in "\"'":
        end = text.find(text[0], 1)
        rest = text[end + 1 :].strip(_BLANKS)
        if end < 0 or (rest and rest[0] not in "#;"):
            return None
        return text[1:end]
    # A comment follows a blank: # may be part of a path.
    comment = re.search(r"(?<=[ \t\r\n])[#;]", text)
    return text[: comment.start()].strip(_BLANKS) if comment else text


def _unknown_name(file: str, number: int, name: str) -> Exception:
    # The name is repeated only if it cannot be a part of a key.
    is_word = re.fullmatch("[a-z_]{1,20}", name)
    what = f"there is no setting {name}" if is_word else "must be NAME = VALUE"
    return field_error(file, f"line {number}: {what}; the names are {', '.join(_NAMES)}")


def _with_home(path: str, home: str) -> str:
    for name in ("~", "$HOME", "${HOME}"):
        if home and (path == name or path.startswith(name + "/")):
            return home + path[len(name) :]
    return path


def _read_whole(path: str) -> bytes:
    if os.path.isdir(path):
        raise field_error(path, "is a folder, not a file")
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise field_error(path, "cannot be read") from error


def _check_private(path: str) -> None:
    """Refuses a file with a key that other users can read."""
    if os.name == "posix" and os.stat(path).st_mode & 0o077:
        raise field_error(path, "holds a key and others can read it; chmod 600 it")


def _read_config(path: Path | None, home: str) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    lines = parse_config(str(path), _read_whole(str(path)))
    if "key" in lines:
        _check_private(str(path))
    for name in _PATHS:
        if lines.get(name):
            lines[name] = str(path.parent / _with_home(lines[name], home))
    return lines


def _read_key(key: str | None, key_file: str | os.PathLike[str] | None, sources: _Sources) -> str:
    environment, lines = sources.environment, sources.lines
    if key is not None and key_file is not None:
        raise field_error("key", "must not be given together with key_file")
    if key is not None:
        return _key_in("key", key.encode())
    if key_file is None:
        given = environment.get("VICO_KEY", "")
        if given.strip(_BLANKS):
            return _key_in("VICO_KEY", given.encode("utf-8", "surrogateescape"))
    file = os.fspath(key_file) if key_file else environment.get("VICO_KEY_FILE", "").strip(_BLANKS)
    if not file and lines.get("key"):
        return _key_in(f"{sources.config}: key", lines["key"].encode("utf-8", "surrogateescape"))
    file = file or lines.get("key_file", "")
    if not file:
        return ""
    file = _with_home(file, environment.get("HOME", ""))
    data = _read_whole(file)
    _check_private(file)
    return _key_in(file, data)


def _key_in(name: str, data: bytes) -> str:
    """The key in a text that a person saved or exported. Errors do not repeat it."""
    key = _text_of(name, data).strip(_BLANKS)
    if not key:
        raise field_error(name, "holds no key")
    wrong = re.search(r"[^A-Za-z0-9._~+/=-]", key)
    if wrong:
        place = len(key[: wrong.start()].encode("utf-8", "surrogateescape")) + 1
        raise field_error(name, f"the key holds a character that no key has, in place {place}")
    if len(key) > 1024:
        raise field_error(name, "holds more than a key, which has at most 1024 characters")
    return key


def _read_certificates(path: str) -> bytes:
    data = _read_whole(path)
    text = _text_of(path, data)
    if data.startswith(b"\xef\xbb\xbf"):
        raise field_error(path, "starts with a byte order mark; save it as UTF-8 without one")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise field_error(path, "holds no certificate in PEM") from error
    return data


def _read_pair(certificate: str, key: str) -> tuple[bytes, bytes]:
    """A certificate and its private key, which belong together."""
    pems = _read_certificates(certificate), _read_whole(key)
    try:
        # An empty password, so that nobody is asked for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        mismatch = isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH"
        what = f"is not the key of {certificate}" if mismatch else "holds no unencrypted private key in PEM"
        raise field_error(key, what) from error
    return pems
