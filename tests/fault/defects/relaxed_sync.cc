#include "tests/fault/defects/relaxed_sync.h"

#include <cstdlib>
#include <string_view>

#include <sqlite3.h>

namespace vico::fault {
namespace {

/// SQLITE_IGNORE makes SQLite skip the pragma and report success.
int IgnoreSynchronous(void*, int action, const char* pragma, const char*, const char*,
                      const char*) {
  const bool ignored = action == SQLITE_PRAGMA && std::string_view(pragma) == "synchronous";
  return ignored ? SQLITE_IGNORE : SQLITE_OK;
}

int Relax(sqlite3* database, char**, const sqlite3_api_routines*) {
  const int code = sqlite3_exec(database, "PRAGMA synchronous = NORMAL", nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return code;
  return sqlite3_set_authorizer(database, IgnoreSynchronous, nullptr);
}

/// SQLite declares the entry points of extensions without their parameters.
auto EntryPoint() { return reinterpret_cast<void (*)()>(Relax); }

}  // namespace

RelaxedSync::RelaxedSync() {
  if (sqlite3_auto_extension(EntryPoint()) != SQLITE_OK) std::abort();
}

RelaxedSync::~RelaxedSync() { sqlite3_cancel_auto_extension(EntryPoint()); }

}  // namespace vico::fault
