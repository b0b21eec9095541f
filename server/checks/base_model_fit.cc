#include "server/checks/base_model_fit.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/status.h"
#include "server/checks/request.h"

namespace vico::server {
namespace {

absl::Status Differs(const v1::Adapter& adapter, std::string_view why) {
  return Error(absl::StatusCode::kFailedPrecondition, fmt::format("{}: {}", adapter.name(), why),
               "BASE_MODEL_DIFFERS");
}

/// Empty if no base model has the digest, or its worker did not tell.
std::string ShapeOf(std::string_view digest, std::span<const v1::OfferedBaseModel> known) {
  const auto found = std::ranges::find_if(known, [&](const v1::OfferedBaseModel& offered) {
    return offered.base_model().digest() == digest && !offered.base_model().shape_digest().empty();
  });
  return found == known.end() ? "" : found->base_model().shape_digest();
}

}  // namespace

absl::StatusOr<std::optional<v1::Event::Warning>> FitOfBaseModel(
    const v1::Adapter& adapter, const v1::BaseModel& base_model,
    std::span<const v1::OfferedBaseModel> known) {
  if (adapter.base_model_digest() == base_model.digest()) return std::nullopt;
  // A base model that has changed under its name is not what the client asked for.
  if (base_model.name() == adapter.base_model()) {
    return Differs(adapter, fmt::format("was made for another base model than the {} on offer",
                                        base_model.name()));
  }
  const std::string own = ShapeOf(adapter.base_model_digest(), known);
  if (own.empty() || base_model.shape_digest().empty()) {
    return Differs(
        adapter, fmt::format("the sizes of the networks of {} are not known, so it may not fit {}",
                             own.empty() ? adapter.base_model() : base_model.name(),
                             own.empty() ? base_model.name() : "the adapter"));
  }
  if (own != base_model.shape_digest()) {
    return Differs(adapter,
                   fmt::format("was made for {}, whose networks have other sizes than those of {}",
                               adapter.base_model(), base_model.name()));
  }
  return WarningOf(
      "OTHER_BASE_MODEL",
      fmt::format("the adapter was trained on {} ({}) and is used with {} ({}): it may "
                  "show the thing less well",
                  adapter.base_model(), adapter.base_model_digest(), base_model.name(),
                  base_model.digest()));
}

}  // namespace vico::server
