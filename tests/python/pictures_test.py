"""Picture: names, files that are never replaced, metadata, Pillow and Jupyter."""
import base64
import io
import json
import os
import pathlib
import struct
import sys
import tempfile
import unittest
import zlib
from unittest import mock

from vico import Picture
from vico._png import texts
from vico.pictures import write_file
from vico.provenance import Signer

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
                       "AABJRU5ErkJggg==")


MADE_WITH = {"version": "1.2", "spec": {"generate": {"prompt": "a \u732b"}}, "seed": "5", "index": 0}


def with_chunk(kind, data, png=PNG):
    """The PNG with a chunk behind its header."""
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return png[:33] + chunk + png[33:]


def with_text(keyword, text, png=PNG):
    """As the worker writes them: Latin-1 if it can be."""
    try:
        return with_chunk(b"tEXt", keyword.encode() + b"\0" + text.encode("latin-1"), png)
    except UnicodeEncodeError:
        return with_chunk(b"iTXt", keyword.encode() + b"\0\0\0\0\0" + text.encode(), png)


def drawn(data=PNG, **more):
    more = {"prompt": "a photo of a S* on the beach!", "index": 1, "seed": 7, "job": "jobs/0123456789ab", **more}
    return Picture("picture", data=data, **more)


class PictureTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_in_a_folder_the_name_holds_job_prompt_and_seed(self):
        written = drawn().save(f"{self.folder}/new/")
        self.assertEqual(written, self.folder / "new/01234567_a-photo-of-a-s-on-the-beach_7.png")
        self.assertEqual(written.read_bytes(), PNG)

    def test_each_kind_of_picture_has_its_name(self):
        for picture, name in (
                (drawn(prompt="Ein Foto von S* am Stra\u00dfenrand bei Mondlicht"),
                 "01234567_ein-foto-von-s-am-stra\u00dfenrand-bei_7.png"),
                (drawn(prompt="\u732b" * 20), "01234567_" + "\u732b" * 13 + "_7.png"),
                (drawn(prompt="!"), "01234567_picture_7.png"),
                (Picture("sample", index=0, step=20, seed=1, job="jobs/0123456789ab"), "01234567_sample_step_20.png"),
                (Picture("sample", index=2, step=0, job="jobs/0123456789ab"), "01234567_sample_2_step_0.png"),
                (Picture("mask", index=3, step=20, job="jobs/0123456789ab"), "01234567_mask_3_step_20.png"),
                (Picture("preview", index=1, step=5, job="jobs/0123456789ab"), "01234567_preview_1_step_5.png"),
                (Picture("concept", name="concepts/abcdef0123/pictures/4", index=4), "abcdef01_concept_4.png"),
                (Picture("reference", name="adapters/abcdef0123/reference"), "abcdef01_reference.png")):
            self.assertEqual(picture.default_name, name)

    def test_a_taken_name_gets_a_number_and_the_same_bytes_are_used(self):
        first = drawn().save(self.folder)
        second = drawn(b"other").save(self.folder)
        self.assertEqual(second.name, first.stem + "_2.png")
        self.assertEqual(drawn().save(self.folder), first)
        self.assertEqual(drawn(b"other").save(self.folder), second)
        self.assertEqual(first.read_bytes(), PNG)
        self.assertEqual(len(os.listdir(self.folder)), 2)

    def test_a_file_of_mine_is_replaced_only_by_force(self):
        path = self.folder / "mine.png"
        path.write_bytes(b"mine")
        with self.assertRaisesRegex(FileExistsError, "mine.png: is there already"):
            drawn().save(path)
        self.assertEqual(path.read_bytes(), b"mine")
        drawn().save(path, force=True)
        self.assertEqual(path.read_bytes(), PNG)
        self.assertEqual(drawn().save(path), path)

    def test_a_file_that_another_program_writes_first_stays(self):
        path = self.folder / "taken.png"
        path.write_bytes(b"theirs")
        with self.assertRaisesRegex(FileExistsError, "taken.png: is there already"):
            write_file(path, PNG, force=False)
        self.assertEqual(path.read_bytes(), b"theirs")
        self.assertEqual(os.listdir(self.folder), ["taken.png"])

    def test_a_name_for_another_format_is_refused(self):
        with self.assertRaisesRegex(ValueError, r"ends with .png, or picture.pil\(\)"):
            drawn().save(self.folder / "a.jpg")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_thumbnail_in_jpeg_gets_its_ending(self):
        self.assertTrue(drawn(media_type="image/jpeg").save(self.folder).name.endswith(".jpg"))

    def test_jupyter_gets_the_bytes_of_their_format_and_none_without_bytes(self):
        self.assertEqual(drawn()._repr_png_(), PNG)
        self.assertIsNone(drawn()._repr_jpeg_())
        self.assertIsNone(drawn(None)._repr_png_())

    def test_bytes_that_were_not_received_say_how_to_get_them(self):
        with self.assertRaisesRegex(LookupError, "client.pictures.download"):
            drawn(None).bytes  # noqa: B018

    def test_the_bytes_are_not_printed(self):
        self.assertNotIn("PNG", repr(drawn()))

    def test_metadata_are_the_json_of_the_worker(self):
        for made_with in (MADE_WITH, {"seed": "7"}):  # in iTXt and in tEXt
            png = with_text("parameters", "a cat", with_text("vico", json.dumps(made_with, ensure_ascii=False)))
            self.assertEqual(drawn(png).metadata, made_with)

    def test_a_picture_without_metadata_has_none(self):
        for data in (PNG, with_text("vico", "no JSON"), with_text("vico", "[1]"), with_text("other", "{}"),
                     with_chunk(b"zTXt", b"vico\0\0{}"), with_chunk(b"iTXt", b"vico\0\1\0\0\0{}"),
                     with_chunk(b"iTXt", b"vico\0\0\0\0\0\xff"), PNG[:50], b"", b"no PNG"):
            self.assertIsNone(drawn(data).metadata)
        self.assertIsNone(drawn(b"\xff\xd8", media_type="image/jpeg").metadata)
        with self.assertRaisesRegex(LookupError, "client.pictures.download"):
            drawn(None).metadata  # noqa: B018

    def test_metadata_can_be_left_out_of_the_file(self):
        png = with_text("vico", json.dumps(MADE_WITH), with_text("parameters", "\u732b"))
        png = with_chunk(b"eXIf", b"II*\0", with_chunk(b"zTXt", b"a\0\0b", png))
        self.assertEqual(drawn(png).save(self.folder / "with.png").read_bytes(), png)
        self.assertEqual(drawn(png).save(self.folder / "without.png", metadata=False).read_bytes(), PNG)
        self.assertEqual(drawn(png).save(f"{self.folder}/new/", metadata=False).read_bytes(), PNG)

    def test_other_chunks_stay(self):
        png = with_chunk(b"gAMA", b"\0\0\xb1\x8f")
        self.assertEqual(drawn(png).save(self.folder, metadata=False).read_bytes(), png)
        jpeg = drawn(b"\xff\xd8 thumbnail", media_type="image/jpeg")
        self.assertEqual(jpeg.save(self.folder, metadata=False).read_bytes(), b"\xff\xd8 thumbnail")

    def test_a_damaged_file_is_not_written_as_if_it_had_no_metadata(self):
        changed = bytearray(PNG)
        changed[45] ^= 1
        for data in [PNG[:size] for size in range(len(PNG))] + [bytes(changed)]:
            with self.assertRaisesRegex(ValueError, "PNG"):
                drawn(data).save(self.folder / "a.png", metadata=False)
        self.assertEqual(os.listdir(self.folder), [])

    def test_signing_needs_a_package_and_says_which(self):
        signer = Signer(b"", b"")
        with mock.patch.dict(sys.modules, {"c2pa": None}):
            with self.assertRaisesRegex(ImportError, r"pip install vico-client\[c2pa\]"):
                drawn().save(self.folder / "a.png", c2pa=signer)
        for picture in (Picture("concept", data=PNG), Picture("mask", data=PNG)):
            with self.assertRaisesRegex(ValueError, f"this is a {picture.kind}"):
                picture.save(self.folder / "a.png", c2pa=signer)
        with self.assertRaisesRegex(ValueError, "only a PNG"):
            drawn(media_type="image/jpeg").save(self.folder / "a.jpg", c2pa=signer)
        self.assertEqual(os.listdir(self.folder), [])

    def test_pillow_reads_the_same_texts(self):
        try:
            import PIL.Image
        except ImportError:
            self.skipTest("without Pillow")
        png = with_text("parameters", "Stra\u00dfe", with_text("vico", "\u732b"))
        self.assertEqual(PIL.Image.open(io.BytesIO(png)).text, texts(png))
        self.assertEqual(texts(png), {"parameters": "Stra\u00dfe", "vico": "\u732b"})

    def test_pillow_opens_it(self):
        try:
            import PIL  # noqa: F401
        except ImportError:
            self.skipTest("without Pillow")
        self.assertEqual(drawn().pil().size, (1, 1))


if __name__ == "__main__":
    unittest.main()
