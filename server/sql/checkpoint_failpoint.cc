#include "server/sql/checkpoint_failpoint.h"

#include <sqlite3.h>

#include "common/failpoint.h"

namespace vico::server {
namespace {

// Globals, because SQLite passes no context of the caller to a VFS or its files.
sqlite3_vfs* below = nullptr;
sqlite3_vfs watching{};
const sqlite3_io_methods* real_methods = nullptr;
sqlite3_io_methods methods{};

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  if (!HitFailpoint("wal.mid_checkpoint").ok()) return SQLITE_IOERR_WRITE;
  return real_methods->xWrite(file, bytes, size, offset);
}

int Open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  const int code = below->xOpen(below, path, file, flags, out_flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0) return code;
  // The first file is opened before threads start, and all files of a VFS have the same methods.
  if (real_methods == nullptr) {
    real_methods = file->pMethods;
    methods = *real_methods;
    methods.xWrite = Write;
  }
  if (file->pMethods == real_methods) file->pMethods = &methods;
  return code;
}

}  // namespace

void WatchCheckpoints() {
  below = sqlite3_vfs_find(nullptr);
  watching = *below;
  watching.zName = "watching";
  watching.xOpen = Open;
  sqlite3_vfs_register(&watching, /*makeDflt=*/1);
}

}  // namespace vico::server
