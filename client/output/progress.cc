#include "client/output/progress.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace vico::client {
namespace {

constexpr int kNarrowestBar = 10;
constexpr int kWidestBar = 40;
constexpr int kTwentieths = 20;  // a plain line at most every 5 %

double Share(const Progress& progress) {
  if (progress.total <= 0) return 0.0;
  return std::clamp(static_cast<double>(progress.step) / static_cast<double>(progress.total), 0.0,
                    1.0);
}

std::string Steps(const Progress& progress) {
  const std::string unit = progress.unit.empty() ? "" : " " + progress.unit;
  if (progress.total <= 0) return fmt::format("{}{}", progress.step, unit);
  return fmt::format("{}/{}{}", progress.step, progress.total, unit);
}

// The figures after the step count, the most important first.
std::vector<std::string> Figures(const Progress& progress) {
  std::vector<std::string> figures;
  if (progress.loss) figures.push_back(fmt::format("loss {:.4f}", *progress.loss));
  if (progress.seconds_per_step) {
    figures.push_back(fmt::format("{:.2f} s/step", *progress.seconds_per_step));
  }
  if (progress.eta_seconds) {
    figures.push_back(fmt::format("ETA {}", FormatDuration(*progress.eta_seconds)));
  }
  return figures;
}

}  // namespace

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(std::max(seconds, 0.0)));
  const std::int64_t hours = whole / 3600;
  const std::int64_t minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string FormatBar(const Progress& progress, int columns) {
  const std::string head = progress.label + "  ";
  std::string tail = "  " + Steps(progress);
  const auto width = static_cast<std::size_t>(std::max(columns, 0));
  const std::size_t least = head.size() + kNarrowestBar + 2;  // two brackets
  if (least + tail.size() > width) return (head + Steps(progress)).substr(0, width);
  for (const std::string& figure : Figures(progress)) {
    if (least + tail.size() + 2 + figure.size() > width) break;
    tail += "  " + figure;
  }
  const std::size_t room = width - head.size() - tail.size() - 2;
  const std::size_t cells = std::min<std::size_t>(room, kWidestBar);
  const auto full = static_cast<std::size_t>(Share(progress) * static_cast<double>(cells));
  return fmt::format("{}[{}{}]{}", head, std::string(full, '#'), std::string(cells - full, '-'),
                     tail);
}

std::string FormatPlain(const Progress& progress) {
  std::string line = fmt::format("{}  {}", progress.label, Steps(progress));
  if (progress.total > 0) line += fmt::format("  {:.0f} %", std::floor(Share(progress) * 100));
  for (const std::string& figure : Figures(progress)) line += "  " + figure;
  return line;
}

std::optional<int> TerminalColumns(int file_descriptor) {
  if (isatty(file_descriptor) == 0) return std::nullopt;
  winsize size{};
  if (ioctl(file_descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

ProgressDisplay::ProgressDisplay(std::ostream& out, std::function<std::optional<int>()> columns)
    : out_(out), columns_(std::move(columns)) {}

ProgressDisplay::~ProgressDisplay() { Close(); }

void ProgressDisplay::Update(const Progress& progress) {
  if (const std::optional<int> columns = columns_()) {
    // Some terminals scroll if a line fills the last column.
    bar_ = FormatBar(progress, *columns - 1);
    out_ << "\r\x1b[K" << bar_ << std::flush;
    return;
  }
  const auto twentieth = static_cast<std::int64_t>(Share(progress) * kTwentieths);
  if (twentieth == last_twentieth_ && progress.label == last_label_) return;
  last_twentieth_ = twentieth;
  last_label_ = progress.label;
  out_ << FormatPlain(progress) << '\n' << std::flush;
}

TransferProgress ProgressDisplay::ForTransfer(const std::string& label) {
  return [this, label](std::uint64_t done_bytes, std::uint64_t total_bytes) {
    if (!columns_()) return;
    Progress progress;
    progress.label = label;
    progress.step = static_cast<std::int64_t>(done_bytes / 1024);
    progress.total = static_cast<std::int64_t>(total_bytes / 1024);
    progress.unit = "KiB";
    Update(progress);
  };
}

void ProgressDisplay::Note(const std::string& line) {
  Above([&] { out_ << line << '\n'; });
}

void ProgressDisplay::Above(const std::function<void()>& print) {
  if (!bar_.empty()) out_ << "\r\x1b[K" << std::flush;
  print();
  out_ << bar_ << std::flush;
}

void ProgressDisplay::Close() {
  if (bar_.empty()) return;
  bar_.clear();
  out_ << '\n' << std::flush;
}

}  // namespace vico::client
