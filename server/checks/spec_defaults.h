// Chooses each field of a complete spec: the requested value, else the base model's default, else
// the paper's.
#pragma once

#include <type_traits>

#include <absl/status/statusor.h>

#include "common/field_errors.h"
#include "common/status.h"
#include "server/checks/request.h"

namespace vico::server {

/// The requested value, else the base model's default, else the paper's; checked.
template <typename Number>
absl::StatusOr<Number> Choose(const Bounds& bounds, bool requested, Number value, bool has_default,
                              Number base_default, Number paper_default) {
  const Number chosen = requested ? value : has_default ? base_default : paper_default;
  RETURN_IF_ERROR(CheckBounds(bounds, static_cast<double>(chosen)));
  return chosen;
}

/// The same for an enum, whose value 0 means unspecified.
template <typename Enum>
Enum ChooseName(Enum requested, Enum base_default, Enum paper_default) {
  return requested != Enum{} ? requested : base_default != Enum{} ? base_default : paper_default;
}

/// Sets `field` of a complete spec, or adds to `errors` why it cannot.
#define VICO_CHOOSE(errors, to, requested, defaults, field, bounds, paper)     \
  do {                                                                         \
    using Number = std::decay_t<decltype((requested).field())>;                \
    const absl::StatusOr<Number> chosen =                                      \
        Choose<Number>(bounds, (requested).has_##field(), (requested).field(), \
                       (defaults).has_##field(), (defaults).field(), paper);   \
    (errors).Add(chosen.status());                                             \
    if (chosen.ok()) (to).set_##field(*chosen);                                \
  } while (false)

}  // namespace vico::server
