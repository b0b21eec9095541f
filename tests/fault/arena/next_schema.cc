// Makes of vico-server the version after it, for tests of upgrades: one whose schema has one more
// migration. VICO_NEXT_SCHEMA=excluding in the environment of `migrate` makes it one that today's
// program may not use.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "server/sql/migrations.h"

namespace vico::server {

// The linker option --wrap prescribes these names: PostgresMigrations() and NewestSchema().
std::span<const Migration> TodaysMigrations() asm("__real__ZN4vico6server18PostgresMigrationsEv");
std::span<const Migration> NextMigrations() asm("__wrap__ZN4vico6server18PostgresMigrationsEv");
int64_t TodaysSchema() asm("__real__ZN4vico6server12NewestSchemaEv");
int64_t NextSchema() asm("__wrap__ZN4vico6server12NewestSchemaEv");

namespace {

// As later versions may change tables that today's program reads and writes all the time.
constexpr char kScript[] = R"sql(
ALTER TABLE job ADD COLUMN of_the_next_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE blob ADD COLUMN of_the_next_version TEXT NOT NULL DEFAULT '';
CREATE TABLE of_the_next_version (job BIGINT NOT NULL PRIMARY KEY);
CREATE INDEX job_of_the_next_version ON job (of_the_next_version) WHERE of_the_next_version <> 0;
)sql";

std::string Script() {
  const char* const kind = std::getenv("VICO_NEXT_SCHEMA");
  const bool excluding = kind != nullptr && std::string_view(kind) == "excluding";
  return excluding ? kScript : fmt::format("-- oldest program: {}\n{}", TodaysSchema(), kScript);
}

}  // namespace

std::span<const Migration> NextMigrations() {
  static const std::string script = Script();
  static const std::vector<Migration> all = [] {
    const auto today = TodaysMigrations();
    std::vector<Migration> next(today.begin(), today.end());
    next.push_back({TodaysSchema() + 1, script.c_str()});
    return next;
  }();
  return all;
}

int64_t NextSchema() { return TodaysSchema() + 1; }

}  // namespace vico::server
