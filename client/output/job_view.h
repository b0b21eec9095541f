// Shows a watched job: progress and warnings on the terminal, pictures in a folder, JSON lines.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "client/lib/client.h"
#include "client/output/picture_folder.h"
#include "client/output/progress.h"
#include "client/terminal/terminal_pictures.h"

namespace vico::client {

struct JobViewOptions {
  std::string label;           ///< of the progress, one word
  bool json = false;           ///< each event as a line on `out`
  bool list_pictures = false;  ///< the path of each finished picture as a line on `out`
  std::optional<PictureFolder> folder = std::nullopt;  ///< for pictures; none: they are dropped
  /// Draws pictures, previews and samples and, at the end, the loss; may be null. Must outlive the
  /// view.
  TerminalPictures* terminal = nullptr;
  /// Gets each finished picture of a generation. An error ends the watch.
  std::function<absl::Status(const v1::Event& event, const std::string& png)> on_picture{};
};

class JobView : public WatchHandler {
 public:
  /// `out`, `err` and what `columns` refers to must outlive the view.
  JobView(JobViewOptions options, std::ostream& out, std::ostream& err,
          const std::function<std::optional<int>()>& columns);

  void OnJob(const std::string& job) override;
  absl::Status OnEvent(const v1::Event& event, const std::string* bytes) override;
  void OnPosition(const v1::Event::Position& position) override;
  void OnReconnect(const absl::Status& error, absl::Duration wait) override;

  /// Empty before OnJob.
  const std::string& job() const { return job_; }
  /// Of the last event.
  std::uint64_t sequence() const { return sequence_; }
  /// Ends the progress bar, so that the caller can write to the terminal, and draws the loss.
  void Close();

 private:
  void Show(const v1::Event& event, const std::string& file);
  void ShowProgress(const v1::Event::Progress& event);
  void Draw(const v1::Event& event, const std::string& png);
  void Note(const std::string& line);

  JobViewOptions options_;
  std::ostream& out_;
  ProgressDisplay display_;
  bool quiet_;  // with JSON and without a terminal the events are the only output
  std::string job_;
  std::uint64_t sequence_ = 0;
  bool connected_ = true;
  std::optional<double> smooth_loss_;  // exponential mean over the events
  std::vector<CurvePoint> losses_;     // smooth, with a terminal only
};

}  // namespace vico::client
