// Tests of every method with every kind of caller, on the caller's own and on others' resources.
#include <functional>
#include <map>
#include <set>

#include <grpcpp/generic/generic_stub.h>

#include "server/access/method_roles.h"
#include "tests/server/secure_fixture.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::server {
namespace {

/// Calls any method with one message. A stream that sends a message counts as OK.
absl::Status CallAnything(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                          const std::string& request) {
  Call context;
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareCall(&context, path, &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  wait();
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
  wait();
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  const bool answered = wait();
  if (answered) context.TryCancel();  // ends a watch
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  queue.Shutdown();
  return answered ? absl::OkStatus() : FromGrpc(status);
}

/// The resources that a call names.
struct Things {
  std::string concept_name;
  std::string picture;
  std::string adapter;
  std::string job;  ///< a generation that waits
  std::string key_id;
  v1::LeasedJob leased;
};

using MakeRequest = std::function<std::string(const Things&)>;

template <typename Request>
MakeRequest Named(std::string Things::*name) {
  return [name](const Things& things) {
    Request request;
    request.set_name(things.*name);
    return request.SerializeAsString();
  };
}

std::string Nothing(const Things&) { return ""; }

std::string Generation(const Things& things) {
  v1::CreateGenerationJobRequest request;
  request.set_request_id(NewId());
  request.mutable_generate()->set_adapter(things.adapter);
  request.mutable_generate()->set_prompt("a photo of S*");
  return request.SerializeAsString();
}

/// The methods that name a resource of a tenant or a lease.
const std::map<std::string_view, MakeRequest>& NamingMethods() {
  static const std::map<std::string_view, MakeRequest> methods = {
      {"GetConcept", Named<v1::GetConceptRequest>(&Things::concept_name)},
      {"DeleteConcept", Named<v1::DeleteConceptRequest>(&Things::concept_name)},
      {"CreateTrainingJob",
       [](const Things& things) {
         v1::CreateTrainingJobRequest request;
         request.set_request_id(NewId());
         request.mutable_train()->set_concept_name(things.concept_name);
         request.mutable_train()->set_init_word("dog");
         return request.SerializeAsString();
       }},
      {"CreateGenerationJob", Generation},
      {"CreateEvaluationJob",
       [](const Things& things) {
         v1::CreateEvaluationJobRequest request;
         request.set_request_id(NewId());
         request.mutable_evaluate()->set_adapter(things.adapter);
         return request.SerializeAsString();
       }},
      {"ContinueTraining",
       [](const Things& things) {
         v1::ContinueTrainingRequest request;
         request.set_request_id(NewId());
         request.set_adapter(things.adapter);
         request.set_steps(1);
         return request.SerializeAsString();
       }},
      {"Generate", Generation},
      {"GetJob", Named<v1::GetJobRequest>(&Things::job)},
      {"WatchJob", Named<v1::WatchJobRequest>(&Things::job)},
      {"CancelJob", Named<v1::CancelJobRequest>(&Things::job)},
      {"FinishTraining", Named<v1::FinishTrainingRequest>(&Things::job)},
      {"UpdateJob",
       [](const Things& things) {
         v1::UpdateJobRequest request;
         request.mutable_job()->set_name(things.job);
         request.mutable_job()->set_display_name("theirs");
         return request.SerializeAsString();
       }},
      {"UpdateConcept",
       [](const Things& things) {
         v1::UpdateConceptRequest request;
         request.mutable_updated_concept()->set_name(things.concept_name);
         request.mutable_updated_concept()->set_display_name("theirs");
         return request.SerializeAsString();
       }},
      {"UpdateAdapter",
       [](const Things& things) {
         v1::UpdateAdapterRequest request;
         request.mutable_adapter()->set_name(things.adapter);
         request.mutable_adapter()->set_display_name("theirs");
         return request.SerializeAsString();
       }},
      {"DownloadPicture",
       [](const Things& things) {
         v1::DownloadPictureRequest request;
         request.set_name(things.concept_name + "/pictures/0");
         return request.SerializeAsString();
       }},
      {"DeletePicture", Named<v1::DeletePictureRequest>(&Things::picture)},
      {"RetryJob",
       [](const Things& things) {
         v1::RetryJobRequest request;
         request.set_name(things.job);
         request.set_request_id(NewId());
         return request.SerializeAsString();
       }},
      {"DeleteJob", Named<v1::DeleteJobRequest>(&Things::job)},
      {"GetAdapterReport", Named<v1::GetAdapterReportRequest>(&Things::adapter)},
      {"GetAdapter", Named<v1::GetAdapterRequest>(&Things::adapter)},
      {"DownloadAdapter", Named<v1::DownloadAdapterRequest>(&Things::adapter)},
      {"DeleteAdapter", Named<v1::DeleteAdapterRequest>(&Things::adapter)},
      {"RevokeKey",
       [](const Things& things) {
         v1::RevokeKeyRequest request;
         request.set_id(things.key_id);
         return request.SerializeAsString();
       }},
      {"Report",
       [](const Things& things) {
         v1::ReportRequest request;
         request.set_job(things.leased.job());
         request.set_lease_id(things.leased.lease_id());
         request.set_report_number(1);
         return request.SerializeAsString();
       }},
      {"GetBlob",
       [](const Things& things) {
         v1::GetBlobRequest request;
         request.set_job(things.leased.job());
         request.set_lease_id(things.leased.lease_id());
         request.set_sha256(things.leased.adapter().blob().sha256());
         return request.SerializeAsString();
       }},
      {"PutBlob",
       [](const Things& things) {
         v1::PutBlobRequest request;
         *request.mutable_header()->mutable_blob() = RefOf("x", "image/png");
         request.mutable_header()->set_job(things.leased.job());
         request.mutable_header()->set_lease_id(things.leased.lease_id());
         return request.SerializeAsString();
       }},
      {"Finish",
       [](const Things& things) {
         v1::FinishRequest request;
         request.set_job(things.leased.job());
         request.set_lease_id(things.leased.lease_id());
         request.mutable_released();
         return request.SerializeAsString();
       }},
  };
  return methods;
}

/// All other methods. A method in neither list fails the test.
const std::map<std::string_view, MakeRequest>& OtherMethods() {
  static const std::map<std::string_view, MakeRequest> methods = {
      {"UploadConcept", Nothing},
      {"UploadPicture", Nothing},
      {"ListConcepts", Nothing},
      {"ListJobs", Nothing},
      {"ListAdapters", Nothing},
      {"ImportAdapter", Nothing},
      {"WatchJobs", Nothing},
      // Names of jobs of others are answered as unchanged.
      {"CancelJobs",
       [](const Things& things) {
         v1::CancelJobsRequest request;
         request.add_names(things.job);
         return request.SerializeAsString();
       }},
      {"ListBaseModels", Nothing},
      {"GetBaseModel", Nothing},
      {"CheckWord", Nothing},
      {"GetCapabilities", Nothing},
      {"CreateKey", Nothing},
      {"ListKeys", Nothing},
      {"Register", Nothing},
      {"Lease", Nothing},
      {"CreateTenant", Nothing},
      {"ListTenants", Nothing},
      {"DeleteTenant", Nothing},
      {"ListWorkers", Nothing},
      {"GetQueue", Nothing},
      {"DrainWorker", [](const Things&) {
         v1::DrainWorkerRequest request;
         request.set_name("no such worker");
         return request.SerializeAsString();
       }}};
  return methods;
}

std::string PathOf(const MethodRoles& entry) {
  return fmt::format("/vico.v1.{}/{}", entry.service, entry.method);
}

bool IsForWorkers(const MethodRoles& entry) {
  return entry.service == "WorkerService" || entry.service == "AdminService";
}

class AuthorizationTest : public SecureServerTest {
 protected:
  AuthorizationTest() { EXPECT_THAT(Register(), IsOk()); }

  /// Creates a concept, a picture, an adapter, a queued job, a leased job and a key of `tenant`.
  Things Make(const std::string& tenant) {
    BeClient(keys_[tenant].admin);
    Clear();
    Things things;
    const v1::Concept uploaded = UploadedConcept();
    things.concept_name = uploaded.name();
    things.picture = NewPicture();
    EXPECT_THAT(Create(TrainingOf(uploaded)), IsOk());
    const v1::LeasedJob training = Leased();
    const auto adapter = Put("an adapter", "application/vnd.safetensors", training);
    EXPECT_THAT(adapter, IsOk());
    v1::FinishRequest finish;
    *finish.mutable_trained()->mutable_adapter() = *adapter;
    *finish.mutable_trained()->mutable_reference() = training.pictures(0).blob();
    things.adapter = Finish(finish, training)->adapter();
    EXPECT_THAT(Create(GenerationOf(things.adapter)), IsOk());
    things.leased = Leased();
    things.job = Create(GenerationOf(things.adapter))->name();
    Call call;
    v1::ListKeysResponse keys;
    const auto stub = v1::KeyService::NewStub(client_);
    EXPECT_THAT(FromGrpc(stub->ListKeys(&call, {}, &keys)), IsOk());
    for (const v1::ApiKey& key : keys.api_keys()) {  // the oldest key is the one of the tests
      if (key.role() == v1::KEY_ROLE_USER && !key.has_revoke_time() && things.key_id.empty()) {
        things.key_id = key.id();
      }
    }
    last_ = things.leased;
    return things;
  }

  /// Uploads a picture. Returns its name.
  std::string NewPicture() {
    const std::string bytes = TwoPictures()[0];
    v1::UploadPictureRequest header;
    header.mutable_header()->set_request_id(RequestId());
    header.mutable_header()->set_sha256(Sha256Hex(bytes));
    header.mutable_header()->set_size_bytes(bytes.size());
    v1::UploadPictureRequest chunk;
    chunk.mutable_chunk()->set_data(bytes);
    Call call;
    v1::UploadPictureResponse response;
    const auto writer = v1::PictureService::NewStub(client_)->UploadPicture(&call, &response);
    writer->Write(header);
    writer->Write(chunk);
    writer->WritesDone();
    EXPECT_THAT(FromGrpc(writer->Finish()), IsOk());
    return response.uploaded_picture().name();
  }

  /// Ends all jobs of the tenant.
  void Clear() {
    Call call;
    v1::ListJobsRequest request;
    request.set_page_size(100);
    request.add_states(v1::JOB_STATE_QUEUED);
    request.add_states(v1::JOB_STATE_RUNNING);
    v1::ListJobsResponse jobs;
    ASSERT_THAT(FromGrpc(jobs_->ListJobs(&call, request, &jobs)), IsOk());
    for (const v1::Job& job : jobs.jobs()) {
      Call cancelling;
      v1::CancelJobRequest cancel;
      cancel.set_name(job.name());
      v1::Job cancelled;
      ASSERT_THAT(FromGrpc(jobs_->CancelJob(&cancelling, cancel, &cancelled)), IsOk());
    }
    v1::FinishRequest finish;
    finish.mutable_cancelled();
    Finish(finish, last_).status().IgnoreError();  // there may be none
  }

  v1::LeasedJob last_;

  static std::string Request(const MethodRoles& entry, const Things& things) {
    const auto naming = NamingMethods().find(entry.method);
    if (naming != NamingMethods().end()) return naming->second(things);
    const auto other = OtherMethods().find(entry.method);
    if (other != OtherMethods().end()) return other->second(things);
    ADD_FAILURE() << entry.method << " is in neither list of this test";
    return "";
  }
};

TEST_F(AuthorizationTest, UnknownCallersAreRefused) {
  const Things things = Make("acme");
  std::string wrong = keys_["acme"].user;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const std::map<std::string, std::shared_ptr<grpc::Channel>> strangers = {
      {"no key", ClientSide("")},
      {"no key's text", ClientSide("secret")},
      {"a wrong secret", ClientSide(wrong)},
      {"a secret of nobody",
       ClientSide("vico_" + std::string(16, '0') + "_" + std::string(64, '0'))}};
  for (const MethodRoles& entry : MethodTable()) {
    if (IsForWorkers(entry)) continue;
    for (const auto& [who, channel] : strangers) {
      const absl::Status status = CallAnything(channel, PathOf(entry), Request(entry, things));
      EXPECT_THAT(status, HasCode(absl::StatusCode::kUnauthenticated))
          << entry.method << ", " << who;
      EXPECT_THAT(status, HasReason("KEY_INVALID")) << entry.method << ", " << who;
    }
  }
  for (const char* names :
       {"DNS:worker", "URI:spiffe://worker/one", "URI:vico://admin/one",
        "URI:vico://worker/one,URI:vico://operator/one", "URI:vico://worker/"}) {
    const auto channel = WorkerSide(names);
    for (const MethodRoles& entry : MethodTable()) {
      if (!IsForWorkers(entry)) continue;
      EXPECT_THAT(CallAnything(channel, PathOf(entry), Request(entry, things)),
                  HasReason("CERTIFICATE_INVALID"))
          << entry.method << ", " << names;
    }
  }
}

TEST_F(AuthorizationTest, ARoleCallsItsMethodsAndNoOthers) {
  struct Caller {
    Role role;
    bool worker_side;
    std::shared_ptr<grpc::Channel> channel;
  };
  const std::map<std::string, Caller> callers = {
      {"user", {Role::kUser, false, ClientSide(keys_["acme"].user)}},
      {"tenant-admin", {Role::kTenantAdmin, false, ClientSide(keys_["acme"].admin)}},
      {"worker", {Role::kWorker, true, WorkerSide("URI:vico://worker/one")}},
      {"operator", {Role::kOperator, true, operator_}}};
  for (const auto& [who, caller] : callers) {
    for (const MethodRoles& entry : MethodTable()) {
      const bool may = entry.roles.Meets({caller.role});
      // An allowed call may change resources, so each call gets new ones.
      const Things things = may ? Make("acme") : Things{};
      const absl::Status status =
          CallAnything(caller.channel, PathOf(entry), Request(entry, things));
      const std::string what = fmt::format("{} by {}", entry.method, who);
      if (IsForWorkers(entry) != caller.worker_side) {
        EXPECT_THAT(status, HasCode(absl::StatusCode::kUnimplemented)) << what;
      } else if (!may) {
        EXPECT_THAT(status, HasReason("ROLE_MISSING")) << what;
      } else if (NamingMethods().contains(entry.method) && entry.method != "RetryJob" &&
                 entry.method != "DeleteJob" && entry.method != "DeleteConcept" &&
                 entry.method != "DeleteAdapter" && entry.method != "PutBlob" &&
                 entry.method != "FinishTraining" && entry.method != "GetAdapterReport") {
        EXPECT_THAT(status, IsOk()) << what;
      } else {
        // Authorized calls may still fail: a field is missing, or a job is in use.
        EXPECT_THAT(
            status.code(),
            testing::AnyOf(absl::StatusCode::kOk, absl::StatusCode::kInvalidArgument,
                           absl::StatusCode::kFailedPrecondition, absl::StatusCode::kNotFound))
            << what << status;
      }
    }
  }
}

TEST_F(AuthorizationTest, ResourcesOfAnotherTenantAreNotFound) {
  const Things theirs = Make("other");
  for (const auto& [who, key] :
       {std::pair{"user", keys_["acme"].user}, std::pair{"tenant-admin", keys_["acme"].admin}}) {
    const auto channel = ClientSide(key);
    const Role role = who == std::string_view("user") ? Role::kUser : Role::kTenantAdmin;
    for (const MethodRoles& entry : MethodTable()) {
      if (!entry.roles.Meets({role}) || !NamingMethods().contains(entry.method)) continue;
      const absl::Status foreign = CallAnything(channel, PathOf(entry), Request(entry, theirs));
      EXPECT_THAT(foreign, HasCode(absl::StatusCode::kNotFound)) << entry.method << " by " << who;
      // The same message as for a resource that never existed.
      Things never = theirs;
      never.concept_name = ConceptName(std::string(32, '0'));
      never.adapter = AdapterName(std::string(32, '0'));
      never.job = JobName(std::string(32, '0'));
      never.key_id = std::string(16, '0');
      const absl::Status missing = CallAnything(channel, PathOf(entry), Request(entry, never));
      EXPECT_EQ(missing.code(), foreign.code()) << entry.method;
      EXPECT_EQ(missing.message().size(), foreign.message().size()) << entry.method;
      EXPECT_EQ(Reason(missing), Reason(foreign)) << entry.method;
    }
  }
  // The resources are unchanged.
  BeClient(keys_["other"].user);
  EXPECT_EQ(JobNow(theirs.job).state(), v1::JOB_STATE_QUEUED);
  EXPECT_THAT(CapabilitiesWith(keys_["other"].user), IsOk());
  const auto channel = ClientSide(keys_["other"].user);
  for (const char* method : {"GetConcept", "GetAdapter"}) {
    const std::string service = method == std::string_view("GetConcept") ? "Concept" : "Adapter";
    EXPECT_THAT(CallAnything(channel, fmt::format("/vico.v1.{}Service/{}", service, method),
                             NamingMethods().at(method)(theirs)),
                IsOk());
  }
}

TEST_F(AuthorizationTest, AnotherWorkersLeaseIsNotFound) {
  const Things things = Make("acme");
  const auto channel = WorkerSide("URI:vico://worker/on");  // a prefix of the holder's name
  for (const char* method : {"Report", "Finish", "GetBlob", "PutBlob"}) {
    EXPECT_THAT(CallAnything(channel, fmt::format("/vico.v1.WorkerService/{}", method),
                             NamingMethods().at(method)(things)),
                HasCode(absl::StatusCode::kNotFound))
        << method;
  }
  EXPECT_THAT(Report(things.leased, 1), IsOk());
}

TEST_F(AuthorizationTest, ListsContainOnlyTheTenantsResources) {
  const Things theirs = Make("other");
  const Things own = Make("acme");
  Call call;
  v1::ListJobsResponse jobs;
  ASSERT_THAT(FromGrpc(jobs_->ListJobs(&call, {}, &jobs)), IsOk());
  std::set<std::string> names;
  for (const v1::Job& job : jobs.jobs()) names.insert(job.name());
  EXPECT_TRUE(names.contains(own.job));
  EXPECT_FALSE(names.contains(theirs.job));
  EXPECT_EQ(names.size(), 3u);
}

}  // namespace
}  // namespace vico::server
