#include "server/services/worker_service.h"

#include <future>

#include <gmock/gmock.h>

#include "tests/server/server_fixture.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::server {
namespace {

class WorkerServiceTest : public ServerTest {};

TEST_F(WorkerServiceTest, TokenizerFilesMustBeUploadedBeforeTheRegistration) {
  Call call;
  v1::RegisterRequest request;
  request.set_worker("worker-a");
  *request.add_base_models() = TestOffer();
  v1::RegisterResponse response;
  EXPECT_THAT(FromGrpc(workers_->Register(&call, request, &response)), HasReason("BLOB_MISSING"));
  EXPECT_THAT(Register(), IsOk());
}

TEST_F(WorkerServiceTest, AMalformedTokenizerIsRefused) {
  const std::string nonsense = "{\"a\":";
  ASSERT_THAT(Put(nonsense, "application/json"), IsOk());
  ASSERT_THAT(Put(TestMerges(), "text/plain"), IsOk());
  Call call;
  v1::RegisterRequest request;
  request.set_worker("worker-a");
  *request.add_base_models() = TestOffer();
  *request.mutable_base_models(0)->mutable_vocabulary() = RefOf(nonsense, "application/json");
  v1::RegisterResponse response;
  EXPECT_THAT(FromGrpc(workers_->Register(&call, request, &response)),
              NamesField("base_models[0].vocabulary"));
}

TEST_F(WorkerServiceTest, AddedTokensAreCheckedAndStoredWithTheTokenizer) {
  const auto offer = [&](const std::string& added) {
    Call call;
    v1::RegisterRequest request;
    request.set_worker("worker-a");
    *request.add_base_models() = TestOffer();
    *request.mutable_base_models(0)->mutable_added_tokens() = RefOf(added, "application/json");
    v1::RegisterResponse response;
    return FromGrpc(workers_->Register(&call, request, &response));
  };
  ASSERT_THAT(Put(TestVocabulary(), "application/json"), IsOk());
  ASSERT_THAT(Put(TestMerges(), "text/plain"), IsOk());
  const std::string added = R"({"<cat-toy>": 900})";
  EXPECT_THAT(offer(added), HasReason("BLOB_MISSING"));
  ASSERT_THAT(Put(added, "application/json"), IsOk());
  EXPECT_THAT(offer(added), IsOk());
  const std::string taken = R"({"<cat-toy>": 3})";
  ASSERT_THAT(Put(taken, "application/json"), IsOk());
  EXPECT_THAT(offer(taken), HasMessage(testing::HasSubstr("added_tokens.json")));
}

TEST_F(WorkerServiceTest, AWorkerMustRegisterBeforeItLeases) {
  EXPECT_THAT(Lease(std::chrono::milliseconds(0)), HasReason("NOT_REGISTERED"));
}

TEST_F(WorkerServiceTest, ALeaseWaitsForAJob) {
  ASSERT_THAT(Register(), IsOk());
  auto lease = std::async(std::launch::async, [&] { return Lease(std::chrono::seconds(30)); });
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 1; }));
  const auto job = Create(GenerationOf());
  ASSERT_THAT(job, IsOk());
  const auto leased = lease.get();
  ASSERT_THAT(leased, IsOk());
  ASSERT_EQ(leased->jobs_size(), 1);
  EXPECT_EQ(leased->jobs(0).job(), job->name());
  EXPECT_EQ(leased->ttl().seconds(), 30);
}

TEST_F(WorkerServiceTest, ALeaseWithoutAJobEndsAfterItsWait) {
  ASSERT_THAT(Register(), IsOk());
  const auto nothing = Lease(std::chrono::milliseconds(20));
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ(nothing->jobs_size(), 0);
}

TEST_F(WorkerServiceTest, TheSameNonceGetsTheSameGrant) {
  ASSERT_THAT(Register(), IsOk());
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const auto first = Lease(std::chrono::seconds(1), "nonce-1");
  const auto second = Lease(std::chrono::seconds(1), "nonce-1");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
}

TEST_F(WorkerServiceTest, ALeaseNamesTheKindsThatTheWorkerHasRoomFor) {
  ASSERT_THAT(Register(), IsOk());
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const auto lease = [&](std::vector<int> kinds) -> absl::StatusOr<v1::LeaseResponse> {
    Call call;
    v1::LeaseRequest request;
    request.set_worker("worker-a");
    request.set_nonce(NewId());
    for (const int kind : kinds) request.add_kinds(static_cast<v1::JobKind>(kind));
    v1::LeaseResponse response;
    RETURN_IF_ERROR(FromGrpc(workers_->Lease(&call, request, &response)));
    return response;
  };
  EXPECT_THAT(lease({v1::JOB_KIND_GENERATION, v1::JOB_KIND_UNSPECIFIED}), NamesField("kinds[1]"));
  EXPECT_THAT(lease({99}), NamesField("kinds[0]"));
  EXPECT_THAT(lease(std::vector<int>(21, v1::JOB_KIND_TRAINING)), NamesField("kinds"));
  EXPECT_EQ(lease({v1::JOB_KIND_TRAINING, v1::JOB_KIND_EVALUATION})->jobs_size(), 0);
  EXPECT_EQ(lease({v1::JOB_KIND_TRAINING, v1::JOB_KIND_GENERATION})->jobs_size(), 1);
}

TEST_F(WorkerServiceTest, EveryJobOfADrainingWorkerIsReturned) {
  ASSERT_THAT(Register(), IsOk());
  for (int i = 0; i < 2; ++i) ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob one = Leased();
  const v1::LeasedJob other = Leased();
  Call call;
  v1::DrainWorkerRequest drain;
  drain.set_name("worker-a");
  v1::Worker worker;
  const auto admin = v1::AdminService::NewStub(NewChannel(server_->worker_port()));
  ASSERT_THAT(FromGrpc(admin->DrainWorker(&call, drain, &worker)), IsOk());
  EXPECT_EQ(worker.jobs_size(), 2);
  EXPECT_EQ(*Report(one, 1), v1::DIRECTIVE_DRAIN);
  EXPECT_EQ(*Report(other, 1), v1::DIRECTIVE_DRAIN);
}

TEST_F(WorkerServiceTest, AWorkerReadsOnlyBlobsOfItsJob) {
  ASSERT_THAT(Register(), IsOk());
  const v1::Concept uploaded = UploadedConcept();
  const std::string picture = uploaded.pictures(0).blob().sha256();
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob leased = Leased();
  EXPECT_THAT(Get(picture, leased.job(), leased.lease_id()),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(Sha256Hex(TestVocabulary()), leased.job(), leased.lease_id()),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(picture, leased.job(), "lease_of_nobody"), HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(Get(picture, "", ""), testing::Not(IsOk()));

  ASSERT_THAT(Put("a preview", "image/png", leased), IsOk());
  EXPECT_EQ(*Get(Sha256Hex("a preview"), leased.job(), leased.lease_id()), "a preview");
}

TEST_F(WorkerServiceTest, BlobsAreAcceptedOnlyUnderALease) {
  ASSERT_THAT(Register(), IsOk());
  const auto job = Create(GenerationOf());
  v1::LeasedJob stranger;
  stranger.set_job(job->name());
  stranger.set_lease_id("lease_of_nobody");
  EXPECT_THAT(Put("bytes", "image/png", stranger), HasCode(absl::StatusCode::kAborted));
  // Without a job only tokenizer files are accepted, which are small.
  EXPECT_THAT(Put(std::string((8 << 20) + 1, 'a'), "application/json"),
              NamesField("header.blob.size_bytes"));
  EXPECT_EQ(IncomingFiles(), 0u);
}

TEST_F(WorkerServiceTest, BlobsMustMatchTheirHeader) {
  const auto put = [&](const v1::BlobRef& blob, const std::string& bytes) {
    Call call;
    v1::BlobRef stored;
    const auto writer = workers_->PutBlob(&call, &stored);
    v1::PutBlobRequest request;
    *request.mutable_header()->mutable_blob() = blob;
    writer->Write(request);
    request.set_data(bytes);
    writer->Write(request);
    writer->WritesDone();
    return FromGrpc(writer->Finish());
  };
  const v1::BlobRef blob = RefOf("12345", "text/plain");
  EXPECT_THAT(put(blob, "12345"), IsOk());
  EXPECT_THAT(put(blob, "1234"), NamesField("data"));
  EXPECT_THAT(put(blob, "123456"), NamesField("data"));
  EXPECT_THAT(put(blob, "54321"), HasReason("DIGEST_MISMATCH"));
  EXPECT_EQ(IncomingFiles(), 0u);
}

TEST_F(WorkerServiceTest, EventsMustNameStoredBlobs) {
  ASSERT_THAT(Register(), IsOk());
  const auto job = Create(GenerationOf());
  const v1::LeasedJob leased = Leased();
  v1::Event event;
  *event.mutable_picture()->mutable_blob() = RefOf("never put", "image/png");
  EXPECT_THAT(Report(leased, 1, {event}), HasReason("BLOB_MISSING"));
  v1::FinishRequest finish;
  *finish.mutable_generated()->add_pictures() = event.picture();
  EXPECT_THAT(Finish(finish, leased), HasReason("BLOB_MISSING"));
  EXPECT_EQ(JobNow(job->name()).state(), v1::JOB_STATE_RUNNING);
}

TEST_F(WorkerServiceTest, PicturesMustHaveABlob) {
  ASSERT_THAT(Register(), IsOk());
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob leased = Leased();
  v1::Event event;
  event.mutable_picture();
  EXPECT_THAT(Report(leased, 1, {event}), NamesField("events[0].blob.sha256"));
  v1::FinishRequest finish;
  finish.mutable_generated()->add_pictures();
  EXPECT_THAT(Finish(finish, leased), NamesField("outcome.blob.sha256"));
}

TEST_F(WorkerServiceTest, WorkersMayNotReportEventsOfTheServer) {
  ASSERT_THAT(Register(), IsOk());
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob leased = Leased();
  v1::Event event;
  event.mutable_succeeded();
  EXPECT_THAT(Report(leased, 1, {event}), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Report(leased, 0), NamesField("report_number"));
  EXPECT_THAT(Finish({}, leased), NamesField("outcome"));
}

TEST_F(WorkerServiceTest, ALeaseFromBeforeARestartCanUploadAndFinish) {
  ASSERT_THAT(Register(), IsOk());
  const auto job = Create(GenerationOf());
  const v1::LeasedJob leased = Leased();
  Start();
  ASSERT_THAT(Put("a picture", "image/png", leased), IsOk());
  EXPECT_EQ(*Get(Sha256Hex("a picture"), leased.job(), leased.lease_id()), "a picture");
  v1::FinishRequest finish;
  *finish.mutable_generated()->add_pictures()->mutable_blob() = RefOf("a picture", "image/png");
  EXPECT_THAT(Finish(finish, leased), IsOk());
  EXPECT_EQ(JobNow(job->name()).state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(WorkerServiceTest, ALostLeaseWritesNothing) {
  ASSERT_THAT(Register(), IsOk());
  const auto job = Create(GenerationOf());
  const v1::LeasedJob old = Leased();
  v1::FinishRequest released;
  released.mutable_released();
  ASSERT_THAT(Finish(released, old), IsOk());
  const v1::LeasedJob now = Leased();
  EXPECT_EQ(now.attempt(), 2);
  EXPECT_THAT(Report(old, 1), HasReason("LEASE_LOST"));
  v1::FinishRequest finish;
  finish.mutable_generated();
  EXPECT_THAT(Finish(finish, old), HasReason("LEASE_LOST"));
  EXPECT_EQ(JobNow(job->name()).state(), v1::JOB_STATE_RUNNING);
}

}  // namespace
}  // namespace vico::server
