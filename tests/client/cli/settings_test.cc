#include "client/cli/settings.h"

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
