#include "client/cli/resolve_names.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::string_view kLast = "@last";
constexpr std::size_t kIdLetters = 32;
constexpr std::size_t kFewestLetters = 4;
constexpr std::size_t kSearched = 1000;
constexpr std::size_t kShownMatches = 5;

template <typename Item>
absl::StatusOr<std::vector<std::string>> NamesOf(const absl::StatusOr<Listing<Item>>& listing) {
  RETURN_IF_ERROR(listing.status());
  std::vector<std::string> names;
  names.reserve(listing->items.size());
  for (const Item& item : listing->items) names.push_back(item.name());
  return names;
}

absl::StatusOr<std::string> Newest(Client& client, const std::string& collection) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NewestNames(client, collection, 1));
  if (names.empty()) return absl::NotFoundError(fmt::format("@last: there are no {}", collection));
  return names[0];
}

absl::StatusOr<std::string> OnlyMatch(Client& client, const std::string& collection,
                                      const std::string& name) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, NewestNames(client, collection, kSearched));
  std::erase_if(names, [&](const std::string& other) { return !other.starts_with(name); });
  if (names.empty()) return name;
  if (names.size() == 1) return names[0];
  const std::size_t count = names.size();
  names.resize(std::min(count, kShownMatches));
  return absl::InvalidArgumentError(fmt::format("{}: {} {} start with these letters: {}{}", name,
                                                count, collection, fmt::join(names, ", "),
                                                count > kShownMatches ? ", …" : ""));
}

bool IsStartOfId(std::string_view id) {
  return id.size() >= kFewestLetters && id.size() < kIdLetters &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

absl::Status Resolve(Client& client, std::string& name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos) return absl::OkStatus();
  const std::string collection = name.substr(0, slash);
  const std::string_view id = std::string_view(name).substr(slash + 1);
  if (collection != "concepts" && collection != "adapters" && collection != "jobs") {
    return absl::OkStatus();
  }
  if (id == kLast) {
    ASSIGN_OR_RETURN(name, Newest(client, collection));
  } else if (IsStartOfId(id)) {
    ASSIGN_OR_RETURN(name, OnlyMatch(client, collection, name));
  }
  return absl::OkStatus();
}

/// The same for "jobs/{id}/pictures/{index}" and other names below a resource.
absl::Status ResolveOwner(Client& client, std::string& picture) {
  const std::size_t end = picture.find('/', picture.find('/') + 1);
  if (picture.find('/') == std::string::npos || end == std::string::npos) return absl::OkStatus();
  std::string owner = picture.substr(0, end);
  RETURN_IF_ERROR(Resolve(client, owner));
  picture = owner + picture.substr(end);
  return absl::OkStatus();
}

struct Visitor {
  Client& client;

  template <typename Options>
  absl::Status operator()(Options& options) const {
    if constexpr (requires { options.name; }) return Resolve(client, options.name);
    return absl::OkStatus();
  }
  absl::Status operator()(Train& train) const {
    std::string name = train.spec.concept_name();
    RETURN_IF_ERROR(Resolve(client, name));
    train.spec.set_concept_name(name);
    return absl::OkStatus();
  }
  absl::Status operator()(Evaluate& evaluate) const {
    return Resolve(client, *evaluate.spec.mutable_adapter());
  }
  absl::Status operator()(Generate& generate) const {
    std::string name = generate.spec.adapter();
    RETURN_IF_ERROR(Resolve(client, name));
    generate.spec.set_adapter(name);
    RETURN_IF_ERROR(ResolveOwner(client, *generate.spec.mutable_init_picture()));
    return ResolveOwner(client, *generate.spec.mutable_mask_picture());
  }
};

}  // namespace

absl::StatusOr<std::vector<std::string>> NewestNames(Client& client, std::string_view collection,
                                                     std::size_t limit) {
  if (collection == "concepts") return NamesOf(client.ListConcepts(limit));
  if (collection == "adapters") return NamesOf(client.ListAdapters(limit));
  return NamesOf(client.ListJobs(v1::JOB_KIND_UNSPECIFIED, {}, limit));
}

absl::Status ResolveNames(Client& client, Command& command) {
  return std::visit(Visitor{client}, command);
}

}  // namespace vico::client
