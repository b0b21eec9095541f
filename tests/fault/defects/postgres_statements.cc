#include "tests/fault/defects/postgres_statements.h"

#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include <libpq-fe.h>

namespace vico::fault {
namespace {

std::string& Planted() {
  static std::string defect;
  return defect;
}

thread_local std::function<void()> before_change;

/// The names of the statements that change jobs, by connection.
class ChangesOfJobs {
 public:
  void Add(const PGconn* connection, const char* name) {
    const std::lock_guard lock(mutex_);
    names_.emplace(connection, name);
  }
  bool Has(const PGconn* connection, const char* name) {
    const std::lock_guard lock(mutex_);
    return names_.contains(std::pair(connection, std::string(name)));
  }

 private:
  std::mutex mutex_;
  std::set<std::pair<const PGconn*, std::string>> names_;
};

ChangesOfJobs& Changes() {
  static ChangesOfJobs changes;
  return changes;
}

std::string Without(std::string text, std::string_view part) {
  if (const size_t at = text.find(part); at != std::string::npos) text.erase(at, part.size());
  return text;
}

}  // namespace

void PlantInStatements(const std::string& defect) { Planted() = defect; }

void BeforeChangeOfJob(std::function<void()> act) { before_change = std::move(act); }

}  // namespace vico::fault

// The linker option --wrap prescribes these names.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int __real_PQsendPrepare(PGconn* connection, const char* name, const char* query, int count,
                         const Oid* types);
int __real_PQsendQueryPrepared(PGconn* connection, const char* name, int count,
                               const char* const* values, const int* lengths, const int* formats,
                               int result_format);

int __wrap_PQsendPrepare(PGconn* connection, const char* name, const char* query, int count,
                         const Oid* types) {
  using namespace vico::fault;
  std::string text = query;
  if (text.find("UPDATE job SET state") != std::string::npos) Changes().Add(connection, name);
  if (Planted() == "no_row_lock") {
    text = Without(Without(text, " FOR NO KEY UPDATE"), " FOR SHARE");
  } else if (Planted() == "collect_in_one_statement") {
    text = Without(text, " FOR UPDATE SKIP LOCKED");
  }
  return __real_PQsendPrepare(connection, name, text.c_str(), count, types);
}

int __wrap_PQsendQueryPrepared(PGconn* connection, const char* name, int count,
                               const char* const* values, const int* lengths, const int* formats,
                               int result_format) {
  using namespace vico::fault;
  if (before_change && Changes().Has(connection, name)) {
    PQflush(connection);
    std::exchange(before_change, nullptr)();
  }
  return __real_PQsendQueryPrepared(connection, name, count, values, lengths, formats,
                                    result_format);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
