#include "tests/fault/power_loss/shadow_vfs.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include <sqlite3.h>

namespace vico::fault {
namespace {

// The state of the registered VFS. SQLite passes no context of ours to the functions of a file.
struct Current {
  DiskRecorder* disk = nullptr;
  std::string root;
  sqlite3_vfs* below = nullptr;
  sqlite3_vfs vfs{};
};

Current& Now() {
  static Current current;
  return current;
}

std::string Below(const char* path) { return std::string(path).substr(Now().root.size() + 1); }

bool IsShadowed(const char* path, int flags) {
  return path != nullptr && std::strncmp(path, Now().root.c_str(), Now().root.size()) == 0 &&
         (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
}

struct File {
  sqlite3_file base;  // must be first: SQLite has a pointer to it
  int number;
  bool sync_folder;  // the first sync also syncs the folder, as the unix VFS does for logs
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
const sqlite3_io_methods& Real(sqlite3_file* file) { return *Of(file)->real()->pMethods; }

int Close(sqlite3_file* f) { return Real(f).xClose(Of(f)->real()); }
int Read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return Real(f).xRead(Of(f)->real(), to, size, at);
}
int Write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  const int code = Real(f).xWrite(Of(f)->real(), from, size, at);
  if (code == SQLITE_OK) {
    Now().disk->Write(Of(f)->number, static_cast<uint64_t>(at),
                      {static_cast<const char*>(from), static_cast<size_t>(size)});
  }
  return code;
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  const int code = Real(f).xTruncate(Of(f)->real(), size);
  if (code == SQLITE_OK) Now().disk->Truncate(Of(f)->number, static_cast<uint64_t>(size));
  return code;
}
int Sync(sqlite3_file* f, int) {
  if (!Now().disk->Sync(Of(f)->number)) return SQLITE_IOERR_FSYNC;
  if (Of(f)->sync_folder) {
    Of(f)->sync_folder = false;
    if (!Now().disk->SyncFolder("")) return SQLITE_IOERR_DIR_FSYNC;
  }
  return SQLITE_OK;
}
int FileSize(sqlite3_file* f, sqlite3_int64* size) {
  return Real(f).xFileSize(Of(f)->real(), size);
}
int Lock(sqlite3_file* f, int level) { return Real(f).xLock(Of(f)->real(), level); }
int Unlock(sqlite3_file* f, int level) { return Real(f).xUnlock(Of(f)->real(), level); }
int CheckReserved(sqlite3_file* f, int* out) {
  return Real(f).xCheckReservedLock(Of(f)->real(), out);
}
int Control(sqlite3_file* f, int what, void* argument) {
  return Real(f).xFileControl(Of(f)->real(), what, argument);
}
int SectorSize(sqlite3_file* f) { return Real(f).xSectorSize(Of(f)->real()); }
int Characteristics(sqlite3_file* f) { return Real(f).xDeviceCharacteristics(Of(f)->real()); }
int ShmMap(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return Real(f).xShmMap(Of(f)->real(), page, size, extend, out);
}
int ShmLock(sqlite3_file* f, int offset, int n, int flags) {
  return Real(f).xShmLock(Of(f)->real(), offset, n, flags);
}
void ShmBarrier(sqlite3_file* f) { Real(f).xShmBarrier(Of(f)->real()); }
int ShmUnmap(sqlite3_file* f, int remove) { return Real(f).xShmUnmap(Of(f)->real(), remove); }

const sqlite3_io_methods kMethods = {
    2,        Close,         Read,    Write,      Truncate,        Sync,   FileSize, Lock,
    Unlock,   CheckReserved, Control, SectorSize, Characteristics, ShmMap, ShmLock,  ShmBarrier,
    ShmUnmap, nullptr,       nullptr};

int Open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  sqlite3_vfs* const below = Now().below;
  if (!IsShadowed(path, flags)) return below->xOpen(below, path, file, flags, out_flags);
  auto* const mine = new (file) File{};
  int exists = 0;
  below->xAccess(below, path, SQLITE_ACCESS_EXISTS, &exists);
  const int code = below->xOpen(below, path, mine->real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  mine->number = Now().disk->Open(Below(path));
  mine->sync_folder = exists == 0 && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  mine->base.pMethods = &kMethods;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs*, const char* path, int sync_folder) {
  const int code = Now().below->xDelete(Now().below, path, 0);
  if (code != SQLITE_OK || !path || std::strncmp(path, Now().root.c_str(), Now().root.size()) != 0)
    return code;
  Now().disk->Remove(Below(path));
  if (sync_folder != 0 && !Now().disk->SyncFolder("")) return SQLITE_IOERR_DIR_FSYNC;
  return SQLITE_OK;
}

}  // namespace

ShadowVfs::ShadowVfs(DiskRecorder& disk, const std::string& root) {
  Current& now = Now();
  if (now.disk != nullptr) std::abort();
  now.disk = &disk;
  now.root = root;
  now.below = sqlite3_vfs_find(nullptr);
  now.vfs = *now.below;
  now.vfs.zName = "shadow";
  now.vfs.pNext = nullptr;
  now.vfs.szOsFile = static_cast<int>(sizeof(File)) + now.below->szOsFile;
  now.vfs.xOpen = Open;
  now.vfs.xDelete = Delete;
  if (sqlite3_vfs_register(&now.vfs, /*makeDflt=*/1) != SQLITE_OK) std::abort();
}

ShadowVfs::~ShadowVfs() {
  sqlite3_vfs_unregister(&Now().vfs);
  sqlite3_vfs_register(Now().below, /*makeDflt=*/1);
  Now().disk = nullptr;
}

}  // namespace vico::fault
