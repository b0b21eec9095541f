"""A gRPC server in this process, whose methods are Python functions."""
import concurrent.futures

import grpc
from google.protobuf import any_pb2

from vico import _methods
from vico._google.rpc import error_details_pb2, status_pb2
from vico.v1 import job_pb2

METHODS = {m.name: m for m in vars(_methods).values() if isinstance(m, _methods.Method)}


def fail(context, code, message="", *, reason="", fields=(), retry_after=None):
    """Ends a call as Vico's server does: with details in the trailers."""
    status = status_pb2.Status(code=code.value[0], message=message)

    def add(detail):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)

    if reason:
        add(error_details_pb2.ErrorInfo(reason=reason))
    if fields:
        bad = error_details_pb2.BadRequest()
        for field, description in fields:
            bad.field_violations.add(field=field, description=description)
        add(bad)
    if retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.nanos = int(retry_after * 1e9)
        add(retry)
    if status.details:
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)


class FakeServer:
    """`methods` has a function (request, context) for each name, as "JobService/GetJob"; a stream of requests
    is an iterator, and a stream of responses is returned as one. Calls are recorded in `calls`."""

    def __init__(self, methods, port=0):
        self.methods = methods
        self.calls = []  # (name, request or list of requests, metadata)
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(16),
                                   options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((_Handler(self),))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        assert self.port, "the port is taken"
        self._server.start()
        self.address = f"127.0.0.1:{self.port}"

    def stop(self):
        self._server.stop(0).wait()

    def requests(self, name):
        return [request for called, request, _ in self.calls if called == name]


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, server):
        self._server = server

    def service(self, details):
        name = details.method.removeprefix("/vico.v1.")
        method, function = METHODS.get(name), self._server.methods.get(name)
        if method is None or function is None:
            return None
        codec = {"request_deserializer": method.request.FromString,
                 "response_serializer": method.response.SerializeToString}
        metadata = dict(details.invocation_metadata)

        def one(request, context):
            self._server.calls.append((name, request, metadata))
            return function(request, context)

        def many(requests, context):
            received = []
            self._server.calls.append((name, received, metadata))
            return function(_recorded(requests, received), context)

        if name.split("/")[1] in ("UploadConcept", "ImportAdapter", "UploadPicture"):
            return grpc.stream_unary_rpc_method_handler(many, **codec)
        if name.split("/")[1] in ("WatchJob", "WatchJobs", "DownloadPicture", "DownloadAdapter"):
            return grpc.unary_stream_rpc_method_handler(one, **codec)
        return grpc.unary_unary_rpc_method_handler(one, **codec)


def _recorded(requests, received):
    for request in requests:
        received.append(request)
        yield request


def job(name="jobs/1", state=job_pb2.JOB_STATE_RUNNING, **fields):
    """A training, unless `kind` says otherwise."""
    fields.setdefault("kind", job_pb2.JOB_KIND_TRAINING)
    return job_pb2.Job(name=name, state=state, **fields)

