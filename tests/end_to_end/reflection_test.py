"""Lists and describes Vico's services through gRPC reflection alone, calls one of them with messages
built from the descriptors, and queries the health service. Usage: reflection_test.py HOST:PORT
"""
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase)

EXPECTED = {
    "vico.v1.AdapterService": {"GetAdapter", "ListAdapters", "DownloadAdapter", "ImportAdapter",
                               "GetAdapterReport", "UpdateAdapter", "DeleteAdapter"},
    "vico.v1.ConceptService": {"UploadConcept", "GetConcept", "ListConcepts", "UpdateConcept",
                               "DeleteConcept"},
    "vico.v1.JobService": {"CreateTrainingJob", "CreateGenerationJob", "CreateEvaluationJob",
                           "ContinueTraining", "Generate", "GetJob",
                           "ListJobs", "WatchJob", "WatchJobs", "UpdateJob", "CancelJob",
                           "CancelJobs", "FinishTraining", "RetryJob", "DeleteJob"},
    "vico.v1.ModelService": {"ListBaseModels", "GetBaseModel", "CheckWord", "GetCapabilities"},
    "vico.v1.PictureService": {"DownloadPicture", "UploadPicture", "DeletePicture"},
}


def main(address):
    channel = grpc.insecure_channel(address)
    reflection = ProtoReflectionDescriptorDatabase(channel)
    pool = descriptor_pool.DescriptorPool(reflection)

    names = set(reflection.get_services())
    print("services:", ", ".join(sorted(names)))
    assert set(EXPECTED) <= names, set(EXPECTED) - names
    assert "vico.v1.WorkerService" not in names, "the client listener must not serve WorkerService"
    for name, methods in EXPECTED.items():
        described = {method.name for method in pool.FindServiceByName(name).methods}
        print(f"{name}: {', '.join(sorted(described))}")
        assert described == methods, described ^ methods

    method = pool.FindServiceByName("vico.v1.ModelService").FindMethodByName("GetCapabilities")
    request_class, answer_class = (message_factory.GetMessageClass(kind)
                                   for kind in (method.input_type, method.output_type))
    call = channel.unary_unary("/vico.v1.ModelService/GetCapabilities",
                               request_serializer=request_class.SerializeToString,
                               response_deserializer=answer_class.FromString)
    answer = call(request_class(), timeout=10)
    print("limits:", ", ".join(sorted(answer.limits)))
    assert answer.limits["train.steps"].min == 1, answer

    health = health_pb2_grpc.HealthStub(channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    for service in ("", *EXPECTED):
        status = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status
        print(f"health of {service or 'the server'}: {'SERVING' if status == serving else status}")
        assert status == serving, (service, status)
    # No worker is connected.
    status = health.Check(health_pb2.HealthCheckRequest(service="vico.worker"), timeout=10).status
    assert status == health_pb2.HealthCheckResponse.NOT_SERVING, status


if __name__ == "__main__":
    main(sys.argv[1])
