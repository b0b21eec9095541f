#include "common/rpc/address.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

class LoopbackTest : public testing::TestWithParam<const char*> {};
class NotLoopbackTest : public testing::TestWithParam<const char*> {};

TEST(AddressTest, RemoteAddressesAreValid) {
  for (const char* address : {"0.0.0.0:50051", "[::]:50051", "example.org:443", "unix:/run/vico"}) {
    EXPECT_THAT(CheckAddress("listen", address), IsOk()) << address;
  }
  for (const char* address : {"", "example.org", ":1", "a:65536", "unix:"}) {
    EXPECT_THAT(CheckAddress("listen", address), NamesField("listen")) << address;
  }
  EXPECT_FALSE(IsLoopback("example.org:443"));
}

TEST_P(LoopbackTest, IsAccepted) { EXPECT_THAT(CheckLoopback("listen", GetParam()), IsOk()); }
INSTANTIATE_TEST_SUITE_P(Addresses, LoopbackTest,
                         testing::Values("127.0.0.1:0", "127.0.0.1:50051", "127.8.9.1:1",
                                         "localhost:65535", "[::1]:50051", "unix:/run/vico"));

TEST_P(NotLoopbackTest, IsRefusedByName) {
  const absl::Status status = CheckLoopback("listen", GetParam());
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, NamesField("listen"));
}
INSTANTIATE_TEST_SUITE_P(Addresses, NotLoopbackTest,
                         testing::Values("0.0.0.0:50051", "[::]:50051", "10.0.0.1:1",
                                         "example.org:443", "127.0.0.1", "127.0.0.1:",
                                         "127.0.0.1:65536", "127.0.0.1:5o", "127.0.0.1.nip.io:1",
                                         "localhost.example:1", "unix:", "", ":50051"));

}  // namespace
}  // namespace vico
