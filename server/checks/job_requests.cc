#include "server/checks/job_requests.h"

#include <string>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/checks/request.h"

namespace vico::server {
namespace {

constexpr int kMaxFilterEntries = 20;

template <typename Enum, typename Numbers>
void AddEnums(const std::string& field, const Numbers& numbers, std::vector<Enum>& to,
              FieldErrors& errors) {
  if (numbers.size() > kMaxFilterEntries) {
    errors.Add(field, fmt::format("must be at most {}, got {}", kMaxFilterEntries, numbers.size()));
    return;
  }
  for (int i = 0; i < numbers.size(); ++i) {
    const auto value = static_cast<Enum>(numbers.Get(i));
    const std::string path = fmt::format("{}[{}]", field, i);
    const absl::Status known = CheckEnum(path, value);
    errors.Add(known);
    if (known.ok() && static_cast<int>(value) == 0) errors.Add(path, "must not be unspecified");
    to.push_back(value);
  }
}

void AddFilter(const std::string& field, const v1::JobFilter& filter, JobFilter& to,
               FieldErrors& errors) {
  AddEnums(field + ".kinds", filter.kinds(), to.kinds, errors);
  AddEnums(field + ".states", filter.states(), to.states, errors);
  if (!filter.concept_name().empty()) {
    errors.Add(IdInName(field + ".concept_name", "concepts", filter.concept_name()).status());
  }
  if (!filter.adapter().empty()) {
    errors.Add(IdInName(field + ".adapter", "adapters", filter.adapter()).status());
  }
  to.concept_name = filter.concept_name();
  to.adapter = filter.adapter();
  if (filter.has_created_after()) to.created_after = FromProto(filter.created_after());
  if (filter.has_created_before()) to.created_before = FromProto(filter.created_before());
}

}  // namespace

absl::StatusOr<JobFilter> CheckJobFilter(std::string_view field, const v1::JobFilter& filter) {
  JobFilter checked;
  FieldErrors errors;
  AddFilter(std::string(field), filter, checked, errors);
  RETURN_IF_ERROR(errors.status());
  return checked;
}

absl::StatusOr<JobFilter> CheckListJobs(const v1::ListJobsRequest& request) {
  JobFilter checked;
  FieldErrors errors;
  errors.Add(CheckPageSize(request.page_size()).status());
  AddFilter("filter", request.filter(), checked, errors);
  errors.Add(CheckEnum("kind", request.kind()));
  if (request.kind() != v1::JOB_KIND_UNSPECIFIED) {
    if (!checked.kinds.empty()) errors.Add("kind", "must be left out if filter.kinds is set");
    checked.kinds.push_back(request.kind());
  }
  if (!request.states().empty() && !checked.states.empty()) {
    errors.Add("states", "must be left out if filter.states is set");
  }
  AddEnums("states", request.states(), checked.states, errors);
  RETURN_IF_ERROR(errors.status());
  return checked;
}

absl::StatusOr<JobFilter> CheckCancelJobs(const v1::CancelJobsRequest& request) {
  if (request.has_filter() == !request.names().empty()) {
    return FieldError("names", "either names or filter must be given, and not both");
  }
  if (request.names_size() > kMaxCancelled) {
    return FieldError(
        "names", fmt::format("must be at most {}, got {}", kMaxCancelled, request.names_size()));
  }
  JobFilter checked;
  FieldErrors errors;
  for (int i = 0; i < request.names_size(); ++i) {
    errors.Add(IdInName(fmt::format("names[{}]", i), "jobs", request.names(i)).status());
  }
  AddFilter("filter", request.filter(), checked, errors);
  RETURN_IF_ERROR(errors.status());
  return checked;
}

absl::StatusOr<JobFilter> CheckWatchJobs(const v1::WatchJobsRequest& request) {
  JobFilter checked;
  FieldErrors errors;
  AddFilter("filter", request.filter(), checked, errors);
  errors.Add(CheckBounds({"initial_jobs", 0, kMaxInitialJobs}, request.initial_jobs()));
  if (!request.cursor().empty() && request.initial_jobs() != 0) {
    errors.Add("initial_jobs", "must be left out if a cursor is given");
  }
  RETURN_IF_ERROR(errors.status());
  return checked;
}

absl::Status CheckThumbnail(const v1::DownloadPictureRequest& request) {
  FieldErrors errors;
  const bool whole = request.thumbnail_side() == 0;
  if (!whole) errors.Add(CheckBounds(kThumbnailSide, request.thumbnail_side()));
  errors.Add(CheckEnum("format", request.format()));
  if (whole && request.format() == v1::PICTURE_FORMAT_JPEG) {
    errors.Add("format", "JPEG is for thumbnails: give thumbnail_side");
  }
  return errors.status();
}

}  // namespace vico::server
