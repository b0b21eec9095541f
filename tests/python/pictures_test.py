"""Picture: names, files that are never replaced, Pillow and Jupyter."""
import base64
import os
import pathlib
import tempfile
import unittest

from vico import Picture
from vico.pictures import write_file

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
                       "AABJRU5ErkJggg==")


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

    def test_pillow_opens_it(self):
        try:
            import PIL  # noqa: F401
        except ImportError:
            self.skipTest("without Pillow")
        self.assertEqual(drawn().pil().size, (1, 1))


if __name__ == "__main__":
    unittest.main()
