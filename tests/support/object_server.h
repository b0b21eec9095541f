// The server that the tests of S3 use: SeaweedFS, or Swift with VICO_TEST_SWIFT, which names the
// Python of an environment with Swift.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "tests/support/seaweed.h"

namespace vico {

struct ObjectServer {
  int port = 0;
  std::string access_key;
  std::string secret_key;
  bool swift = false;

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port); }

  /// The server of this program, which starts with the first call and ends with the program.
  static const ObjectServer& OfThisProgram() {
    static const ObjectServer server = std::getenv("VICO_TEST_SWIFT") == nullptr
                                           ? ObjectServer{Seaweed::OfThisProgram().port(),
                                                          Seaweed::kAccessKey, Seaweed::kSecretKey}
                                           : StartSwift(std::getenv("VICO_TEST_SWIFT"));
    return server;
  }

 private:
  static ObjectServer StartSwift(const std::string& python) {
    static const TempFolder folder;
    const int port = FreePort();
    static const Process process({python, "tests/support/swift_server.py", folder.path(),
                                  std::to_string(port), "vico", "a-secret-of-the-tests"});
    return {port, "test:vico", "a-secret-of-the-tests", true};
  }
};

}  // namespace vico
