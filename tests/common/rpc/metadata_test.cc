#include "common/rpc/metadata.h"

#include <string>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/test/client_context_test_peer.h>

#include "common/rpc/trace_metadata.h"
#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetadataTest, AKeyThatCanBeSentIsAccepted) {
  EXPECT_THAT(CheckKey("VICO_KEY", Sensitive("vico_0123abcd_A-Z.a~z+/9==")), IsOk());
}

class WrongKey : public testing::TestWithParam<std::string> {};
TEST_P(WrongKey, IsRefusedWithoutItsText) {
  EXPECT_THAT(CheckKey("VICO_KEY", Sensitive(GetParam())),
              AllOf(NamesField("VICO_KEY"), HasMessage(Not(HasSubstr("secret"))),
                    HasMessage(HasSubstr("a character that no key has"))));
}
INSTANTIATE_TEST_SUITE_P(Keys, WrongKey,
                         testing::Values("\xef\xbb\xbfsecret", "secret\r", "secret\nsecret",
                                         "secret secret", "\"secret\"", "secr\xc3\xa9t secret",
                                         "secret\x7f", std::string("secret\0", 7), "secret\x1b[0m",
                                         "s\xff"));

TEST(MetadataTest, MoreOrLessThanAKeyIsRefused) {
  EXPECT_THAT(CheckKey("key", Sensitive("")), HasMessage(HasSubstr("holds no key")));
  EXPECT_THAT(CheckKey("key", Sensitive(std::string(2000, 'k'))), HasMessage(HasSubstr("1024")));
}

TEST(MetadataTest, AnInvalidTraceIsNotSent) {
  grpc::ClientContext context;
  AddTrace({.trace_id = "caf\xe9", .span_id = "1"}, context);
  AddTrace({.trace_id = std::string(32, '\n'), .span_id = std::string(16, '1')}, context);
  EXPECT_TRUE(grpc::testing::ClientContextTestPeer(&context).GetSendInitialMetadata().empty());
}

TEST(MetadataTest, AnInvalidTracestateIsLeftOut) {
  grpc::ClientContext context;
  TraceContext trace = NewTrace();
  trace.tracestate = "a=\xe9\n";
  AddTrace(trace, context);
  const auto sent = grpc::testing::ClientContextTestPeer(&context).GetSendInitialMetadata();
  EXPECT_EQ(sent.count("traceparent"), 1U);
  EXPECT_EQ(sent.count("tracestate"), 0U);
}

}  // namespace
}  // namespace vico
