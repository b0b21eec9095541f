#include "tests/support/postgres_cluster.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vico {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{60};

/// The folder of initdb and postgres: Debian's, or the one of a program in PATH.
std::string ProgramFolder() {
  for (const char* version : {"17", "16", "15", "14", "13"}) {
    const std::string folder = std::string("/usr/lib/postgresql/") + version + "/bin";
    if (fs::exists(folder + "/postgres")) return folder + "/";
  }
  return "";
}

/// PostgreSQL refuses to run as root.
std::string UserForServer() {
  if (geteuid() != 0) return "";
  return getpwnam("postgres") != nullptr ? "postgres" : "nobody";
}

[[noreturn]] void Fail(const std::string& what, const std::string& details) {
  std::fprintf(stderr, "PostgreSQL: %s: %s\n", what.c_str(), details.c_str());
  std::abort();
}

void GiveTo(const std::string& folder, const std::string& user) {
  if (user.empty()) return;
  const passwd* const entry = getpwnam(user.c_str());
  if (entry == nullptr || chown(folder.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
    Fail(folder, "cannot be given to " + user);
  }
}

}  // namespace

PostgresCluster::PostgresCluster(const PostgresClusterOptions& options)
    : folder_(options.parent), data_(folder_.path() + "/data"), user_(UserForServer()) {
  GiveTo(folder_.path(), user_);
  const auto made = RunToEnd(
      AsUser({ProgramFolder() + "initdb", "--pgdata", data_, "--username", "postgres", "--auth",
              "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"}),
      kPatience);
  if (made.exit_code != 0) Fail("initdb", made.err);
  const std::string on = options.fsync ? "on" : "off";
  WriteFile(data_ + "/vico.conf",
            "listen_addresses = ''\nunix_socket_directories = '" + folder_.path() +
                "'\nfsync = " + on + "\nfull_page_writes = " + on +
                "\nsynchronous_commit = on\nmax_connections = 200\nshared_buffers = 64MB\n"
                "jit = off\ndynamic_shared_memory_type = mmap\nmax_wal_senders = 0\nwal_level = "
                "minimal\nautovacuum_naptime = 10s\n"
                "recovery_init_sync_method = syncfs\nlog_min_messages = fatal\n"
                "logging_collector = off\n" +
                options.settings);
  WriteFile(data_ + "/postgresql.conf",
            ReadFile(data_ + "/postgresql.conf") + "\ninclude 'vico.conf'\n");
  chmod((data_ + "/vico.conf").c_str(), 0644);
  Start();
}

PostgresCluster::~PostgresCluster() {
  if (server_) Kill();
}

PostgresCluster& PostgresCluster::OfThisProgram() {
  static PostgresCluster cluster;
  return cluster;
}

/// The command as the user of the server. It ends with this process: a signal to a parent that dies
/// would be lost by the change of users, so setpriv sets it afterwards.
std::vector<std::string> PostgresCluster::AsUser(std::vector<std::string> command) const {
  std::vector<std::string> all = {"setpriv", "--pdeathsig", "QUIT"};
  if (!user_.empty()) {
    all.insert(all.end(), {"--reuid", user_, "--regid", user_, "--clear-groups"});
  }
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

void PostgresCluster::Start() {
  const std::string log = folder_.path() + "/log";
  ProcessOptions options;
  options.out = log;
  options.err = log;
  server_.emplace(AsUser({ProgramFolder() + "postgres", "-D", data_}), options);
  const bool ready = Eventually(
      [&] {
        return RunToEnd({ProgramFolder() + "pg_isready", "--quiet", "--host", folder_.path()})
                   .exit_code == 0;
      },
      kPatience);
  if (!ready) Fail("does not start", ReadFile(log));
}

void PostgresCluster::Stop() {
  server_->Signal(SIGINT);
  if (!server_->Wait(kPatience)) Fail("does not stop", ReadFile(folder_.path() + "/log"));
  server_.reset();
}

void PostgresCluster::Kill() {
  server_->Kill();
  server_.reset();
  WaitForChildren();
  // The next start takes the file's process for a living one if its number is in use again.
  fs::remove(data_ + "/postmaster.pid");
}

/// All processes of the server work in its data folder. They end when they notice that the first
/// one is gone.
void PostgresCluster::WaitForChildren() const {
  const bool gone = Eventually(
      [&] {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
          const fs::path folder = fs::read_symlink(entry.path() / "cwd", ignored);
          if (!ignored && folder == data_) return false;
          ignored.clear();
        }
        return true;
      },
      kPatience);
  if (!gone) Fail("does not end", data_);
}

void PostgresCluster::RequirePasswords(const std::string& role) {
  const std::string path = data_ + "/pg_hba.conf";
  WriteFile(path, "local all " + role + " scram-sha-256\n" + ReadFile(path));
  Psql("SELECT pg_reload_conf()");
}

std::string PostgresCluster::UrlOf(const std::string& database) const {
  std::string host;
  for (const char c : folder_.path()) host += c == '/' ? std::string("%2F") : std::string(1, c);
  return "postgres://postgres@" + host + "/" + database;
}

std::string PostgresCluster::Psql(const std::string& sql, const std::string& database) const {
  const auto done =
      RunToEnd({ProgramFolder() + "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
                "--set", "ON_ERROR_STOP=1", "--command", sql, UrlOf(database)});
  if (done.exit_code != 0) Fail(sql, done.err);
  return done.out;
}

std::string PostgresCluster::NewDatabase() {
  const std::string name = "test" + std::to_string(++databases_);
  Psql("CREATE DATABASE " + name);
  return UrlOf(name);
}

void PostgresCluster::DropDatabase(const std::string& url) {
  Psql("DROP DATABASE " + url.substr(url.rfind('/') + 1) + " WITH (FORCE)");
}

}  // namespace vico
