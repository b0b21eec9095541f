#include "tests/fault/defects/postgres_statements.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <libpq-fe.h>

namespace vico::fault {
namespace {

std::string& Planted() {
  static std::string defect;
  return defect;
}

/// The names of the statements that change jobs, by connection.
class SlowStatements {
 public:
  void Add(const PGconn* connection, const char* name) {
    const std::lock_guard lock(mutex_);
    names_.emplace(std::pair(connection, std::string(name)), true);
  }
  bool Has(const PGconn* connection, const char* name) {
    const std::lock_guard lock(mutex_);
    return names_.contains(std::pair(connection, std::string(name)));
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<const PGconn*, std::string>, bool> names_;
};

SlowStatements& Slow() {
  static SlowStatements slow;
  return slow;
}

std::string Without(std::string text, std::string_view part) {
  if (const size_t at = text.find(part); at != std::string::npos) text.erase(at, part.size());
  return text;
}

}  // namespace

void PlantInStatements(const std::string& defect) { Planted() = defect; }

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
  if (Planted() == "no_row_lock") {
    text = Without(Without(text, " FOR NO KEY UPDATE"), " FOR SHARE");
    if (text.starts_with("UPDATE job SET state")) Slow().Add(connection, name);
  } else if (Planted() == "collect_in_one_statement") {
    text = Without(text, " FOR UPDATE SKIP LOCKED");
  }
  return __real_PQsendPrepare(connection, name, text.c_str(), count, types);
}

int __wrap_PQsendQueryPrepared(PGconn* connection, const char* name, int count,
                               const char* const* values, const int* lengths, const int* formats,
                               int result_format) {
  using namespace vico::fault;
  if (Planted() == "no_row_lock" && Slow().Has(connection, name)) {
    PQflush(connection);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  return __real_PQsendQueryPrepared(connection, name, count, values, lengths, formats,
                                    result_format);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
