#include "server/access/method_roles.h"

#include <algorithm>

#include "common/status.h"

namespace vico::server {

const std::vector<MethodRoles>& MethodTable() {
  constexpr Roles kTenant{Role::kUser, Role::kTenantAdmin};
  constexpr Roles kTenantAdmin{Role::kTenantAdmin};
  constexpr Roles kWorker{Role::kWorker};
  constexpr Roles kOperator{Role::kOperator};
  static const std::vector<MethodRoles> table = {
      {"ConceptService", "UploadConcept", kTenant},
      {"ConceptService", "GetConcept", kTenant},
      {"ConceptService", "ListConcepts", kTenant},
      {"ConceptService", "UpdateConcept", kTenant},
      {"ConceptService", "DeleteConcept", kTenant},
      {"JobService", "CreateTrainingJob", kTenant},
      {"JobService", "CreateGenerationJob", kTenant},
      {"JobService", "CreateEvaluationJob", kTenant},
      {"JobService", "ContinueTraining", kTenant},
      {"JobService", "Generate", kTenant},
      {"JobService", "GetJob", kTenant},
      {"JobService", "ListJobs", kTenant},
      {"JobService", "WatchJob", kTenant},
      {"JobService", "WatchJobs", kTenant},
      {"JobService", "UpdateJob", kTenant},
      {"JobService", "CancelJob", kTenant},
      {"JobService", "CancelJobs", kTenant},
      {"JobService", "FinishTraining", kTenant},
      {"JobService", "RetryJob", kTenant},
      {"JobService", "DeleteJob", kTenant},
      {"AdapterService", "GetAdapter", kTenant},
      {"AdapterService", "ListAdapters", kTenant},
      {"AdapterService", "DownloadAdapter", kTenant},
      {"AdapterService", "ImportAdapter", kTenant},
      {"AdapterService", "GetAdapterReport", kTenant},
      {"AdapterService", "UpdateAdapter", kTenant},
      {"AdapterService", "DeleteAdapter", kTenant},
      {"ModelService", "ListBaseModels", kTenant},
      {"ModelService", "GetBaseModel", kTenant},
      {"ModelService", "CheckWord", kTenant},
      {"ModelService", "GetCapabilities", kTenant},
      {"PictureService", "DownloadPicture", kTenant},
      {"PictureService", "UploadPicture", kTenant},
      {"PictureService", "DeletePicture", kTenant},
      {"KeyService", "CreateKey", kTenantAdmin},
      {"KeyService", "ListKeys", kTenantAdmin},
      {"KeyService", "RevokeKey", kTenantAdmin},
      // On the workers' listener.
      {"WorkerService", "Register", kWorker},
      {"WorkerService", "Lease", kWorker},
      {"WorkerService", "Report", kWorker},
      {"WorkerService", "Finish", kWorker},
      {"WorkerService", "GetBlob", kWorker},
      {"WorkerService", "PutBlob", kWorker},
      {"AdminService", "CreateTenant", kOperator},
      {"AdminService", "ListTenants", kOperator},
      {"AdminService", "DeleteTenant", kOperator},
      {"AdminService", "ListWorkers", kOperator},
      {"AdminService", "GetQueue", kOperator},
      {"AdminService", "DrainWorker", kOperator},
  };
  return table;
}

absl::Status CheckRole(Roles roles, std::string_view method) {
  const auto& table = MethodTable();
  const bool allowed = std::any_of(table.begin(), table.end(), [&](const MethodRoles& entry) {
    return entry.method == method && entry.roles.Meets(roles);
  });
  if (allowed) return absl::OkStatus();
  return Error(absl::StatusCode::kPermissionDenied, "the caller's role does not allow this method",
               "ROLE_MISSING");
}

}  // namespace vico::server
