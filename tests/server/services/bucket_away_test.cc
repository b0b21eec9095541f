// A server whose bucket is away, slow or overloaded: nothing is lost, and other calls go on.
#include <gmock/gmock.h>

#include "server/objects/object_probe.h"
#include "tests/server/server_fixture.h"
#include "tests/support/fault_proxy.h"

namespace vico::server {
namespace {

class BucketAwayTest : public ServerTest {
 protected:
  BucketAwayTest() : proxy_(ObjectServer::OfThisProgram().port) {
    server_.reset();  // the fixture's, whose blobs are in a folder
    std::filesystem::remove_all(data_);
    s3_ = folder_in_bucket_.options();
    s3_.endpoint = proxy_.endpoint();
    s3_.stall_timeout = absl::Seconds(2);
    s3_.attempts = 2;
    options_.storage.s3 = s3_;
    Start();
    EXPECT_THAT(Register(), IsOk());
  }
  ~BucketAwayTest() override {
    proxy_.Heal();
    server_.reset();
  }

  BucketFolder folder_in_bucket_;
  FaultProxy proxy_;
  S3Options s3_;
};

TEST_F(BucketAwayTest, AWorkerGoesOnAndRepeatsItsUpload) {
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob job = Leased();
  proxy_.Down();
  const auto refused = Put("a picture", "image/png", job);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(refused, HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_GT(RetryAfter(refused.status()), absl::ZeroDuration());
  EXPECT_THAT(Report(job, 1), IsOk()) << "the lease is extended meanwhile";
  EXPECT_THAT(Create(GenerationOf()), IsOk()) << "jobs are taken";
  proxy_.Up();
  const auto stored = Put("a picture", "image/png", job);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(*Get(stored->sha256(), job.job(), job.lease_id()), "a picture");
}

TEST_F(BucketAwayTest, ADownloadIsUnavailableAndThenWhole) {
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob job = Leased();
  const std::string bytes(5'000'000, 'x');
  const auto stored = Put(bytes, "image/png", job);
  ASSERT_THAT(stored, IsOk());
  proxy_.Plan(HttpFault::kSlowDown, 100, "GET");
  const auto refused = Get(stored->sha256(), job.job(), job.lease_id());
  EXPECT_THAT(refused, HasReason("OBJECT_STORE_UNAVAILABLE"));
  proxy_.Heal();
  // Wrong bytes on the way end the download; they are not taken for damage of the object.
  proxy_.Plan(HttpFault::kWrongAnswer, 1, "GET");
  EXPECT_FALSE(Get(stored->sha256(), job.job(), job.lease_id()).ok());
  const auto read = Get(stored->sha256(), job.job(), job.lease_id());
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(*read == bytes);
}

TEST_F(BucketAwayTest, ABucketThatDoesNotAnswerKeepsNoOtherCallWaiting) {
  const auto created = Create(GenerationOf());
  ASSERT_THAT(created, IsOk());
  const v1::LeasedJob job = Leased();
  const auto stored = Put("a picture", "image/png", job);
  ASSERT_THAT(stored, IsOk());
  proxy_.Plan(HttpFault::kNoAnswer, 1000, "GET");
  std::vector<std::thread> downloads;
  const int before = proxy_.requests();
  for (int i = 0; i < 12; ++i) {  // more than there are threads for calls
    downloads.emplace_back(
        [&] { EXPECT_FALSE(Get(stored->sha256(), job.job(), job.lease_id()).ok()); });
  }
  EXPECT_TRUE(Eventually([&] { return proxy_.requests() >= before + 8; }));
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) JobNow(created->name());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
  for (std::thread& download : downloads) download.join();
}

TEST_F(BucketAwayTest, TheProbeSaysSoAndRecovers) {
  const SystemClock clock;
  S3Objects objects(s3_, folder_.path(), clock);
  ObjectProbe probe(objects, Log::Off());
  probe.Try();
  EXPECT_THAT(probe.Now(), IsOk());
  proxy_.Down();
  probe.Try();
  EXPECT_THAT(probe.Now(), HasReason("OBJECT_STORE_UNAVAILABLE"));
  proxy_.Up();
  probe.Try();
  EXPECT_THAT(probe.Now(), IsOk());
}

TEST_F(BucketAwayTest, AServerThatStartsSaysWhatIsWrong) {
  server_.reset();
  const auto start = [this](const std::function<void(S3Options&)>& spoil) {
    ServerOptions options = Options(folder_.path() + "/other");
    options.storage.s3 = s3_;
    spoil(*options.storage.s3);
    return Server::Start(options, clock_, files_, Log::Off()).status();
  };
  EXPECT_THAT(start([](S3Options& s3) { s3.bucket = "no-such-bucket"; }),
              HasReason("OBJECT_STORE_NO_BUCKET"));
  EXPECT_THAT(start([](S3Options& s3) { s3.credentials.secret_key = Sensitive("wrong"); }),
              HasReason("OBJECT_STORE_DENIED"));
  EXPECT_THAT(start([](S3Options&) {}), HasReason("OBJECTS_OF_ANOTHER_DATABASE"))
      << "the fixture's server has marked the prefix";
  proxy_.Plan(HttpFault::kSkewed);
  EXPECT_THAT(start([](S3Options&) {}), HasReason("OBJECT_STORE_CLOCK"));
}

}  // namespace
}  // namespace vico::server
