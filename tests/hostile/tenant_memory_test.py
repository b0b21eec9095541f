"""Traffic with a key that makes the server hold memory: long lists, downloads, watches and uploads that nobody reads or
completes. A tenant's traffic costs a bounded amount, and so do two tenants and two peers without a key together, while
health and another tenant are answered. Usage: tenant_memory_test.py VICO_SERVER [SECONDS]; with less than a second it
tries the worst mix only."""
import gzip
import hashlib
import unittest
import uuid

from server_memory import MIB, OF_A_TENANT, OF_THE_SERVER, SECONDS, MemoryTestCase, Server, Watcher, vico_api, with_key

import fake_worker
import grpc
import hoarders
from google.protobuf import json_format
from http2_peer import Peer, message, method

LISTS = method("ConceptService", "ListConcepts")
DOWNLOAD = method("AdapterService", "DownloadAdapter")
WATCH = method("JobService", "WatchJob")
UPLOAD = method("ConceptService", "UploadConcept")
CAPABILITIES = method("ModelService", "GetCapabilities")
INVALID_ARGUMENT, UNIMPLEMENTED = 3, 12
A, B, C, D = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
# What a tenant costs in each way, at least: less shows that the server refused the traffic for another reason.
LEAST = {"lists": 24 * MIB, "stuck_lists": 24 * MIB, "downloads": 12 * MIB, "stuck_downloads": 12 * MIB,
         "watches": 2 * MIB, "stuck_watches": 2 * MIB, "uploads": 64 * MIB}
only_long = unittest.skipIf(SECONDS < 1, "for runs of a second or more")


class Tenant:
    """A tenant with a list, an adapter and a job's pictures that are as large as they may be, or large enough."""

    def __init__(self, server, worker, name):
        self.key = server.tenant(name)
        self._channel = grpc.insecure_channel(server.address)
        self._worker = worker
        self._fill_list()
        self._make_adapter()
        self._make_pictures()
        self._channel.close()

    def _call(self, service, name, request):
        return vico_api.call(self._channel, service, name)(request, metadata=with_key(self.key), timeout=60)

    def _fill_list(self):
        """100 concepts of 20 pictures with the longest names. The pictures are two, sent once."""
        pictures = [vico_api.noise_png(64, 64, seed) for seed in range(2)]
        self._call("ConceptService", "UploadConcept", vico_api.upload_parts(pictures))
        for _ in range(100):
            header = vico_api.message("UploadConceptRequest")
            header.header.request_id = str(uuid.uuid4())
            for i in range(20):
                picture = pictures[i % 2]
                header.header.pictures.add(sha256=hashlib.sha256(picture).hexdigest(), size_bytes=len(picture),
                                           file_name="\U0001f436" * 255)
            self.concept = self._call("ConceptService", "UploadConcept", iter([header])).uploaded_concept.name
        self.list = vico_api.message("ListConceptsRequest", page_size=100)
        print(f"a list has {self._call('ConceptService', 'ListConcepts', self.list).ByteSize() / 1e6:.1f} MB", flush=True)

    def _blob(self, size, media_type, leased):
        blob = self._worker.put_blob(hashlib.shake_128(uuid.uuid4().bytes).digest(size), media_type, leased.job,
                                     leased.lease_id)
        return json_format.MessageToDict(blob)

    def _make_adapter(self):
        request = vico_api.message("CreateTrainingJobRequest", request_id=str(uuid.uuid4()))
        request.train.concept_name, request.train.init_word = self.concept, "robot"
        self._call("JobService", "CreateTrainingJob", request)
        leased = self._worker.lease()
        job = self._worker.finish(leased, trained={"adapter": self._blob(4 * MIB, "application/octet-stream", leased),
                                                   "reference": self._blob(MIB, "image/png", leased)})
        self.download = vico_api.message("DownloadAdapterRequest", name=job.adapter)

    def _make_pictures(self):
        self._call("JobService", "CreateGenerationJob", fake_worker.submit_generation(self._channel, picture_count=8))
        leased = self._worker.lease()
        report = vico_api.message("ReportRequest", job=leased.job, lease_id=leased.lease_id, report_number=1)
        pictures = [{"index": i, "blob": self._blob(MIB, "image/png", leased), "width": 64, "height": 64}
                    for i in range(8)]
        for picture in pictures:
            json_format.ParseDict(picture, report.events.add().picture)
        self._worker.call("Report", report)
        self._worker.finish(leased, generated={"pictures": pictures})
        self.watch = vico_api.message("WatchJobRequest", name=leased.job, include_pictures=True)


def upload_header():
    """The first message of an upload of two pictures of 10 MiB."""
    header = vico_api.message("UploadConceptRequest")
    header.header.request_id = str(uuid.uuid4())
    for _ in range(2):
        header.header.pictures.add(sha256=hashlib.sha256(uuid.uuid4().bytes).hexdigest(), size_bytes=10 * MIB)
    return header


def chunk(data):
    part = vico_api.message("UploadConceptRequest")
    part.chunk.data = data
    return part


class TenantMemoryTest(MemoryTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        with grpc.insecure_channel(cls.server.worker_address) as channel:
            worker = fake_worker.FakeWorker(channel)
            worker.register()
            cls.acme, cls.evil = (Tenant(cls.server, worker, name) for name in ("acme", "evil"))
        cls.other = cls.server.tenant("other")

    def setUp(self):
        self.server.restart()
        self.port = self.server.ports["client_port"]

    # Each takes memory in one way, in the name of one tenant.

    def lists(self, tenant, source, calls=400):
        return hoarders.unread(self.port, source, LISTS, tenant.list, calls, tenant.key)

    def stuck_lists(self, tenant, source, calls=400):
        return hoarders.stuck(self.port, source, LISTS, tenant.list, calls, tenant.key)

    def downloads(self, tenant, source):
        return hoarders.unread_stream(self.port, source, DOWNLOAD, tenant.download, 1200, tenant.key)

    def stuck_downloads(self, tenant, source):
        return hoarders.stuck(self.port, source, DOWNLOAD, tenant.download, 1200, tenant.key)

    def watches(self, tenant, source):
        return hoarders.unread_stream(self.port, source, WATCH, tenant.watch, 100, tenant.key)

    def stuck_watches(self, tenant, source):
        return hoarders.stuck(self.port, source, WATCH, tenant.watch, 100, tenant.key)

    def uploads(self, tenant, source):
        return hoarders.unfinished_uploads(self.port, source, tenant.key, 40, upload_header,
                                           [chunk(bytes(MIB))] * 10)

    def hold(self, what, least, most, *hoards):
        peers = []
        with Watcher(self.server, self.other) as watcher:
            for hoard in hoards:
                peers += hoard()
            watcher.settle()
            hoarders.close(peers)
        self.check(what, watcher, most)
        self.assertGreater(watcher.grown, least)

    @only_long
    def test_one_tenant(self):
        for name, least in LEAST.items():
            with self.subTest(name):
                self.setUp()
                self.hold(f"{name} of a tenant", least, OF_A_TENANT, lambda: getattr(self, name)(self.acme, A))

    @only_long
    def test_all_of_one_tenant_at_once(self):
        self.hold("all of these of a tenant at once", LEAST["uploads"], OF_A_TENANT,
                  lambda: self.uploads(self.acme, A), lambda: self.stuck_downloads(self.acme, A),
                  lambda: self.downloads(self.acme, A), lambda: self.watches(self.acme, A),
                  lambda: self.stuck_lists(self.acme, A), lambda: self.lists(self.acme, A))

    def test_worst_mix(self):
        def anonymous(source, path):
            return lambda: hoarders.unfinished_messages(self.port, path, MIB, source)

        of_tenants = [(lambda hoard=hoard, tenant=tenant, source=source: hoard(tenant, source))
                      for hoard in (self.uploads, self.stuck_downloads, self.watches, self.stuck_lists, self.lists)
                      for tenant, source in ((self.acme, A), (self.evil, B))]
        self.hold("two tenants and two peers without a key, all at once", LEAST["uploads"], OF_THE_SERVER,
                  *of_tenants,
                  anonymous(C, UPLOAD), anonymous(D, CAPABILITIES),
                  lambda: hoarders.calls_without_message(self.port, CAPABILITIES, D))

    def test_messages_compressed_later_in_an_upload(self):
        packed = gzip.compress(b"\0" * (400 * MIB), 6)
        with Watcher(self.server, self.other) as watcher:
            for headers in ({"grpc_encoding": "gzip"}, {"grpc_encoding": "identity"}, {}):
                with Peer(self.port) as peer:
                    stream = peer.open(UPLOAD, authorization=f"Bearer {self.acme.key}", **headers)
                    peer.write_all(stream, message(upload_header().SerializeToString()))
                    peer.write_all(stream, message(packed, 1), end=True)
                    self.assertTrue(peer.wait(stream), headers)
                    self.assertIn(peer.status(stream), (INVALID_ARGUMENT, UNIMPLEMENTED), headers)
        self.check("a compressed second message of an upload", watcher, 32 * MIB)


if __name__ == "__main__":
    unittest.main()
