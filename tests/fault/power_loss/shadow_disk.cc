#include "tests/fault/power_loss/shadow_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace vico::fault {
namespace {

constexpr size_t kSector = 512;
constexpr int kFolder = -2;  // instead of the number of a file

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

int DiskRecorder::Create(const std::string& path) {
  names_[path] = files_;
  calls_.push_back({.kind = DiskCall::Kind::kCreate, .file = files_, .path = path});
  return files_++;
}

int DiskRecorder::Open(const std::string& path) {
  const auto found = names_.find(path);
  return found == names_.end() ? Create(path) : found->second;
}

void DiskRecorder::Write(int file, uint64_t offset, std::string_view bytes) {
  calls_.push_back({.kind = DiskCall::Kind::kWrite,
                    .file = file,
                    .offset = offset,
                    .bytes = std::string(bytes)});
}

void DiskRecorder::Truncate(int file, uint64_t size) {
  calls_.push_back({.kind = DiskCall::Kind::kTruncate, .file = file, .offset = size});
}

bool DiskRecorder::NextSyncFails() {
  ++syncs_;
  return fail_sync_in_ > 0 && --fail_sync_in_ == 0;
}

bool DiskRecorder::Sync(int file) {
  const bool fails = NextSyncFails();
  calls_.push_back(
      {.kind = fails ? DiskCall::Kind::kFailedSync : DiskCall::Kind::kSync, .file = file});
  return !fails;
}

void DiskRecorder::Rename(const std::string& from, const std::string& to) {
  const auto found = names_.find(from);
  if (found == names_.end()) return;
  const int file = found->second;
  names_.erase(found);
  names_[to] = file;
  calls_.push_back({.kind = DiskCall::Kind::kRename, .file = file, .path = from, .to = to});
}

void DiskRecorder::Remove(const std::string& path) {
  names_.erase(path);
  calls_.push_back({.kind = DiskCall::Kind::kRemove, .path = path});
}

void DiskRecorder::MakeFolder(const std::string& path) {
  calls_.push_back({.kind = DiskCall::Kind::kMakeFolder, .file = kFolder, .path = path});
}

bool DiskRecorder::SyncFolder(const std::string& path) {
  if (NextSyncFails()) return false;
  calls_.push_back({.kind = DiskCall::Kind::kSyncFolder, .path = path});
  return true;
}

void DiskReplay::Apply(const DiskCall& call, std::string& content) {
  if (call.kind == DiskCall::Kind::kTruncate) {
    content.resize(call.offset);
    return;
  }
  const size_t end = call.offset + call.bytes.size();
  if (content.size() < end) content.resize(end);
  content.replace(call.offset, call.bytes.size(), call.bytes);
}

void DiskReplay::ApplyTorn(const DiskCall& call, std::mt19937_64& random, std::string& content) {
  if (call.kind == DiskCall::Kind::kTruncate) return Apply(call, content);
  for (size_t at = 0; at < call.bytes.size();) {
    // Sectors are aligned to the file, not to the write.
    const size_t length = std::min(kSector - (call.offset + at) % kSector, call.bytes.size() - at);
    if (random() % 2 == 0) {
      Apply({.kind = DiskCall::Kind::kWrite,
             .offset = call.offset + at,
             .bytes = call.bytes.substr(at, length)},
            content);
    }
    at += length;
  }
}

void DiskReplay::Rename(const DiskCall& call, std::map<std::string, int>& names) {
  switch (call.kind) {
    case DiskCall::Kind::kRename:
      names.erase(call.path);
      names[call.to] = call.file;
      break;
    case DiskCall::Kind::kRemove:
      names.erase(call.path);
      break;
    default:
      names[call.path] = call.file;
  }
}

void DiskReplay::GoTo(int64_t count) {
  for (; done_ < count; ++done_) {
    const DiskCall& call = calls_[static_cast<size_t>(done_)];
    switch (call.kind) {
      case DiskCall::Kind::kWrite:
      case DiskCall::Kind::kTruncate:
        files_[call.file].waiting.push_back(&call);
        break;
      case DiskCall::Kind::kSync:
        for (const DiskCall* waiting : files_[call.file].waiting) {
          Apply(*waiting, files_[call.file].durable);
        }
        files_[call.file].waiting.clear();
        break;
      case DiskCall::Kind::kFailedSync:
        files_[call.file].waiting.clear();
        break;
      case DiskCall::Kind::kSyncFolder: {
        const auto waiting = renames_.find(call.path);
        if (waiting == renames_.end()) break;
        for (const DiskCall* rename : waiting->second) Rename(*rename, names_);
        renames_.erase(waiting);
        break;
      }
      case DiskCall::Kind::kRename:
        renames_[FolderOf(call.to)].push_back(&call);
        break;
      default:
        renames_[FolderOf(call.path)].push_back(&call);
    }
  }
}

void DiskReplay::Restore(Loss loss, uint64_t seed, const std::string& folder) const {
  namespace fs = std::filesystem;
  std::mt19937_64 random(seed);
  std::map<std::string, int> names = names_;
  if (loss != Loss::kDrop) {
    for (const auto& [of, waiting] : renames_) {
      for (const DiskCall* rename : waiting) {
        if (random() % 2 == 0) Rename(*rename, names);
      }
    }
  }
  const auto reachable = [&](const std::string& path) {
    for (std::string above = FolderOf(path); !above.empty(); above = FolderOf(above)) {
      if (!names.contains(above)) return false;
    }
    return true;
  };
  for (const auto& [path, number] : names) {
    if (!reachable(path)) continue;
    const fs::path target = fs::path(folder) / path;
    if (number == kFolder) {
      fs::create_directories(target);
      continue;
    }
    std::string content;
    if (const auto file = files_.find(number); file != files_.end()) {
      content = file->second.durable;
      for (const DiskCall* waiting : file->second.waiting) {
        if (loss == Loss::kDrop || random() % 2 == 0) continue;
        loss == Loss::kTear ? ApplyTorn(*waiting, random, content) : Apply(*waiting, content);
      }
    }
    std::ofstream(target, std::ios::binary) << content;
  }
}

}  // namespace vico::fault
