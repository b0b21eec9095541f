#include "client/settings/settings.h"

#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::client {
namespace {

class SettingsTest : public testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  absl::StatusOr<Settings> Read(const ConnectionFlags& flags = {}) {
    const auto environment = [this](const char* name) { return variables_[name]; };
    return ReadSettings(flags, environment, config_);
  }

  TempFolder folder_;
  std::map<std::string, std::string> variables_;
  std::string config_ = folder_.path() + "/config";
};

TEST_F(SettingsTest, TheDefaultIsLoopbackWithoutAKey) {
  const auto settings = Read();
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->server, "127.0.0.1:50051");
  EXPECT_EQ(settings->ca, "");
  EXPECT_TRUE(settings->key.empty());
}

TEST_F(SettingsTest, FlagsOverrideTheEnvironmentWhichOverridesTheFile) {
  File("config", "# mine\nserver = a:1\nca = ca.pem  # ours\nkey = from-config\n");
  auto settings = Read();
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->server, "a:1");
  EXPECT_EQ(settings->ca, folder_.path() + "/ca.pem");
  EXPECT_EQ(settings->key.Reveal(), "from-config");

  variables_ = {{"VICO_SERVER", "b:2"}, {"VICO_CA", "/b.pem"}, {"VICO_KEY", "from-environment"}};
  settings = Read();
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->server, "b:2");
  EXPECT_EQ(settings->ca, "/b.pem");
  EXPECT_EQ(settings->key.Reveal(), "from-environment");

  settings = Read({.server = "c:3",
                   .ca = "/c.pem",
                   .key_file = File("key", " from-flag\n"),
                   .cert = {},
                   .cert_key = {}});
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->server, "c:3");
  EXPECT_EQ(settings->ca, "/c.pem");
  EXPECT_EQ(settings->key.Reveal(), "from-flag");
}

TEST_F(SettingsTest, AKeyMayBeInASeparateFile) {
  File("key", "from-file\n");
  File("config", "key_file = key\n", 0644);
  EXPECT_EQ(Read()->key.Reveal(), "from-file");
  variables_["VICO_KEY_FILE"] = File("other", "from-other");
  EXPECT_EQ(Read()->key.Reveal(), "from-other");
}

TEST_F(SettingsTest, AFolderIsNoKeyFile) {
  variables_["VICO_KEY_FILE"] = folder_.path();
  EXPECT_THAT(Read(), HasMessage(testing::HasSubstr("is a folder, not a file")));
}

TEST_F(SettingsTest, AKeyFileThatOthersCanReadIsRefused) {
  variables_["VICO_KEY_FILE"] = File("key", "secret-text", 0640);
  EXPECT_THAT(Read(), HasMessage(testing::HasSubstr("others can read it")));
  EXPECT_THAT(Read(), HasMessage(testing::Not(testing::HasSubstr("secret-text"))));
  variables_.clear();
  File("config", "key = secret-text\n", 0644);
  EXPECT_THAT(Read(), HasMessage(testing::HasSubstr("others can read it")));
}

TEST_F(SettingsTest, ErrorsNameTheFileAndLineButNotTheText) {
  File("config", "server = a:1\nsecret-text\n");
  EXPECT_THAT(Read(), HasMessage(testing::HasSubstr("line 2")));
  EXPECT_THAT(Read(), HasMessage(testing::Not(testing::HasSubstr("secret-text"))));
  File("config", "");
  variables_["VICO_KEY_FILE"] = folder_.path() + "/none";
  EXPECT_THAT(Read(), NamesField(folder_.path() + "/none"));
  variables_["VICO_KEY_FILE"] = File("empty", "\n");
  EXPECT_THAT(Read(), HasMessage(testing::HasSubstr("holds no key")));
}

TEST_F(SettingsTest, AKeyIsReadAsEditorsSaveIt) {
  for (const char* text :
       {"the-key", "the-key\n", "the-key\r\n", " \tthe-key \n\n", "\xef\xbb\xbfthe-key\r\n"}) {
    variables_ = {{"VICO_KEY_FILE", File("key", text)}};
    EXPECT_EQ(Read()->key.Reveal(), "the-key");
    variables_ = {{"VICO_KEY", text}};
    EXPECT_EQ(Read()->key.Reveal(), "the-key");
  }
  variables_.clear();
  File("config", "\xef\xbb\xbfkey = the-key\r\n");
  EXPECT_EQ(Read()->key.Reveal(), "the-key");
}

TEST_F(SettingsTest, AKeyThatCannotBeSentIsRefusedWhereItIsRead) {
  for (const char* text : {"secr\xc3\xa9t", "secret secret", "secret\nsecret", "\"secret\"",
                           "secret\x1b[0m", "\xef\xbb\xbf\xef\xbb\xbfsecret"}) {
    const auto refused = [](const std::string& where) {
      return testing::AllOf(HasCode(absl::StatusCode::kInvalidArgument), NamesField(where),
                            HasMessage(testing::HasSubstr("a character that no key has")),
                            HasMessage(testing::Not(testing::HasSubstr("secret"))));
    };
    const std::string file = File("key", text);
    variables_ = {{"VICO_KEY_FILE", file}};
    EXPECT_THAT(Read(), refused(file)) << text;
    variables_ = {{"VICO_KEY", text}};
    EXPECT_THAT(Read(), refused("VICO_KEY")) << text;
  }
  variables_.clear();
  File("config", "key = secret secret\n");
  EXPECT_THAT(Read(), NamesField(config_ + ": key"));
}

TEST_F(SettingsTest, Utf16IsNamed) {
  const std::string key = File("key", std::string("\xff\xfek\0e\0y\0", 8));
  variables_ = {{"VICO_KEY_FILE", key}};
  EXPECT_THAT(Read(), testing::AllOf(NamesField(key), HasMessage(testing::HasSubstr("UTF-16"))));
  variables_.clear();
  File("config", std::string("s\0e\0", 4));
  EXPECT_THAT(Read(),
              testing::AllOf(NamesField(config_), HasMessage(testing::HasSubstr("UTF-16"))));
}

TEST_F(SettingsTest, ATildeIsTheHomeFolder) {
  variables_ = {{"HOME", folder_.path()}, {"VICO_KEY_FILE", "~/key"}, {"VICO_CA", "~/ca.pem"}};
  File("key", "the-key");
  EXPECT_EQ(Read()->key.Reveal(), "the-key");
  EXPECT_EQ(Read()->ca, folder_.path() + "/ca.pem");
  variables_.erase("VICO_KEY_FILE");
  File("config", "key_file = \"~/key\"\ncert = ~/c.pem\n");
  EXPECT_EQ(Read()->key.Reveal(), "the-key");
  EXPECT_EQ(Read()->cert, folder_.path() + "/c.pem");
}

TEST_F(SettingsTest, AnEmptyValueCountsAsNone) {
  File("config", "server =\nca = \"\"\nkey =\nkey_file = # later\n");
  const auto settings = Read();
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->server, "127.0.0.1:50051");
  EXPECT_EQ(settings->ca, "");
  EXPECT_TRUE(settings->key.empty());
}

TEST_F(SettingsTest, TheConfigurationIsInTheConfigFolderOfTheUser) {
  const auto environment = [this](const char* name) { return variables_[name]; };
  EXPECT_EQ(ConfigPath(environment), "");
  variables_["HOME"] = "/home/me";
  EXPECT_EQ(ConfigPath(environment), "/home/me/.config/vico/config");
  variables_["XDG_CONFIG_HOME"] = "/elsewhere";
  EXPECT_EQ(ConfigPath(environment), "/elsewhere/vico/config");
}

}  // namespace
}  // namespace vico::client
