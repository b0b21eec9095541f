#include "tests/fault/power_loss/power_loss_run.h"

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "server/jobs/event_feed.h"
#include "server/objects/local_objects.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_job_store.h"
#include "tests/fault/history/checker.h"
#include "tests/fault/power_loss/script.h"
#include "tests/fault/power_loss/shadow_files.h"
#include "tests/fault/power_loss/shadow_vfs.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace vico::fault {
namespace {

std::string_view NameOf(Loss loss) {
  switch (loss) {
    case Loss::kDrop:
      return "lost";
    case Loss::kReorder:
      return "reordered";
    case Loss::kTear:
      return "torn";
  }
  return "";
}

/// Opens the stores in `folder` and checks their contents.
std::vector<std::string> CheckAfter(const std::string& folder, const History& history) {
  {
    const auto database = server::SqliteDatabase::Open(folder + "/vico.db");
    if (!database.ok()) return {"the database does not open: " + database.status().ToString()};
    server::PosixFiles files;
    const auto blobs = server::LocalObjects::Open(folder + "/blobs", files);
    if (!blobs.ok()) return {"the blobs do not open: " + blobs.status().ToString()};
    const FakeClock clock;
    const server::StoreClock time(clock);
    server::EventFeed feed;
    const auto jobs = server::SqlJobStore::Open(**database, clock, time, feed, {});
    if (!jobs.ok()) return {"the queue does not open: " + jobs.status().ToString()};
  }
  const auto snapshot = ReadSnapshot(folder);
  if (!snapshot.ok()) return {"the data folder cannot be read: " + snapshot.status().ToString()};
  return Check(history, *snapshot, {.all_ended = false});
}

class Failures {
 public:
  Failures(const DiskRecorder& disk, const History& history, const PowerLossOptions& options,
           PowerLossResult& result)
      : disk_(disk), history_(history), options_(options), result_(result), replay_(disk.calls()) {}

  void Run() {
    for (int64_t count = 0; count <= disk_.count() && result_.violations.empty(); ++count) {
      replay_.GoTo(count);
      const bool last = count == disk_.count();
      if (last || IsSync(disk_.calls()[static_cast<size_t>(count)].kind)) Fail(Loss::kDrop, count);
      if (!last && count % options_.stride != 0) continue;
      Fail(Loss::kReorder, count);
      Fail(Loss::kTear, count);
    }
  }

 private:
  static bool IsSync(DiskCall::Kind kind) {
    return kind == DiskCall::Kind::kSync || kind == DiskCall::Kind::kFailedSync ||
           kind == DiskCall::Kind::kSyncFolder;
  }

  void Fail(Loss loss, int64_t count) {
    if (!result_.violations.empty()) return;
    ++result_.failures;
    const TempFolder folder;
    replay_.Restore(loss, options_.seed + static_cast<uint64_t>(count), folder.path());
    for (const std::string& violation : CheckAfter(folder.path(), Until(history_, count))) {
      result_.violations.push_back(fmt::format("power failed after {} of {} calls, writes {}: {}",
                                               count, disk_.count(), NameOf(loss), violation));
    }
  }

  const DiskRecorder& disk_;
  const History& history_;
  const PowerLossOptions& options_;
  PowerLossResult& result_;
  DiskReplay replay_;
};

}  // namespace

PowerLossResult RunPowerLoss(const PowerLossOptions& options) {
  const TempFolder folder;
  DiskRecorder disk;
  disk.FailSync(options.failed_sync);
  History history;
  {
    const ShadowVfs vfs(disk, folder.path());
    ShadowFiles files(disk, folder.path());
    const auto wrapped = options.wrap_files ? options.wrap_files(files) : nullptr;
    history = RunScript(disk, wrapped ? *wrapped : files, folder.path(), options.jobs);
  }
  PowerLossResult result;
  result.calls = disk.count();
  result.syncs = disk.syncs();
  int submitted = 0;
  for (const ClientCall& call : history.calls) {
    submitted += call.kind == ClientCall::Kind::kSubmit && call.code == absl::StatusCode::kOk;
  }
  result.completed = submitted == options.jobs;
  Failures(disk, history, options, result).Run();
  return result;
}

}  // namespace vico::fault
