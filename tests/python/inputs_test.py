"""Pictures that generations start from: what is uploaded, what is named, and what a repetition sends."""
import asyncio
import datetime
import hashlib
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import grpc
from google.protobuf import empty_pb2

import vico
from fake_server import FakeServer, fail, job
from vico.v1 import adapter_pb2, job_pb2, picture_pb2

CODE = grpc.StatusCode
UPLOAD = "PictureService/UploadPicture"
DELETE = "PictureService/DeletePicture"
GENERATE = "JobService/CreateGenerationJob"
NAME = "pictures/1c9e0000000000000000000000000003"


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Pictures:
    """UploadPicture of a server, which answers a repeated request with the first picture. `cuts` calls break."""

    def __init__(self, cuts=0):
        self.kept = {}  # name: bytes
        self.answers = {}  # request id: name
        self.cuts = cuts

    def __call__(self, requests, context):
        header, data = next(requests).header, b""
        for request in requests:
            data += request.chunk.data
            if self.cuts:
                self.cuts -= 1
                fail(context, CODE.UNAVAILABLE, "the connection is cut")
        assert (header.sha256, header.size_bytes) == (digest(data), len(data))
        name = self.answers.setdefault(header.request_id, f"pictures/{len(self.answers)}")
        self.kept[name] = data
        picture = picture_pb2.UploadedPicture(name=name, width=64, height=48)
        picture.expire_time.FromSeconds(1_767_323_045)
        return picture_pb2.UploadPictureResponse(uploaded_picture=picture)


class InputsTest(unittest.TestCase):
    def setUp(self):
        patch = mock.patch.dict(os.environ, {"XDG_CONFIG_HOME": "/nonexistent"})
        patch.start()
        self.addCleanup(patch.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.photo = self.folder / "photo.jpg"
        self.photo.write_bytes(b"photo")
        self.pictures = Pictures()
        self.server = FakeServer({
            UPLOAD: lambda requests, context: self.pictures(requests, context),
            DELETE: lambda request, context: empty_pb2.Empty(),
            "AdapterService/GetAdapter": lambda request, context: adapter_pb2.Adapter(name=request.name),
            GENERATE: lambda request, context: job(kind=job_pb2.JOB_KIND_GENERATION)})
        self.addCleanup(self.server.stop)
        self.client = vico.Client(self.server.address)
        self.addCleanup(self.client.close)

    def headers(self):
        return [requests[0].header for requests in self.server.requests(UPLOAD)]

    def deleted(self):
        return [request.name for request in self.server.requests(DELETE)]

    def spec(self):
        return self.server.requests(GENERATE)[-1].generate

    def test_an_upload_has_a_name_a_size_and_a_time(self):
        progress = []
        picture = self.client.pictures.upload(self.photo, progress=lambda done, all: progress.append((done, all)))
        self.assertEqual((picture.name, picture.width, picture.height), ("pictures/0", 64, 48))
        self.assertEqual(picture.expire_time, datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc))
        self.assertEqual(self.pictures.kept, {"pictures/0": b"photo"})
        self.assertEqual(self.headers()[0].file_name, "photo.jpg")
        self.assertEqual(progress, [(5, 5)])
        picture.delete()
        self.assertEqual(self.deleted(), ["pictures/0"])

    def test_an_upload_that_is_cut_is_repeated_with_the_same_request_id(self):
        self.pictures.cuts = 2
        data = os.urandom(3 << 20)
        picture = self.client.pictures.upload(data)
        self.assertEqual(self.pictures.kept, {picture.name: data})
        self.assertEqual(len(self.headers()), 3)
        self.assertEqual(len({header.request_id for header in self.headers()}), 1)

    def test_an_error_of_an_upload_says_how_to_repeat_it(self):
        self.pictures.cuts = 5
        with self.assertRaises(vico.Unavailable) as raised:
            self.client.pictures.upload(b"photo", request_id="0123456789abcdef")
        self.assertEqual(raised.exception.request_id, "0123456789abcdef")

    def test_files_and_bytes_are_uploaded_before_the_generation(self):
        self.client.generate("p", init_picture=str(self.photo), mask_picture=b"mask", denoise=0.5)
        self.assertEqual((self.spec().init_picture, self.spec().mask_picture), ("pictures/0", "pictures/1"))
        self.assertEqual(self.pictures.kept, {"pictures/0": b"photo", "pictures/1": b"mask"})
        self.assertEqual(self.spec().denoise, 0.5)
        self.client.adapters.get("adapters/1").generate("p", init_picture=self.photo)
        self.assertEqual((self.spec().adapter, self.spec().init_picture), ("adapters/1", "pictures/2"))

    def test_uploads_are_deleted_when_the_job_exists(self):
        self.client.generate("p", init_picture=b"photo", mask_picture=b"mask")
        self.assertEqual([name for name, _, _ in self.server.calls], [UPLOAD, UPLOAD, GENERATE, DELETE, DELETE])
        self.assertEqual(self.deleted(), ["pictures/0", "pictures/1"])
        self.server.methods[DELETE] = lambda request, context: fail(context, CODE.UNAVAILABLE, "gone")
        self.assertEqual(self.client.generate("p", init_picture=b"photo").name, "jobs/1")
        self.assertEqual(self.deleted(), ["pictures/0", "pictures/1", "pictures/2"])

    def test_uploads_of_a_refused_job_are_deleted_unless_a_repetition_needs_them(self):
        def answer(code):
            self.server.methods[GENERATE] = lambda request, context: fail(context, code, "no")

        answer(CODE.INVALID_ARGUMENT)
        with self.assertRaises(vico.InvalidArgument):
            self.client.generate("p", init_picture=b"photo")
        self.assertEqual(self.deleted(), ["pictures/0"])
        answer(CODE.UNAVAILABLE)
        with self.assertRaises(vico.Unavailable):
            self.client.generate("p", init_picture=b"photo")
        self.assertEqual(self.deleted(), ["pictures/0"])

    def test_pictures_of_the_caller_are_not_deleted(self):
        self.client.generate("p", init_picture=self.client.pictures.upload(b"photo"), mask_picture=NAME)
        self.assertEqual(self.deleted(), [])

    def test_images_of_pillow_are_uploaded_as_png(self):
        try:
            import PIL.Image
        except ImportError:
            self.skipTest("without Pillow")
        self.client.generate("p", init_picture=PIL.Image.new("RGB", (64, 64)))
        self.assertTrue(self.pictures.kept[self.spec().init_picture].startswith(b"\x89PNG"))

    def test_a_picture_without_a_name_is_uploaded(self):
        self.client.generate("p", init_picture=vico.Picture("picture", data=b"drawn"))
        self.assertEqual(self.pictures.kept[self.spec().init_picture], b"drawn")

    def test_what_is_on_the_server_is_named(self):
        uploaded = self.client.pictures.upload(b"photo")
        drawn = vico.Picture("picture", name="jobs/1/pictures/0", data=b"drawn")
        for given, name in ((uploaded, "pictures/0"), (drawn, "jobs/1/pictures/0"), (NAME, NAME),
                            ("jobs/1/samples/20/1", "jobs/1/samples/20/1"),
                            ("adapters/1/reference", "adapters/1/reference")):
            self.client.generate("p", init_picture=given)
            self.assertEqual(self.spec().init_picture, name)
        self.assertEqual(len(self.headers()), 1)

    def test_a_file_in_a_folder_called_pictures_is_no_name(self):
        (self.folder / "pictures").mkdir()
        (self.folder / "pictures/robot").write_bytes(b"robot")
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        self.client.generate("p", init_picture="pictures/robot")
        self.assertEqual(self.pictures.kept[self.spec().init_picture], b"robot")

    def test_what_is_neither_a_file_nor_a_name_is_refused_before_a_call(self):
        for given, error, message in (
                ("none.png", FileNotFoundError, 'mask_picture: there is no file "none.png", and it is no name'),
                ("pictures/1c9e", FileNotFoundError, "pictures/ID"), (self.folder, IsADirectoryError, ""),
                (3, TypeError, "mask_picture: a picture must be a path"), ([b"a"], TypeError, "got list")):
            with self.assertRaisesRegex(error, message):
                self.client.generate("p", init_picture=b"photo", mask_picture=given)
        self.assertEqual(self.server.calls, [])

    def test_a_repetition_by_the_caller_sends_the_same_generation(self):
        for _ in range(2):
            self.client.generate("p", init_picture=b"photo", mask_picture=b"mask", request_id="0123456789abcdef")
        first, again = self.server.requests(GENERATE)
        self.assertEqual(first, again)
        self.assertEqual(self.deleted(), [])
        self.assertEqual(len(self.pictures.answers), 2)
        self.client.generate("p", init_picture=b"photo")
        self.assertEqual(self.spec().init_picture, "pictures/2")

    def test_an_error_of_the_upload_carries_the_request_id_of_the_generation(self):
        self.pictures.cuts = 5
        with self.assertRaises(vico.Unavailable) as raised:
            self.client.generate("p", init_picture=b"photo", request_id="0123456789abcdef")
        self.assertEqual(raised.exception.request_id, "0123456789abcdef")
        self.assertEqual(str(raised.exception).count("Repeat the call"), 1)
        self.assertEqual(self.server.requests(GENERATE), [])

    def test_a_downloaded_upload_says_what_it_is(self):
        def download(request, context):
            yield picture_pb2.DownloadPictureResponse(
                header={"media_type": "image/png", "size_bytes": 3, "sha256": digest(b"png")})
            yield picture_pb2.DownloadPictureResponse(chunk={"data": b"png", "last": True})

        self.server.methods["PictureService/DownloadPicture"] = download
        picture = self.client.pictures.download(NAME)
        self.assertEqual((picture.kind, picture.default_name), ("upload", "1c9e0000_upload.png"))

    def test_asyncio_uploads_and_deletes(self):
        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                uploaded = await client.pictures.upload(self.photo)
                await client.generate("p", init_picture=uploaded, mask_picture=b"mask")
                await (await client.adapters.get("adapters/1")).generate("p", init_picture=str(self.photo))
                await uploaded.delete()
                return uploaded.name

        self.assertEqual(asyncio.run(run()), "pictures/0")
        specs = [request.generate for request in self.server.requests(GENERATE)]
        self.assertEqual([(spec.init_picture, spec.mask_picture) for spec in specs],
                         [("pictures/0", "pictures/1"), ("pictures/2", "")])
        self.assertEqual(self.pictures.kept["pictures/2"], b"photo")
        self.assertEqual(self.deleted(), ["pictures/1", "pictures/2", "pictures/0"])


if __name__ == "__main__":
    unittest.main()
