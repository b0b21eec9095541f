// What a disk holds when the power fails. A program's file calls are written down in order; what
// was not synced when the power went may be lost, kept in part, or kept out of order.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace vico {

/// One call that changes a file or a name.
struct DiskCall {
  enum class Kind {
    kCreate,
    kWrite,
    kTruncate,
    kSync,
    kFailedSync,  ///< answered with an error: what waited for it is gone for good
    kRename,
    kRemove,
    kMakeFolder,
    kSyncFolder,
  };
  Kind kind = Kind::kWrite;
  int file = -1;
  std::string path{};   ///< of names
  std::string to{};     ///< rename
  uint64_t offset = 0;  ///< write; the new size of a truncate
  std::string bytes{};
};

/// Writes calls down. Paths are relative to the folder that counts as always there. Any thread may
/// use it, one at a time.
class DiskRecorder {
 public:
  int Create(const std::string& path);
  /// The file of that name, made if need be.
  int Open(const std::string& path);
  void Write(int file, uint64_t offset, std::string_view bytes);
  void Truncate(int file, uint64_t size);
  /// False when this is the sync that is to fail.
  bool Sync(int file);
  void Rename(const std::string& from, const std::string& to);
  void Remove(const std::string& path);
  void MakeFolder(const std::string& path);
  bool SyncFolder(const std::string& path);

  /// The nth sync of a file or folder from now on (from 1) fails; 0: none.
  void FailSync(int nth) { fail_sync_in_ = nth; }
  int syncs() const { return syncs_; }

  int64_t count() const { return static_cast<int64_t>(calls_.size()); }
  const std::vector<DiskCall>& calls() const { return calls_; }

 private:
  bool NextSyncFails();

  std::vector<DiskCall> calls_;
  std::map<std::string, int> names_;  // as the program sees them
  int files_ = 0;
  int syncs_ = 0;
  int fail_sync_in_ = 0;
};

/// What becomes of unsynced writes and names.
enum class Loss {
  kDrop,     ///< all are lost
  kReorder,  ///< each is kept or lost, whatever came before it
  kTear,     ///< as kReorder, and of each write any of its 512-byte sectors
};

/// Plays recorded calls up to a moment and says what is on the disk then.
class DiskReplay {
 public:
  explicit DiskReplay(const std::vector<DiskCall>& calls) : calls_(calls) {}

  /// Goes on until `count` calls are done; never back.
  void GoTo(int64_t count);

  /// Writes what is left after the power failed now into `folder`.
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
  std::map<std::string, int> names_;                             // durable ones
  std::map<std::string, std::vector<const DiskCall*>> renames_;  // waiting ones, by folder
};

}  // namespace vico
