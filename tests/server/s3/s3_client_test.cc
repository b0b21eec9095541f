// Requests against SeaweedFS, and against Swift in tier 1, through a proxy that spoils them.
#include "server/s3/s3_client.h"

#include <atomic>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/status.h"
#include "tests/server/s3/bucket.h"
#include "tests/support/fault_proxy.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

class S3ClientTest : public testing::Test {
 protected:
  S3ClientTest() {
    options_.endpoint = proxy_.endpoint();
    client_ = std::make_unique<S3Client>(options_, clock_);
  }

  absl::Status Put(const std::string& key, const std::string& bytes) {
    return client_->Put(
        {key, Sha256Hex(bytes), bytes.size(), [&](uint64_t offset, char* into, size_t room) {
           const size_t count = std::min<size_t>(room, bytes.size() - offset);
           std::copy_n(bytes.data() + offset, count, into);
           return absl::StatusOr<size_t>(count);
         }});
  }

  const SystemClock clock_;
  BucketFolder bucket_;
  FaultProxy proxy_{ObjectServer::OfThisProgram().port};
  S3Options options_ = bucket_.options();
  std::unique_ptr<S3Client> client_;
};

TEST_F(S3ClientTest, ReadsRangesOfWhatItStored) {
  ASSERT_THAT(Put("a/b", "0123456789"), IsOk());
  EXPECT_EQ(*client_->Get("a/b", 0, 10), "0123456789");
  EXPECT_EQ(*client_->Get("a/b", 3, 4), "3456");
  EXPECT_EQ(*client_->Get("a/b", 9, 1), "9");
  EXPECT_THAT(client_->Get("a/b", 8, 4), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(client_->Get("a/b", 10, 1), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(client_->Get("a/c", 0, 1), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(S3ClientTest, RemovesAnObjectOnceAndAgain) {
  ASSERT_THAT(Put("a", "bytes"), IsOk());
  EXPECT_THAT(client_->Remove("a"), IsOk());
  EXPECT_THAT(client_->Get("a", 0, 1), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(client_->Remove("a"), IsOk());
}

TEST_F(S3ClientTest, ListsAllPages) {
  for (int i = 0; i < 1005; ++i) ASSERT_THAT(Put("many/" + std::to_string(i), "x"), IsOk());
  ASSERT_THAT(Put("other", "x"), IsOk());
  std::set<std::string> keys;
  std::string next;
  int pages = 0;
  do {
    const auto page = client_->List("many/", next);
    ASSERT_THAT(page, IsOk());
    for (const ObjectInfo& object : page->objects) {
      keys.insert(object.key);
      EXPECT_EQ(object.size_bytes, 1u);
      EXPECT_LT(absl::AbsDuration(object.time - absl::Now()), absl::Minutes(5));
    }
    next = page->next;
    ++pages;
  } while (!next.empty());
  EXPECT_EQ(keys.size(), 1005u);
  EXPECT_EQ(pages, 2);
}

TEST_F(S3ClientTest, RepeatsARequestThatAnOverloadedStoreRefuses) {
  proxy_.Plan(HttpFault::kSlowDown, 3);
  EXPECT_THAT(Put("a", "bytes"), IsOk());
  EXPECT_EQ(proxy_.requests(), 4);
  proxy_.Plan(HttpFault::kSlowDown, 2);
  EXPECT_EQ(*client_->Get("a", 0, 5), "bytes");
}

TEST_F(S3ClientTest, GivesUpAfterSomeAttemptsAndThenMakesOneOnly) {
  proxy_.Plan(HttpFault::kSlowDown, 100);
  const absl::Status status = Put("a", "bytes");
  EXPECT_THAT(status, HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_GT(RetryAfter(status), absl::ZeroDuration());
  EXPECT_EQ(proxy_.requests(), 4);
  EXPECT_THAT(Put("a", "bytes"), HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_EQ(proxy_.requests(), 5) << "callers do not pile up";
  proxy_.Heal();
  EXPECT_THAT(Put("a", "bytes"), IsOk());
  proxy_.Plan(HttpFault::kSlowDown, 2);
  EXPECT_THAT(Put("a", "bytes"), IsOk()) << "it is patient again";
}

TEST_F(S3ClientTest, AStoreThatIsAwayComesBack) {
  ASSERT_THAT(Put("a", "bytes"), IsOk());
  proxy_.Down();
  EXPECT_THAT(Put("b", "bytes"), HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_THAT(client_->Get("a", 0, 5), HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_THAT(client_->Remove("a"), HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_THAT(client_->List("", ""), HasReason("OBJECT_STORE_UNAVAILABLE"));
  proxy_.Up();
  EXPECT_EQ(*client_->Get("a", 0, 5), "bytes");
}

TEST_F(S3ClientTest, RepeatsATransferThatIsCut) {
  const std::string bytes(3'000'000, 'x');
  proxy_.Plan(HttpFault::kCutRequest);
  ASSERT_THAT(Put("a", bytes), IsOk());
  proxy_.Plan(HttpFault::kCutAnswer, 2);
  const auto read = client_->Get("a", 0, bytes.size());
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(*read == bytes);
}

TEST_F(S3ClientTest, TheStoreRefusesBytesThatChangeOnTheWay) {
  proxy_.Plan(HttpFault::kWrongRequest);
  ASSERT_THAT(Put("a", "these are the bytes"), IsOk()) << "the second attempt";
  EXPECT_EQ(*client_->Get("a", 0, 19), "these are the bytes");
  proxy_.Plan(HttpFault::kWrongRequest, 100);
  EXPECT_THAT(Put("b", "these are the bytes"), HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_THAT(client_->Get("b", 0, 1), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(S3ClientTest, AStalledRequestEnds) {
  options_.stall_timeout = absl::Seconds(1);
  options_.attempts = 2;
  client_ = std::make_unique<S3Client>(options_, clock_);
  proxy_.Plan(HttpFault::kNoAnswer, 2);
  const absl::Time begun = absl::Now();
  EXPECT_THAT(Put("a", "bytes"), HasReason("OBJECT_STORE_UNAVAILABLE"));
  EXPECT_LT(absl::Now() - begun, absl::Seconds(20));
}

TEST_F(S3ClientTest, SaysByHowMuchTheClocksDiffer) {
  proxy_.Plan(HttpFault::kSkewed);
  const absl::Status status = Put("a", "bytes");
  EXPECT_THAT(status, HasReason("OBJECT_STORE_CLOCK"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kUnavailable));
  // A second may pass in between.
  EXPECT_THAT(std::string(status.message()),
              testing::ContainsRegex("(3600|3599) s behind the store's"));
  EXPECT_EQ(proxy_.requests(), 1) << "another attempt would be refused too";
}

TEST_F(S3ClientTest, AFullStoreIsResourceExhausted) {
  proxy_.Plan(HttpFault::kFull);
  const absl::Status status = Put("a", "bytes");
  EXPECT_THAT(status, HasReason("OBJECT_STORE_FULL"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(S3ClientTest, WrongCredentialsAndAMissingBucketAreNamed) {
  S3Options wrong = options_;
  wrong.credentials.secret_key = Sensitive("another");
  S3Client stranger(wrong, clock_);
  const auto denied = stranger.Get("a", 0, 1);
  EXPECT_THAT(denied, HasReason("OBJECT_STORE_DENIED"));
  EXPECT_THAT(denied, HasMessage(HasSubstr("SignatureDoesNotMatch")));
  wrong.credentials.access_key = "nobody";
  EXPECT_THAT(S3Client(wrong, clock_).Get("a", 0, 1), HasReason("OBJECT_STORE_DENIED"));

  S3Options elsewhere = options_;
  elsewhere.bucket = "no-such-bucket";
  S3Client lost(elsewhere, clock_);
  EXPECT_THAT(lost.Get("a", 0, 1), HasReason("OBJECT_STORE_NO_BUCKET"));
  EXPECT_THAT(lost.List("", ""), HasReason("OBJECT_STORE_NO_BUCKET"));
}

TEST_F(S3ClientTest, WithoutCredentialsItSaysWhatToSet) {
  S3Options none = options_;
  none.credentials = {};
  const auto denied = S3Client(none, clock_).Get("a", 0, 1);
  EXPECT_THAT(denied, HasReason("OBJECT_STORE_DENIED"));
  EXPECT_THAT(denied, HasMessage(HasSubstr("AWS_ACCESS_KEY_ID")));
}

TEST_F(S3ClientTest, AnExpiredTokenIsLoadedAgain) {
  proxy_.Plan(HttpFault::kExpired);
  EXPECT_THAT(Put("a", "bytes"), IsOk());
  EXPECT_EQ(proxy_.requests(), 2);
}

TEST_F(S3ClientTest, RefusesWhatNeedsAnUploadInParts) {
  EXPECT_THAT(client_->Put({"a", Sha256Hex(""), (uint64_t{5} << 30) + 1, {}}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(S3ClientTest, ReadsAndWritesFromManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 10; ++j) {
        const std::string bytes = fmt::format("bytes {} {}", i, j);
        const std::string key = fmt::format("t{}/{}", i, j);
        if (Put(key, bytes).ok() && *client_->Get(key, 0, bytes.size()) == bytes) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 80);
}

}  // namespace
}  // namespace vico::server
