// From the spec as asked to the spec as queued: finds what it names, then checks and completes it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include <absl/status/statusor.h>

#include "server/checks/request.h"
#include "server/services/stores.h"

namespace vico::server {

/// Any thread. Errors name the field, also where what it names is not there (kNotFound).
class SpecCheck {
 public:
  /// `draw_seed` gives 64 random bits; any thread.
  SpecCheck(Stores& stores, std::function<uint64_t()> draw_seed)
      : stores_(stores), draw_seed_(std::move(draw_seed)) {}

  absl::StatusOr<CheckedSpec> Train(std::string_view tenant, const v1::TrainSpec& spec) const;
  absl::StatusOr<CheckedSpec> Generate(std::string_view tenant, const v1::GenerateSpec& spec) const;
  absl::StatusOr<CheckedSpec> Either(std::string_view tenant, const v1::JobSpec& spec) const;

 private:
  absl::StatusOr<v1::OfferedBaseModel> FindBaseModel(std::string_view field,
                                                     std::string_view name) const;

  Stores& stores_;
  const std::function<uint64_t()> draw_seed_;
};

/// kNotFound with a message that names `field` in place of a store's own; other errors stay.
absl::Status NameMissing(std::string_view field, std::string_view name, absl::Status status);

}  // namespace vico::server
