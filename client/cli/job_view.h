// One job as it is watched: progress and warnings on the screen, pictures into a folder, JSON
// lines.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "client/lib/client.h"
#include "client/cli/picture_folder.h"
#include "client/cli/progress.h"

namespace vico::client {

struct JobViewOptions {
  std::string label;           ///< what the job does, one word
  bool json = false;           ///< each event as a line on `out`
  bool list_pictures = false;  ///< path of each finished picture as a line on `out`
  std::optional<PictureFolder> folder = std::nullopt;  ///< where pictures go; none: nowhere
};

class JobView : public WatchHandler {
 public:
  /// `out`, `err` and what `columns` asks outlive the view.
  JobView(JobViewOptions options, std::ostream& out, std::ostream& err,
          std::function<std::optional<int>()> columns);

  void OnJob(const std::string& job) override;
  absl::Status OnEvent(const v1::Event& event, const std::string* bytes) override;
  void OnReconnect(const absl::Status& why, std::chrono::milliseconds wait) override;

  /// Empty before OnJob.
  const std::string& job() const { return job_; }
  /// Of the last event seen.
  std::uint64_t sequence() const { return sequence_; }
  /// Leaves the bar; the screen is the caller's again.
  void Close() { display_.Close(); }

 private:
  void Show(const v1::Event& event, const std::string& file);
  void Note(const std::string& line);

  JobViewOptions options_;
  std::ostream& out_;
  ProgressDisplay display_;
  bool quiet_;  // JSON is asked for and there is no terminal: the events say it all
  std::string job_;
  std::uint64_t sequence_ = 0;
  bool connected_ = true;
};

}  // namespace vico::client
