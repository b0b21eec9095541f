#include "server/jobs/job_kinds.h"

namespace vico::server {

std::string_view KindName(v1::JobKind kind) {
  switch (kind) {
    case v1::JOB_KIND_TRAINING:
      return "training";
    case v1::JOB_KIND_GENERATION:
      return "generation";
    case v1::JOB_KIND_EVALUATION:
      return "evaluation";
    default:
      return "";
  }
}

std::string_view KindWithArticle(v1::JobKind kind) {
  switch (kind) {
    case v1::JOB_KIND_TRAINING:
      return "a training";
    case v1::JOB_KIND_GENERATION:
      return "a generation";
    case v1::JOB_KIND_EVALUATION:
      return "an evaluation";
    default:
      return "a job";
  }
}

v1::JobKind KindFromName(std::string_view name) {
  for (const v1::JobKind kind : kJobKinds) {
    if (KindName(kind) == name) return kind;
  }
  return v1::JOB_KIND_UNSPECIFIED;
}

}  // namespace vico::server
