#include "server/access/method_roles.h"

#include <filesystem>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include "tests/support/status_matchers.h"
#include "vico/v1/adapter.grpc.pb.h"
#include "vico/v1/admin.grpc.pb.h"
#include "vico/v1/concept.grpc.pb.h"
#include "vico/v1/job_service.grpc.pb.h"
#include "vico/v1/model.grpc.pb.h"
#include "vico/v1/picture.grpc.pb.h"
#include "vico/v1/worker.grpc.pb.h"

namespace vico::server {
namespace {

/// "Service/Method" of all methods in the protos.
std::multiset<std::string> DefinedMethods() {
  // One message of each file, since the linker drops files that nothing references.
  const google::protobuf::FileDescriptor* const files[] = {
      v1::Adapter::descriptor()->file(),
      v1::Tenant::descriptor()->file(),
      v1::Concept::descriptor()->file(),
      v1::Job::descriptor()->file(),
      v1::GetJobRequest::descriptor()->file(),
      v1::BaseModel::descriptor()->file(),
      v1::DownloadPictureRequest::descriptor()->file(),
      v1::RegisterRequest::descriptor()->file()};
  std::multiset<std::string> methods;
  std::set<std::string> known;
  for (const auto* file : files) {
    known.insert("proto/" + file->name());
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.insert(file->service(s)->name() + "/" + file->service(s)->method(m)->name());
      }
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator("proto/vico/v1")) {
    EXPECT_TRUE(known.contains(entry.path().string())) << entry.path();
  }
  return methods;
}

TEST(MethodRolesTest, EveryMethodHasOneEntryAndEveryEntryIsAMethod) {
  std::multiset<std::string> entries;
  for (const MethodRoles& entry : MethodTable()) {
    entries.insert(std::string(entry.service) + "/" + std::string(entry.method));
  }
  EXPECT_EQ(entries, DefinedMethods());
}

TEST(MethodRolesTest, NoTwoServicesHaveAMethodOfOneName) {
  std::set<std::string_view> names;
  for (const MethodRoles& entry : MethodTable()) {
    EXPECT_TRUE(names.insert(entry.method).second) << entry.method;
  }
}

TEST(MethodRolesTest, MethodsThatAreNotInTheTableAreDenied) {
  const Roles all{Role::kUser, Role::kTenantAdmin, Role::kWorker, Role::kOperator};
  EXPECT_THAT(CheckRole(all, "DeleteEverything"), HasReason("ROLE_MISSING"));
  EXPECT_THAT(CheckRole(all, ""), HasReason("ROLE_MISSING"));
}

TEST(MethodRolesTest, ARoleMayCallItsOwnMethodsOnly) {
  EXPECT_THAT(CheckRole({Role::kUser}, "GetJob"), IsOk());
  EXPECT_THAT(CheckRole({Role::kWorker}, "Lease"), IsOk());
  EXPECT_THAT(CheckRole({Role::kWorker}, "GetJob"), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckRole({Role::kUser}, "Lease"), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckRole({Role::kOperator}, "GetJob"), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckRole({}, "GetJob"), HasCode(absl::StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace vico::server
