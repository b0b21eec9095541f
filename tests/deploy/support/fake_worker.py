"""A worker that computes nothing: it registers the name and tokenizer of the tiny base model, leases jobs and reports
what the test tells it to."""
import hashlib
import json
import uuid

import tools
from vico_api import call, message

from google.protobuf import json_format

BASE = tools.ROOT / "toyworld/base"


class FakeWorker:
    def __init__(self, channel, worker="fake"):
        self.channel = channel
        self.worker = worker

    def call(self, method, request, timeout=30):
        return call(self.channel, "WorkerService", method)(request, timeout=timeout)

    def put_blob(self, data, media_type, job="", lease_id=""):
        digest = hashlib.sha256(data).hexdigest()

        def parts():
            header = message("PutBlobRequest")
            header.header.blob.sha256, header.header.blob.size_bytes = digest, len(data)
            header.header.blob.media_type = media_type
            header.header.job, header.header.lease_id = job, lease_id
            yield header
            for at in range(0, len(data), 1 << 20):
                yield message("PutBlobRequest", data=data[at:at + (1 << 20)])
        return self.call("PutBlob", parts())

    def register(self):
        request = message("RegisterRequest", worker=self.worker, device="cpu", build_version="test")
        offered = request.base_models.add()
        offered.vocabulary.CopyFrom(self.put_blob((BASE / "tokenizer/vocab.json").read_bytes(), "application/json"))
        offered.merges.CopyFrom(self.put_blob((BASE / "tokenizer/merges.txt").read_bytes(), "text/plain"))
        defaults = json.loads((BASE / "vico.json").read_text())
        base = offered.base_model
        base.name, base.digest = "baseModels/toyworld", "0" * 64
        base.resolution = base.min_side = base.max_side = 64
        base.size_multiple, base.context_tokens = 8, 77
        json_format.ParseDict(defaults["training_defaults"], base.training_defaults)
        json_format.ParseDict(defaults["generation_defaults"], base.generation_defaults)
        self.call("Register", request)

    def lease(self, wait_seconds=10):
        """One leased job."""
        request = message("LeaseRequest", worker=self.worker, nonce=str(uuid.uuid4()))
        request.wait.seconds = wait_seconds
        jobs = self.call("Lease", request, timeout=wait_seconds + 20).jobs
        assert jobs, "no job was leased"
        return jobs[0]

    def report(self, leased, number, load=None, **progress):
        request = message("ReportRequest", job=leased.job, lease_id=leased.lease_id, report_number=number)
        json_format.ParseDict(load or {}, request.load)
        if progress:
            json_format.ParseDict(progress, request.events.add().progress)
        return self.call("Report", request).directive

    def finish(self, leased, **outcome):
        """`outcome` is one field of FinishRequest as JSON."""
        request = message("FinishRequest", job=leased.job, lease_id=leased.lease_id)
        json_format.ParseDict(outcome, request)
        return self.call("Finish", request).job


def submit_generation(channel, **fields):
    request = message("CreateGenerationJobRequest", request_id=str(uuid.uuid4()))
    request.generate.base_model, request.generate.prompt = "baseModels/toyworld", "a robot"
    json_format.ParseDict(fields, request.generate)
    return request
