#include "client/cli/resolve_names.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/strings/str_split.h>
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
// What names of pictures have before and after the id.
constexpr std::array<std::string_view, 7> kPictureKinds = {
    "concepts/pictures", "jobs/pictures",      "jobs/samples",   "jobs/masks",
    "jobs/previews",     "adapters/reference", "adapters/report"};

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

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsStartOfId(std::string_view id) {
  return id.size() >= kFewestLetters && id.size() < kIdLetters && IsHex(id);
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

/// The same for the name of a picture, as "jobs/{id}/pictures/{index}", unless it is a file.
absl::Status ResolveOwner(Client& client, std::optional<std::string>& picture) {
  if (!picture || !IsPictureName(*picture)) return absl::OkStatus();
  const std::size_t end = picture->find('/', picture->find('/') + 1);
  if (end == std::string::npos) return absl::OkStatus();
  std::string owner = picture->substr(0, end);
  RETURN_IF_ERROR(Resolve(client, owner));
  picture = owner + picture->substr(end);
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
    RETURN_IF_ERROR(ResolveOwner(client, generate.init));
    return ResolveOwner(client, generate.mask);
  }
};

}  // namespace

bool IsPictureName(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(std::string(text), '/');
  if (parts.size() == 2) {
    return parts[0] == "pictures" && parts[1].size() == kIdLetters && IsHex(parts[1]);
  }
  if (parts.size() < 3 || parts[1].empty()) return false;
  const std::string kind = parts[0] + "/" + parts[2];
  return std::find(kPictureKinds.begin(), kPictureKinds.end(), kind) != kPictureKinds.end();
}

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
