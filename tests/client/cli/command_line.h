// Runs command lines of `vico` against a server in this process.
#pragma once

#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/cli/commands.h"
#include "common/crypto/random_bits.h"
#include "tests/client/lib/fake_server.h"
#include "tests/support/temp_folder.h"

namespace vico::client {

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    ClientOptions options;
    options.server = server_.address();
    client_ = *Client::Open(options, RandomBits);
  }

  /// Parses and runs a command line; its exit code, -1 if it is refused. Drawn seeds are 4242.
  int Vico(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    const ParsedArguments parsed = ParseArguments(words, [] { return 4'242; });
    EXPECT_TRUE(parsed.arguments) << parsed.err;
    if (!parsed.arguments) return -1;
    CommandContext context{*client_,
                           interrupt_,
                           out_,
                           err_,
                           [] { return std::optional<int>(); },
                           parsed.arguments->json};
    return RunCommand(parsed.arguments->command, context);
  }

  std::string At(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(At(name)).rdbuf();
    return text.str();
  }

  FakeServer server_;
  TempFolder folder_;
  Interrupt interrupt_;
  std::unique_ptr<Client> client_;
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace vico::client
