// A model of a disk at a power failure. It records a program's file calls in order. Writes that
// were not synced may be lost, kept in part, or kept out of order.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace vico::fault {

/// One call that changes a file or a name.
struct DiskCall {
  enum class Kind {
    kCreate,
    kWrite,
    kTruncate,
    kSync,
    kFailedSync,  ///< returned an error; the unsynced writes are lost for good
    kRename,
    kRemove,
    kMakeFolder,
    kSyncFolder,
  };
  Kind kind = Kind::kWrite;
  int file = -1;
  std::string path{};   ///< for calls that change a name
  std::string to{};     ///< for kRename
  uint64_t offset = 0;  ///< of a write; the new size for kTruncate
  std::string bytes{};
};

/// Records calls. Paths are relative to a root folder, which always exists. One thread at a time.
class DiskRecorder {
 public:
  int Create(const std::string& path);
  /// The file of that name; created if missing.
  int Open(const std::string& path);
  void Write(int file, uint64_t offset, std::string_view bytes);
  void Truncate(int file, uint64_t size);
  /// False if FailSync chose this sync.
  bool Sync(int file);
  void Rename(const std::string& from, const std::string& to);
  void Remove(const std::string& path);
  void MakeFolder(const std::string& path);
  bool SyncFolder(const std::string& path);

  /// Makes the nth sync of a file or folder from now on (from 1) fail; 0: none.
  void FailSync(int nth) { fail_sync_in_ = nth; }
  int syncs() const { return syncs_; }

  int64_t count() const { return static_cast<int64_t>(calls_.size()); }
  const std::vector<DiskCall>& calls() const { return calls_; }

 private:
  bool NextSyncFails();

  std::vector<DiskCall> calls_;
  std::map<std::string, int> names_;  // as the program reads them
  int files_ = 0;
  int syncs_ = 0;
  int fail_sync_in_ = 0;
};

/// What happens to unsynced writes and names.
enum class Loss {
  kDrop,     ///< all are lost
  kReorder,  ///< each is kept or lost, independent of earlier ones
  kTear,     ///< the same for each 512-byte sector of a write
};

/// Replays recorded calls and computes the contents of the disk.
class DiskReplay {
 public:
  explicit DiskReplay(const std::vector<DiskCall>& calls) : calls_(calls) {}

  /// Continues until `count` calls are done. `count` never decreases.
  void GoTo(int64_t count);

  /// Writes the contents of the disk after a power failure at this call into `folder`.
  void Restore(Loss loss, uint64_t seed, const std::string& folder) const;

 private:
  struct File {
    std::string durable;
    std::vector<const DiskCall*> waiting;
  };
  static void Apply(const DiskCall& call, std::string& content);
  static void ApplyTorn(const DiskCall& call, std::mt19937_64& random, std::string& content);
  static void Rename(const DiskCall& call, std::map<std::string, int>& names);

  const std::vector<DiskCall>& calls_;
  int64_t done_ = 0;
  std::map<int, File> files_;
  std::map<std::string, int> names_;                             // durable
  std::map<std::string, std::vector<const DiskCall*>> renames_;  // unsynced, by folder
};

}  // namespace vico::fault
