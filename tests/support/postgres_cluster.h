// A PostgreSQL server of a test's own: on a Unix socket in a temporary folder, as an unprivileged
// user, ended however the test ends.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico {

struct PostgresClusterOptions {
  bool fsync = false;  ///< true: commits are durable, also after a power loss
  std::filesystem::path parent = TempFolder::InMemory();  ///< of the temporary folder
  std::string settings{};                                 ///< more lines of postgresql.conf
};

/// One thread at a time, except NewDatabase(). Aborts when PostgreSQL is not installed
/// (scripts/bootstrap --tests installs it) or does not start.
class PostgresCluster {
 public:
  explicit PostgresCluster(const PostgresClusterOptions& options = {});
  ~PostgresCluster();

  /// The cluster of this program, which starts with the first call and ends with the program.
  static PostgresCluster& OfThisProgram();

  /// Creates an empty database and returns its URL. Any thread.
  std::string NewDatabase();
  void DropDatabase(const std::string& url);

  /// The URL of a database with this name.
  std::string UrlOf(const std::string& database) const;

  void Start();
  /// Ends all connections and stops cleanly.
  void Stop();
  /// As after a crash: SIGKILL, and waits for the end of all its processes.
  void Kill();
  void Restart() { Stop(), Start(); }

  /// From now on this role must give its password.
  void RequirePasswords(const std::string& role);

  /// Runs one SQL statement as the superuser in `database`; returns psql's output.
  std::string Psql(const std::string& sql, const std::string& database = "postgres") const;

  pid_t pid() const { return server_->pid(); }

 private:
  void WaitForChildren() const;
  std::vector<std::string> AsUser(std::vector<std::string> command) const;

  const TempFolder folder_;
  const std::string data_;
  std::string user_;  // empty: this process's
  std::optional<Process> server_;
  std::atomic<int> databases_{0};
};

}  // namespace vico
