"""Content Credentials (C2PA): a signed statement in the file that a program made the picture, and how.

`pip install vico-client[c2pa]` installs what it needs. Signing works without a network."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

Algorithm = Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"]

#: The label of the assertion that holds Picture.metadata.
ASSERTION = "vico.generation"

_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True)
class Signer:
    """A certificate and its key. Verifiers trust pictures whose chain ends in a CA that they know."""

    #: In PEM: the certificate of the key, then those of the CAs up to the root, which may be left out.
    certificates: bytes
    #: In PEM, PKCS #8, without a password.
    key: bytes = field(repr=False)
    #: The kind of the key: "es256" for a key on the curve P-256.
    algorithm: Algorithm = "es256"

    @classmethod
    def from_files(
        cls,
        certificates: str | os.PathLike[str],
        key: str | os.PathLike[str],
        algorithm: Algorithm = "es256",
    ) -> Signer:
        """Reads both files."""
        return cls(Path(certificates).read_bytes(), Path(key).read_bytes(), algorithm)


def sign(png: bytes, signer: Signer, made_with: dict[str, Any] | None) -> bytes:
    """The PNG with a signed manifest: the action c2pa.created by a trained model and, if `made_with` is
    given, the assertion ASSERTION. ImportError without the extra, ValueError for a key or certificate that
    cannot sign."""
    try:
        import c2pa
    except ImportError:
        raise ImportError(
            "Content Credentials need another package: pip install vico-client[c2pa]"
        ) from None
    agent = {"name": "Vico"}
    if made_with and made_with.get("version"):
        agent["version"] = made_with["version"]
    action = {"action": "c2pa.created", "digitalSourceType": _GENERATED, "softwareAgent": agent}
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]
    if made_with is not None:
        assertions.append({"label": ASSERTION, "data": made_with})
    manifest = {
        "claim_generator_info": [_this_package()],
        "format": "image/png",
        "assertions": assertions,
    }
    signed = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(signer.algorithm, signer.certificates, signer.key, None)
        with c2pa.Signer.from_info(info) as native, c2pa.Builder(json.dumps(manifest)) as builder:
            builder.sign(native, "image/png", io.BytesIO(png), signed)
    except c2pa.C2paError as error:
        raise ValueError(f"the picture cannot be signed: {error}") from None
    return signed.getvalue()


def _this_package() -> dict[str, str]:
    try:
        return {"name": "vico-client", "version": metadata.version("vico-client")}
    except metadata.PackageNotFoundError:  # used from a clone
        return {"name": "vico-client"}
