#include "tests/fault/defects/early_reply.h"

#include <atomic>
#include <string_view>

#include <sqlite3.h>

namespace vico::fault {
namespace {

std::atomic<bool> planted{false};
// The connection whose transaction began with a plain BEGIN IMMEDIATE. Migrations begin and end
// theirs in other ways and are left alone.
std::atomic<sqlite3*> writer{nullptr};

}  // namespace

void ReplyBeforeCommit() { planted = true; }

}  // namespace vico::fault

// The linker option --wrap prescribes these names.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int __real_sqlite3_exec(sqlite3* database, const char* sql, sqlite3_callback callback,
                        void* argument, char** error);

int __wrap_sqlite3_exec(sqlite3* database, const char* sql, sqlite3_callback callback,
                        void* argument, char** error) {
  using vico::fault::planted;
  using vico::fault::writer;
  const std::string_view text(sql);
  if (planted && text == "BEGIN IMMEDIATE") {
    if (sqlite3_get_autocommit(database) == 0) {
      __real_sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
    }
    writer = database;
  } else if (planted && text == "COMMIT" && writer == database) {
    return SQLITE_OK;
  }
  return __real_sqlite3_exec(database, sql, callback, argument, error);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
