// A SeaweedFS server of a test's own, for objects over S3: on loopback, in a temporary folder,
// ended however the test ends.
#pragma once

#include <optional>
#include <string>

#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico {

/// One thread at a time. Aborts when SeaweedFS is not installed (scripts/bootstrap --tests installs
/// it) or does not start.
class Seaweed {
 public:
  static constexpr char kAccessKey[] = "vico-tests";
  static constexpr char kSecretKey[] = "a-secret-of-the-tests";

  Seaweed();

  /// The server of this program, which starts with the first call and ends with the program.
  static Seaweed& OfThisProgram();

  void Start();
  /// As after a crash: SIGKILL. The port stays the same.
  void Kill() { server_->Kill(); }

  int port() const { return ports_[0]; }
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port()); }

 private:
  bool Answers() const;

  const TempFolder folder_;
  int ports_[8] = {};
  std::optional<Process> server_;
};

/// A port of loopback that nothing listens on now, and that the kernel gives to no outgoing
/// connection, so that a program can be started again at the same one. One thread at a time.
int FreePort();

}  // namespace vico
