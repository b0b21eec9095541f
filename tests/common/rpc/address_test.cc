#include "common/rpc/address.h"

#include <utility>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LoopbackTest : public testing::TestWithParam<const char*> {};
class NotLoopbackTest : public testing::TestWithParam<const char*> {};
class InvalidAddressTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};
class TargetTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST(AddressTest, RemoteAddressesAreValid) {
  for (const char* address : {"0.0.0.0:50051", "[::]:50051", "example.org:443", "unix:/run/vico",
                              "my_host:1", "[2001:db8::1]:50051", "[fe80::1%eth0]:1"}) {
    EXPECT_THAT(CheckAddress("listen", address), IsOk()) << address;
  }
  EXPECT_FALSE(IsLoopback("example.org:443"));
}

TEST_P(LoopbackTest, IsAccepted) { EXPECT_THAT(CheckLoopback("listen", GetParam()), IsOk()); }
INSTANTIATE_TEST_SUITE_P(Addresses, LoopbackTest,
                         testing::Values("127.0.0.1:0", "127.0.0.1:50051", "127.8.9.1:1",
                                         "localhost:65535", "LOCALHOST:1", "LocalHost.:1",
                                         "[::1]:50051", "[0:0:0:0:0:0:0:1]:1",
                                         "[::ffff:127.0.0.1]:1", "127.1:1", "0x7f.1:1",
                                         "2130706433:1", "unix-abstract:vico", "unix:/run/vico",
                                         "unix:///run/vico", "UNIX:relative", "http://localhost:1/",
                                         "grpc://127.1:1", "https://[::1]:1", "dns:///localhost:1",
                                         "dns:localhost:1", "ipv4:127.0.0.1:1", "ipv6:[::1]:1",
                                         "ipv6:%5B::1%5D:1"));

TEST_P(NotLoopbackTest, IsRefusedByName) {
  const absl::Status status = CheckLoopback("listen", GetParam());
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, NamesField("listen"));
}
INSTANTIATE_TEST_SUITE_P(Addresses, NotLoopbackTest,
                         testing::Values("0.0.0.0:50051", "[::]:50051", "10.0.0.1:1", "128.1:1",
                                         "example.org:443", "http://example.org:1",
                                         "127.0.0.1.nip.io:1", "localhost.example:1",
                                         "[::ffff:10.0.0.1]:1", "127.0.0.1@10.0.0.1:1"));

TEST_P(TargetTest, IsWhatGrpcTakes) {
  const auto address = ParseAddress("server", GetParam().first);
  ASSERT_THAT(address, IsOk());
  EXPECT_EQ(address->target, GetParam().second);
}
INSTANTIATE_TEST_SUITE_P(
    Addresses, TargetTest,
    testing::Values(std::pair("LOCALHOST:1", "localhost:1"), std::pair("127.1:1", "127.0.0.1:1"),
                    std::pair("http://localhost:1/", "localhost:1"),
                    std::pair("https://Example.org.:443", "example.org:443"),
                    std::pair("grpcs://a:1", "a:1"), std::pair("dns:///a:1", "a:1"),
                    std::pair("dns:50051", "dns:50051"), std::pair("ipv4:10.0.0.1:1", "10.0.0.1:1"),
                    std::pair("ipv6:%5b::1%5d:1", "[::1]:1"), std::pair("a:0050051", "a:50051"),
                    std::pair("[::1]:1/", "[::1]:1"), std::pair("unix:///run/v", "unix:/run/v")));

TEST_P(InvalidAddressTest, IsExplained) {
  EXPECT_THAT(CheckAddress("server", GetParam().first),
              AllOf(NamesField("server"), HasMessage(HasSubstr(GetParam().second))));
}
INSTANTIATE_TEST_SUITE_P(
    Addresses, InvalidAddressTest,
    testing::Values(
        std::pair("", "must be host:port"), std::pair("example.org", "has no port"),
        std::pair("127.0.0.1:", "has no port"), std::pair("https://host", "has no port"),
        std::pair("[::1]", "write [::1]:PORT"), std::pair("::1", "write [::1]:PORT"),
        std::pair("::1:50051", "in brackets"), std::pair("1:2:3", "in brackets"),
        std::pair(":50051", "host:port"), std::pair("a:65536", "0..65535"),
        std::pair("a:-1", "0..65535"), std::pair("a:+1", "0..65535"), std::pair("a:5o", "0..65535"),
        std::pair("a:0x10", "0..65535"), std::pair("a:1:2", "in brackets"),
        std::pair("ftp://a:1", "scheme"),
        std::pair("unix-abstract:", "a name after unix-abstract:"),
        std::pair("dns://8.8.8.8/a:1", "DNS server"), std::pair("https://a:1/vico", "no path"),
        std::pair("a:1?x", "no path"), std::pair("ipv4:a:1", "IPv4"),
        std::pair("ipv6:10.0.0.1:1", "IPv6"), std::pair("256.1.1.1:1", "host name or an IP"),
        std::pair("10.0.0.1,10.0.0.2:1", "one address"), std::pair("a b:1", "character"),
        std::pair(" a:1", "character"), std::pair("a:1\n", "character"),
        std::pair("\"a:1\"", "character"), std::pair("m\xc3\xbcller:1", "character"),
        std::pair("[::1:1", "]"), std::pair("[::g]:1", "IPv6"), std::pair("[::1]x:1", "[address]"),
        std::pair("unix:", "path after unix:"), std::pair("unix://a", "unix:///")));

TEST(AddressTest, APasswordIsNotRepeated) {
  for (const char* text : {"https://me:hunter2@host:1", "me:hunter2@host", "hunter2@::1"}) {
    EXPECT_THAT(CheckAddress("server", text),
                HasMessage(AllOf(HasSubstr("before @"), Not(HasSubstr("hunter2")))));
  }
}

TEST(AddressTest, TheSchemeSaysWhetherTlsIsUsed) {
  EXPECT_EQ(ParseAddress("s", "a:1")->scheme, Address::Scheme::kNone);
  EXPECT_EQ(ParseAddress("s", "HTTP://a:1")->scheme, Address::Scheme::kPlain);
  EXPECT_EQ(ParseAddress("s", "grpc://a:1")->scheme, Address::Scheme::kPlain);
  EXPECT_EQ(ParseAddress("s", "https://a:1")->scheme, Address::Scheme::kTls);
  EXPECT_EQ(ParseAddress("s", "grpcs://a:1")->scheme, Address::Scheme::kTls);
}

TEST(AddressTest, AllAddressesOfTheMachineAreKnown) {
  for (const char* text : {"0.0.0.0:1", "0:1", "[::]:1", "[::ffff:0.0.0.0]:1"}) {
    EXPECT_TRUE(ParseAddress("s", text)->wildcard) << text;
  }
  EXPECT_FALSE(ParseAddress("s", "127.0.0.1:1")->wildcard);
}

TEST(AddressTest, AnAddressToListenOnHasNoScheme) {
  EXPECT_EQ(ParseListenAddress("--listen", "LOCALHOST:0").value(), "localhost:0");
  EXPECT_EQ(ParseListenAddress("--listen", "127.1:0").value(), "127.0.0.1:0");
  for (const char* text : {"http://127.0.0.1:0", "https://0.0.0.0:1"}) {
    EXPECT_THAT(ParseListenAddress("--listen", text),
                AllOf(NamesField("--listen"), HasMessage(HasSubstr("without a scheme"))));
  }
}

}  // namespace
}  // namespace vico
