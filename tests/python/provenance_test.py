"""Content Credentials of pictures, read back with c2pa's reader: signed by a CA of the test, without a network."""
import datetime
import io
import json
import pathlib
import struct
import sys
import tempfile
import unittest
import zlib

try:
    import c2pa
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
except ImportError as error:
    print(f"skipped: {error}; scripts/bootstrap --tests installs it")
    sys.exit(77)

from vico import Picture
from vico.provenance import ASSERTION, Signer

MADE_WITH = {"version": "1.2", "spec": {"generate": {"prompt": "a \u732b", "steps": 25}}, "seed": "5", "index": 0}
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixels(grey):
    return chunk(b"IDAT", zlib.compress(b"\0" + bytes([grey])))


TEXT = chunk(b"iTXt", b"vico\0\0\0\0\0" + json.dumps(MADE_WITH).encode())
PNG = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + TEXT + pixels(100)
       + chunk(b"IEND", b""))


def certificate(name, key, issuer, issuer_key, *, ca):
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
                         x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test")])
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                           "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    usage["key_cert_sign" if ca else "digital_signature"] = True
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
               .add_extension(x509.KeyUsage(**usage), critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
               .add_extension(authority, critical=False))
    if not ca:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(what):
    if isinstance(what, x509.Certificate):
        return what.public_bytes(serialization.Encoding.PEM)
    return what.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())


def read(png, root=None):
    """The reader's report; with `root`, that CA is trusted."""
    settings = {"verify": {"verify_trust": True}, "trust": {"trust_anchors": pem(root).decode()}} if root else {}
    with c2pa.Context(c2pa.Settings.from_dict(settings)) as context:
        with c2pa.Reader("image/png", io.BytesIO(png), context=context) as reader:
            return json.loads(reader.json())


def codes(report):
    return {entry["code"] for entry in report["validation_results"]["activeManifest"]["failure"]}


class ProvenanceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        root_key = ec.generate_private_key(ec.SECP256R1())
        cls.root = certificate("Test CA", root_key, None, root_key, ca=True)
        cls.key = ec.generate_private_key(ec.SECP256R1())
        cls.leaf = certificate("Studio", cls.key, cls.root.subject, root_key, ca=False)
        cls.signer = Signer(pem(cls.leaf) + pem(cls.root), pem(cls.key))

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def signed(self, **more):
        picture = Picture("picture", prompt="a", data=PNG)
        return picture.save(self.folder / "signed.png", c2pa=self.signer, **more).read_bytes()

    def test_the_signature_is_valid_and_its_ca_can_be_trusted(self):
        signed = self.signed()
        self.assertEqual(read(signed)["validation_state"], "Valid")
        self.assertEqual(read(signed, self.root)["validation_state"], "Trusted")

    def test_the_manifest_says_that_a_model_made_it_and_how(self):
        report = read(self.signed())
        manifest = report["manifests"][report["active_manifest"]]
        data = {assertion["label"]: assertion["data"] for assertion in manifest["assertions"]}
        self.assertEqual(data[ASSERTION], MADE_WITH)
        action, = data["c2pa.actions.v2"]["actions"]
        self.assertEqual((action["action"], action["digitalSourceType"]), ("c2pa.created", GENERATED))
        self.assertEqual((action["softwareAgent"]["name"], action["softwareAgent"]["version"]), ("Vico", "1.2"))
        self.assertEqual(manifest["claim_generator_info"][0]["name"], "vico-client")

    def test_without_metadata_neither_texts_nor_manifest_have_the_prompt(self):
        signed = self.signed(metadata=False)
        report = read(signed)
        labels = {assertion["label"] for assertion in report["manifests"][report["active_manifest"]]["assertions"]}
        self.assertEqual(report["validation_state"], "Valid")
        self.assertNotIn(ASSERTION, labels)
        self.assertNotIn("\u732b".encode(), signed)
        self.assertNotIn(b"steps", signed)

    def test_a_changed_pixel_or_text_is_a_mismatch(self):
        signed = self.signed()
        for part, other in ((pixels(100), pixels(101)), (TEXT, chunk(TEXT[4:8], TEXT[8:-4].replace(b"25", b"26")))):
            self.assertEqual((signed.count(part), len(part)), (1, len(other)))
            report = read(signed.replace(part, other))
            self.assertEqual(report["validation_state"], "Invalid")
            self.assertIn("assertion.dataHash.mismatch", codes(report))

    def test_a_key_of_another_certificate_is_refused(self):
        other = Signer(self.signer.certificates, pem(ec.generate_private_key(ec.SECP256R1())))
        with self.assertRaisesRegex(ValueError, "cannot be signed"):
            Picture("picture", data=PNG).save(self.folder / "a.png", c2pa=other)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_signer_is_read_from_files_and_hides_its_key(self):
        (self.folder / "chain.pem").write_bytes(self.signer.certificates)
        (self.folder / "key.pem").write_bytes(self.signer.key)
        signer = Signer.from_files(self.folder / "chain.pem", str(self.folder / "key.pem"))
        self.assertEqual(signer, self.signer)
        self.assertNotIn("PRIVATE", repr(signer))


if __name__ == "__main__":
    unittest.main()
