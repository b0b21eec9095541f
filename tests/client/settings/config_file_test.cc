#include "client/settings/config_file.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class ServerLine : public testing::TestWithParam<std::string> {};
TEST_P(ServerLine, IsReadAsPeopleWriteIt) {
  const auto lines = ParseConfig("config", GetParam());
  ASSERT_THAT(lines, IsOk());
  EXPECT_THAT(*lines, UnorderedElementsAre(Pair("server", "a:1")));
}
INSTANTIATE_TEST_SUITE_P(
    Texts, ServerLine,
    testing::Values("server = a:1", "server=a:1", "server = a:1\n", "server = a:1\r\n",
                    "\xef\xbb\xbfserver = a:1\r\n", "  server\t=\ta:1  ", "server = \"a:1\"",
                    "server='a:1'  # ours", "export server=a:1", "export VICO_SERVER=\"a:1\"",
                    "VICO_SERVER=a:1", "Server = a:1", "# mine\n; also mine\n\nserver = a:1",
                    "server = a:1 # ours", "server = a:1 ; ours", "server = b:2\nserver = a:1"));

TEST(ConfigFileTest, NamesMayHaveDashes) {
  const auto lines = ParseConfig("config", "key-file = k\nadmin-server = a:1\n");
  ASSERT_THAT(lines, IsOk());
  EXPECT_THAT(*lines, UnorderedElementsAre(Pair("key_file", "k"), Pair("admin_server", "a:1")));
}

TEST(ConfigFileTest, ACommentFollowsABlank) {
  EXPECT_EQ(ParseConfig("config", "ca = /my#1/ca.pem").value()["ca"], "/my#1/ca.pem");
  EXPECT_EQ(ParseConfig("config", "ca = \"/my # 1/ca.pem\"").value()["ca"], "/my # 1/ca.pem");
  EXPECT_EQ(ParseConfig("config", "ca = # none").value()["ca"], "");
}

TEST(ConfigFileTest, AnUnknownNameIsNamedWithItsLine) {
  EXPECT_THAT(
      ParseConfig("config", "\nserver = a:1\nadress = b:2\n"),
      AllOf(NamesField("config"), HasMessage(HasSubstr("line 3: there is no setting adress")),
            HasMessage(HasSubstr("the names are server, ca"))));
  EXPECT_THAT(ParseConfig("config", "sever = a:1"), HasMessage(HasSubstr("did you mean server?")));
}

TEST(ConfigFileTest, ALineThatMayBeAKeyIsNotRepeated) {
  for (const char* text : {"secret-text", "vico_s3cret_TEXT==", "S3CRET", "\"secret",
                           "secretsecretsecretsecretsecret = x"}) {
    EXPECT_THAT(
        ParseConfig("config", text),
        HasMessage(AllOf(HasSubstr("line 1"), Not(HasSubstr("ecret")), Not(HasSubstr("3CRET")))))
        << text;
  }
}

TEST(ConfigFileTest, AQuoteMustEnd) {
  for (const char* text : {"server = \"a:1", "server = 'a:1\"", "server = \"a:1\" b"}) {
    EXPECT_THAT(ParseConfig("config", text), HasMessage(HasSubstr("line 1: the quote"))) << text;
  }
}

TEST(ConfigFileTest, Utf16IsNamed) {
  EXPECT_THAT(ParseConfig("config", std::string("\xff\xfes\0", 4)),
              HasMessage(HasSubstr("UTF-16")));
}

TEST(ConfigFileTest, ATildeIsTheHomeFolder) {
  EXPECT_EQ(WithHome("~/key", "/home/me"), "/home/me/key");
  EXPECT_EQ(WithHome("~", "/home/me"), "/home/me");
  EXPECT_EQ(WithHome("$HOME/key", "/home/me"), "/home/me/key");
  EXPECT_EQ(WithHome("${HOME}/key", "/home/me"), "/home/me/key");
  EXPECT_EQ(WithHome("$HOMER/key", "/home/me"), "$HOMER/key");
  EXPECT_EQ(WithHome("~other/key", "/home/me"), "~other/key");
  EXPECT_EQ(WithHome("/a/~/key", "/home/me"), "/a/~/key");
  EXPECT_EQ(WithHome("~/key", ""), "~/key");
}

}  // namespace
}  // namespace vico::client
