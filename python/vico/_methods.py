"""The methods of the API that clients call. gRPC's generated stubs carry no types, so that this table
stands in their place; tests/python/surface_test.py compares it with the services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf import empty_pb2
from google.protobuf.message import Message

from vico.v1 import adapter_pb2 as adapters
from vico.v1 import admin_pb2 as admin
from vico.v1 import concept_pb2 as concepts
from vico.v1 import job_pb2 as job
from vico.v1 import job_service_pb2 as jobs
from vico.v1 import model_pb2 as models
from vico.v1 import picture_pb2 as pictures

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    """A method with its messages."""

    name: str  #: "JobService/GetJob"
    request: type[Request]
    response: type[Response]

    @property
    def path(self) -> str:
        return f"/vico.v1.{self.name}"


UPLOAD_CONCEPT = Method(
    "ConceptService/UploadConcept", concepts.UploadConceptRequest, concepts.UploadConceptResponse
)
GET_CONCEPT = Method("ConceptService/GetConcept", concepts.GetConceptRequest, concepts.Concept)
LIST_CONCEPTS = Method(
    "ConceptService/ListConcepts", concepts.ListConceptsRequest, concepts.ListConceptsResponse
)
UPDATE_CONCEPT = Method("ConceptService/UpdateConcept", concepts.UpdateConceptRequest, concepts.Concept)
DELETE_CONCEPT = Method("ConceptService/DeleteConcept", concepts.DeleteConceptRequest, empty_pb2.Empty)

CREATE_TRAINING_JOB = Method("JobService/CreateTrainingJob", jobs.CreateTrainingJobRequest, job.Job)
CREATE_GENERATION_JOB = Method("JobService/CreateGenerationJob", jobs.CreateGenerationJobRequest, job.Job)
CREATE_EVALUATION_JOB = Method("JobService/CreateEvaluationJob", jobs.CreateEvaluationJobRequest, job.Job)
CONTINUE_TRAINING = Method("JobService/ContinueTraining", jobs.ContinueTrainingRequest, job.Job)
GET_JOB = Method("JobService/GetJob", jobs.GetJobRequest, job.Job)
LIST_JOBS = Method("JobService/ListJobs", jobs.ListJobsRequest, jobs.ListJobsResponse)
WATCH_JOB = Method("JobService/WatchJob", jobs.WatchJobRequest, jobs.WatchJobResponse)
WATCH_JOBS = Method("JobService/WatchJobs", jobs.WatchJobsRequest, jobs.WatchJobsResponse)
UPDATE_JOB = Method("JobService/UpdateJob", jobs.UpdateJobRequest, job.Job)
CANCEL_JOB = Method("JobService/CancelJob", jobs.CancelJobRequest, job.Job)
CANCEL_JOBS = Method("JobService/CancelJobs", jobs.CancelJobsRequest, jobs.CancelJobsResponse)
FINISH_TRAINING = Method("JobService/FinishTraining", jobs.FinishTrainingRequest, job.Job)
RETRY_JOB = Method("JobService/RetryJob", jobs.RetryJobRequest, job.Job)
DELETE_JOB = Method("JobService/DeleteJob", jobs.DeleteJobRequest, empty_pb2.Empty)

GET_ADAPTER = Method("AdapterService/GetAdapter", adapters.GetAdapterRequest, adapters.Adapter)
LIST_ADAPTERS = Method(
    "AdapterService/ListAdapters", adapters.ListAdaptersRequest, adapters.ListAdaptersResponse
)
DOWNLOAD_ADAPTER = Method(
    "AdapterService/DownloadAdapter", adapters.DownloadAdapterRequest, adapters.DownloadAdapterResponse
)
IMPORT_ADAPTER = Method("AdapterService/ImportAdapter", adapters.ImportAdapterRequest, adapters.Adapter)
GET_ADAPTER_REPORT = Method(
    "AdapterService/GetAdapterReport", adapters.GetAdapterReportRequest, adapters.AdapterReport
)
UPDATE_ADAPTER = Method("AdapterService/UpdateAdapter", adapters.UpdateAdapterRequest, adapters.Adapter)
DELETE_ADAPTER = Method("AdapterService/DeleteAdapter", adapters.DeleteAdapterRequest, empty_pb2.Empty)

LIST_BASE_MODELS = Method(
    "ModelService/ListBaseModels", models.ListBaseModelsRequest, models.ListBaseModelsResponse
)
GET_BASE_MODEL = Method("ModelService/GetBaseModel", models.GetBaseModelRequest, models.BaseModel)
CHECK_WORD = Method("ModelService/CheckWord", models.CheckWordRequest, models.CheckWordResponse)
GET_CAPABILITIES = Method(
    "ModelService/GetCapabilities", models.GetCapabilitiesRequest, models.Capabilities
)

DOWNLOAD_PICTURE = Method(
    "PictureService/DownloadPicture", pictures.DownloadPictureRequest, pictures.DownloadPictureResponse
)

UPLOAD_PICTURE = Method(
    "PictureService/UploadPicture", pictures.UploadPictureRequest, pictures.UploadPictureResponse
)
DELETE_PICTURE = Method("PictureService/DeletePicture", pictures.DeletePictureRequest, empty_pb2.Empty)

# At the clients' address, for a tenant's administrators.
CREATE_KEY = Method("KeyService/CreateKey", admin.CreateKeyRequest, admin.CreateKeyResponse)
LIST_KEYS = Method("KeyService/ListKeys", admin.ListKeysRequest, admin.ListKeysResponse)
REVOKE_KEY = Method("KeyService/RevokeKey", admin.RevokeKeyRequest, admin.ApiKey)

# At the workers' address, for operators.
CREATE_TENANT = Method("AdminService/CreateTenant", admin.CreateTenantRequest, admin.Tenant)
LIST_TENANTS = Method("AdminService/ListTenants", admin.ListTenantsRequest, admin.ListTenantsResponse)
DELETE_TENANT = Method("AdminService/DeleteTenant", admin.DeleteTenantRequest, admin.Tenant)
LIST_WORKERS = Method("AdminService/ListWorkers", admin.ListWorkersRequest, admin.ListWorkersResponse)
GET_QUEUE = Method("AdminService/GetQueue", admin.GetQueueRequest, admin.Queue)
DRAIN_WORKER = Method("AdminService/DrainWorker", admin.DrainWorkerRequest, admin.Worker)
