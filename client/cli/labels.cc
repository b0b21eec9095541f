#include "client/cli/labels.h"

#include <fmt/format.h>
#include <google/protobuf/field_mask.pb.h>

#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

/// Sets the new values in `resource` and returns which fields they are.
template <typename Resource>
google::protobuf::FieldMask Apply(const Changes& changes, Resource& resource) {
  google::protobuf::FieldMask mask;
  for (const auto& [key, value] : changes.labels) {
    (*resource.mutable_labels())[key] = value;
    mask.add_paths("labels." + key);
  }
  for (const std::string& key : changes.removed_labels) mask.add_paths("labels." + key);
  if (changes.display_name) {
    resource.set_display_name(*changes.display_name);
    mask.add_paths("display_name");
  }
  return mask;
}

/// `update` is the client's call for this kind of resource.
template <typename Resource>
absl::StatusOr<Resource> Update(const std::string& name, const Changes& changes, Client& client,
                                absl::StatusOr<Resource> (Client::*update)(
                                    const Resource&, const google::protobuf::FieldMask&)) {
  Resource changed;
  changed.set_name(name);
  const google::protobuf::FieldMask mask = Apply(changes, changed);
  return (client.*update)(changed, mask);
}

}  // namespace

absl::StatusOr<v1::Concept> UpdateConcept(const std::string& name, const Changes& changes,
                                          Client& client) {
  return Update(name, changes, client, &Client::UpdateConcept);
}

absl::StatusOr<v1::Adapter> UpdateAdapter(const std::string& name, const Changes& changes,
                                          Client& client) {
  return Update(name, changes, client, &Client::UpdateAdapter);
}

absl::StatusOr<v1::Job> UpdateJob(const std::string& name, const Changes& changes, Client& client) {
  return Update(name, changes, client, &Client::UpdateJob);
}

absl::Status SetLabels(const std::string& name, const Labels& labels, Client& client) {
  if (labels.empty()) return absl::OkStatus();
  const Changes changes{.labels = labels};
  absl::Status status;
  if (name.starts_with("concepts/")) {
    status = UpdateConcept(name, changes, client).status();
  } else {
    status = UpdateAdapter(name, changes, client).status();
  }
  if (status.ok()) return status;
  std::string options;
  for (const auto& [key, value] : labels) options += fmt::format(" --label {}={}", key, value);
  return absl::Status(status.code(),
                      fmt::format("{} was created, but its labels were not set: {}\n"
                                  "  set them:  vico {} update {}{}",
                                  Printable(name), ToStd(status.message()),
                                  name.substr(0, name.find('/')), Printable(name), options));
}

}  // namespace vico::client
