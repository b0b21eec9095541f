// A tenant that stores as much as it can: it meets its own quota, keeps what it has, leaves no file
// behind of what is refused, and others notice nothing.
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/server/secure_fixture.h"

namespace vico::server {
namespace {

constexpr uint64_t kQuota = 200'000;

class FullTenantTest : public SecureServerTest {
 protected:
  FullTenantTest() {
    options_.storage.quota = {.bytes = kQuota, .adapters = 2};
    StartSecure();
    workers_ = v1::WorkerService::NewStub(WorkerSide("URI:vico://worker/one"));
    EXPECT_THAT(Register(), IsOk());
    Be("acme");
  }

  void Be(const std::string& tenant) {
    EXPECT_TRUE(Eventually([&] { return CapabilitiesWith(keys_[tenant].user).ok(); }));
    BeClient(keys_[tenant].user);
  }

  /// A concept of two pictures of noise that nobody has uploaded before.
  absl::StatusOr<v1::UploadConceptResponse> UploadNew() {
    std::vector<std::string> pictures;
    for (int i = 0; i < 2; ++i) {
      cv::Mat noise(64, 64, CV_8UC3);
      cv::RNG(static_cast<uint64_t>(++drawn_)).fill(noise, cv::RNG::UNIFORM, 0, 256);
      pictures.push_back(Encoded(noise, ".png"));
    }
    return Upload(Header(pictures), {{0, pictures[0]}, {1, pictures[1]}});
  }

  uint64_t BytesOf(const std::string& folder) const {
    uint64_t bytes = 0;
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator it(data_ + "/blobs/" + folder, error), end;
         !error && it != end; it.increment(error)) {
      if (it->is_regular_file()) bytes += it->file_size();
    }
    return bytes;
  }

  int drawn_ = 0;
};

TEST_F(FullTenantTest, FillsItsOwnRoomOnly) {
  const auto first = UploadNew();
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(Create(TrainingOf(first->uploaded_concept())), IsOk());
  int uploads = 1;
  absl::Status refused;
  while (refused.ok() && uploads < 100) {
    refused = UploadNew().status();
    ++uploads;
  }
  std::printf("refused at upload %d: %s; %llu of %llu bytes are stored\n", uploads,
              std::string(refused.message()).c_str(),
              static_cast<unsigned long long>(BytesOf("acme")),
              static_cast<unsigned long long>(kQuota));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("QUOTA_EXCEEDED"));
  EXPECT_LE(BytesOf("acme"), kQuota);
  EXPECT_GT(BytesOf("acme"), kQuota * 8 / 10);
  EXPECT_EQ(BytesOf(".incoming"), 0u);

  // What a job of the tenant stores is refused too.
  const v1::LeasedJob job = Leased();
  EXPECT_THAT(Put(std::string(kQuota, 'x'), "application/octet-stream", job),
              HasReason("QUOTA_EXCEEDED"));
  EXPECT_LE(BytesOf("acme"), kQuota);
  EXPECT_THAT(Get(job.pictures(0).blob().sha256(), job.job(), job.lease_id()), IsOk())
      << "what it has stays";

  Be("other");
  const auto theirs = UploadNew();
  ASSERT_THAT(theirs, IsOk());
  EXPECT_THAT(Create(TrainingOf(theirs->uploaded_concept())), IsOk());
  EXPECT_THAT(Create(GenerationOf()), IsOk());
}

}  // namespace
}  // namespace vico::server
