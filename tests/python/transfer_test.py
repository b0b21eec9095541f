"""Uploads and downloads: what is sent, what is repeated after a cut, and what local files do."""
import asyncio
import hashlib
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import grpc

import vico
from fake_server import FakeServer, fail
from vico._asyncio import AsyncioDriver
from vico.v1 import adapter_pb2, concept_pb2, picture_pb2

CODE = grpc.StatusCode
UPLOAD = "ConceptService/UploadConcept"


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Concepts:
    """UploadConcept of a server that keeps pictures. `cuts` are the numbers of bytes after which the next
    calls break."""

    def __init__(self, cuts=()):
        self.kept = {}
        self.created = {}
        self.cuts = list(cuts)

    def __call__(self, requests, context):
        header, received, parts = next(requests).header, 0, {}
        for request in requests:
            index = request.chunk.picture_index
            parts[index] = parts.get(index, b"") + request.chunk.data
            received += len(request.chunk.data)
            if self.cuts and received > self.cuts[0]:
                self.cuts.pop(0)
                fail(context, CODE.UNAVAILABLE, "the connection is cut")
        self.kept.update({digest(data): data for data in parts.values()})
        wanted = [p.sha256 for p in header.pictures]
        missing = sorted(set(wanted) - set(self.kept))
        if missing:
            return concept_pb2.UploadConceptResponse(missing_sha256=missing)
        name = self.created.setdefault(header.request_id, f"concepts/{len(self.created)}")
        concept = concept_pb2.Concept(name=name, display_name=header.display_name)
        for number, p in enumerate(header.pictures):
            concept.pictures.add(file_name=p.file_name, name=f"{name}/pictures/{number}",
                                 blob={"sha256": p.sha256})
        return concept_pb2.UploadConceptResponse(uploaded_concept=concept)


class TransferTest(unittest.TestCase):
    def setUp(self):
        patch = mock.patch.dict(os.environ, {"XDG_CONFIG_HOME": "/nonexistent"})
        patch.start()
        self.addCleanup(patch.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def serve(self, methods):
        self.server = FakeServer(methods)
        self.addCleanup(self.server.stop)
        client = vico.Client(self.server.address)
        self.addCleanup(client.close)
        return client

    def sent(self):
        """Bytes of pictures in each call."""
        return [sum(len(r.chunk.data) for r in requests) for requests in self.server.requests(UPLOAD)]

    def test_a_folder_is_uploaded_in_the_order_of_names_without_other_files(self):
        for name, data in (("b.png", b"bb"), ("a.JPG", b"a"), (".hidden.png", b"h"), ("notes.txt", b"n")):
            (self.folder / name).write_bytes(data)
        (self.folder / "c.png").mkdir()
        client = self.serve({UPLOAD: Concepts()})
        concept = client.concepts.upload(self.folder, display_name="thing")
        self.assertEqual([p.file_name for p in concept.pictures], ["a.JPG", "b.png"])
        self.assertEqual(concept.display_name, "thing")
        self.assertEqual(self.sent(), [0, 3])

    def test_pictures_that_the_server_has_are_not_sent_again_and_equal_ones_once(self):
        concepts = Concepts()
        concepts.kept[digest(b"known")] = b"known"
        client = self.serve({UPLOAD: concepts})
        client.concepts.upload([b"known", b"new", b"new"])
        self.assertEqual(self.sent(), [0, 3])

    def test_an_upload_that_is_cut_is_repeated_with_the_same_request_id(self):
        big = os.urandom(3 << 20)
        concepts = Concepts(cuts=[1 << 20, 2 << 20])
        client = self.serve({UPLOAD: concepts})
        progress = []
        concept = client.concepts.upload([big, b"small"], progress=lambda done, all: progress.append((done, all)))
        self.assertEqual(concepts.kept[digest(big)], big)
        ids = {requests[0].header.request_id for requests in self.server.requests(UPLOAD)}
        self.assertEqual(len(ids), 1)
        self.assertEqual(list(concepts.created.values()), [concept.name])
        self.assertEqual(progress[-1], (len(big) + 5, len(big) + 5))
        self.assertEqual(concepts.cuts, [])

    def test_a_repetition_by_the_caller_creates_nothing_new(self):
        concepts = Concepts()
        client = self.serve({UPLOAD: concepts})
        first = client.concepts.upload([b"one", b"two"], request_id="0123456789abcdef")
        again = client.concepts.upload([b"one", b"two"], request_id="0123456789abcdef")
        self.assertEqual(first.name, again.name)

    def test_an_error_of_the_server_in_the_middle_is_raised(self):
        def refuse(requests, context):
            next(requests)
            fail(context, CODE.INVALID_ARGUMENT, "pictures[0]: is a TIFF picture", reason="INVALID_FIELD",
                 fields=[("pictures[0]", "is a TIFF picture")])

        with self.assertRaises(vico.InvalidArgument) as raised:
            self.serve({UPLOAD: refuse}).concepts.upload([os.urandom(8 << 20), b"b"])
        self.assertEqual(raised.exception.field_violations[0].field, "pictures[0]")

    def test_a_file_that_changes_during_the_upload_is_an_error_and_creates_nothing(self):
        path = self.folder / "a.png"
        path.write_bytes(b"before")
        concepts = Concepts()

        def change(requests, context):
            path.write_bytes(b"after!")
            return concepts(requests, context)

        with self.assertRaisesRegex(OSError, "a.png: the file changed"):
            self.serve({UPLOAD: change}).concepts.upload([path, b"other"])
        self.assertEqual(concepts.created, {})

    def test_what_is_no_picture_is_refused_before_the_call(self):
        client = self.serve({})
        for given, error, message in (
                (self.folder, ValueError, "holds no picture"), (self.folder / "no.png", FileNotFoundError, "no.png"),
                (7, TypeError, "got int"), ([b"a", None], TypeError, "got NoneType")):
            with self.assertRaisesRegex(error, message):
                client.concepts.upload(given)
        self.assertEqual(self.server.calls, [])

    def test_images_of_pillow_are_uploaded_as_png(self):
        try:
            import PIL.Image
        except ImportError:
            self.skipTest("without Pillow")
        concepts = Concepts()
        client = self.serve({UPLOAD: concepts})
        client.concepts.upload([PIL.Image.new(mode, (64, 64)) for mode in ("RGB", "CMYK", "L", "RGBA")])
        self.assertTrue(all(data.startswith(b"\x89PNG") for data in concepts.kept.values()))

    def test_names_of_files_become_plain(self):
        path = self.folder / "a\u202eb\n.png"
        path.write_bytes(b"x")
        concept = self.serve({UPLOAD: Concepts()}).concepts.upload([path, b"y"])
        self.assertEqual(concept.pictures[0].file_name, "a_b_.png")

    def test_an_import_sends_the_reference_and_then_the_file(self):
        (self.folder / "a.safetensors").write_bytes(b"weights")
        (self.folder / "r.png").write_bytes(b"reference")

        def take(requests, context):
            header = next(requests).header
            parts = [(r.chunk.reference, r.chunk.data) for r in requests]
            assert parts == [(True, b"reference"), (False, b"weights")], parts
            assert header.sha256 == digest(b"weights") and header.reference_size_bytes == 9
            return adapter_pb2.Adapter(name="adapters/1")

        client = self.serve({"AdapterService/ImportAdapter": take})
        adapter = client.adapters.import_file(self.folder / "a.safetensors", reference=self.folder / "r.png")
        self.assertEqual(adapter.name, "adapters/1")

    def adapter(self, chunks, data=b"weights"):
        def download(request, context):
            yield from chunks.pop(0)
            if chunks:
                fail(context, CODE.UNAVAILABLE, "cut")

        blob = {"sha256": digest(data), "size_bytes": len(data)}
        client = self.serve({
            "AdapterService/GetAdapter": lambda request, context: adapter_pb2.Adapter(name="adapters/1", blob=blob),
            "AdapterService/DownloadAdapter": download})
        return client.adapters.get("adapters/1")

    @staticmethod
    def parts(data, size=3):
        return [adapter_pb2.DownloadAdapterResponse(offset=at, data=data[at:at + size], last=at + size >= len(data))
                for at in range(0, len(data), size)]

    def test_a_download_that_is_cut_begins_again_and_leaves_nothing_else(self):
        parts = self.parts(b"weights")
        written = self.adapter([parts[:2], parts]).download(self.folder)
        self.assertEqual(written, self.folder / "1.safetensors")
        self.assertEqual(written.read_bytes(), b"weights")
        self.assertEqual(os.listdir(self.folder), ["1.safetensors"])
        self.assertEqual(written.stat().st_mode & 0o600, 0o600)

    def test_a_download_with_wrong_bytes_leaves_nothing(self):
        with self.assertRaises(vico.DataLoss):
            self.adapter([self.parts(b"weighty")]).download(self.folder / "new" / "a.safetensors")
        self.assertEqual(os.listdir(self.folder / "new"), [])

    def test_a_download_replaces_no_file_unless_it_must(self):
        path = self.folder / "mine.safetensors"
        path.write_bytes(b"mine")
        adapter = self.adapter([self.parts(b"weights")])
        with self.assertRaisesRegex(FileExistsError, "force=True"):
            adapter.download(path)
        self.assertNotIn("AdapterService/DownloadAdapter", [name for name, _, _ in self.server.calls])
        adapter.download(path, force=True)
        self.assertEqual(path.read_bytes(), b"weights")
        adapter.download(path)  # it is this adapter: no call
        self.assertEqual(len(self.server.requests("AdapterService/DownloadAdapter")), 1)

    def test_a_picture_is_downloaded_with_what_is_known_about_it(self):
        def download(request, context):
            assert request.thumbnail_side == 64 and request.format == picture_pb2.PICTURE_FORMAT_JPEG
            yield picture_pb2.DownloadPictureResponse(header={
                "media_type": "image/jpeg", "size_bytes": 4, "sha256": digest(b"jpeg"), "width": 64, "height": 48})
            for at, last in ((0, False), (2, True)):
                yield picture_pb2.DownloadPictureResponse(
                    chunk={"offset": at, "data": b"jpeg"[at:at + 2], "last": last})

        client = self.serve({"PictureService/DownloadPicture": download})
        known = vico.Picture("sample", name="jobs/1/samples/20", step=20, seed=5, job="jobs/1")
        small = client.pictures.download(known, thumbnail=64, format="jpeg")
        self.assertEqual((small.bytes, small.step, small.width, small.media_type), (b"jpeg", 20, 64, "image/jpeg"))
        by_name = client.pictures.download("concepts/1/pictures/0", thumbnail=64, format="jpeg")
        self.assertEqual(by_name.kind, "concept")

    def test_asyncio_uploads_and_repeats_after_a_cut(self):
        big = os.urandom(3 << 20)
        concepts = Concepts(cuts=[1 << 20])
        self.serve({UPLOAD: concepts})

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                return await client.concepts.upload([big, b"small"])

        self.assertEqual(asyncio.run(run()).name, "concepts/0")
        self.assertEqual(concepts.kept[digest(big)], big)

    def test_asyncio_repeats_an_upload_whose_status_is_lost_in_a_write(self):
        concepts = Concepts()
        self.serve({UPLOAD: concepts})
        error = grpc.aio.AioRpcError(CODE.INTERNAL, grpc.aio.Metadata(), grpc.aio.Metadata(),
                                     "Internal error from Core")
        writes = []

        class EndedCall:
            async def write(self, request):
                writes.append(request)
                raise error

            def __await__(self):
                raise error

            def cancel(self):
                pass

        channel_of, channels = AsyncioDriver._channel, []

        def channel(driver):
            channels.append(channel_of(driver))
            ended = mock.Mock(stream_unary=lambda *_: lambda **_: EndedCall())
            return ended if len(channels) == 1 else channels[-1]

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                return await client.concepts.upload([b"picture"])

        with mock.patch.object(AsyncioDriver, "_channel", channel):
            self.assertEqual(asyncio.run(run()).name, "concepts/0")
        self.assertEqual(len(writes), 1)

    def test_asyncio_raises_the_error_of_a_local_file(self):
        path = self.folder / "a.png"
        path.write_bytes(b"before")
        concepts = Concepts()

        def change(requests, context):
            path.write_bytes(b"after!")
            return concepts(requests, context)

        self.serve({UPLOAD: change})

        async def run():
            async with vico.AsyncClient(self.server.address) as client:
                await client.concepts.upload([path, b"other"])

        with self.assertRaisesRegex(OSError, "a.png: the file changed"):
            asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
