#include "server/resources/training_losses.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr int kPoints = 100;
constexpr int kEventsAtOnce = 1000;

/// A later attempt does steps again; its losses are the ones that count.
absl::Status ReadLosses(JobStore& jobs, std::string_view tenant, const std::string& training,
                        std::map<int64_t, double>& by_step) {
  uint64_t after = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Event> events,
                     jobs.EventsAfter(tenant, training, after, kEventsAtOnce));
    for (const v1::Event& event : events) {
      if (event.has_progress() && std::isfinite(event.progress().loss())) {
        by_step[event.progress().step()] = event.progress().loss();
      }
      after = event.sequence();
    }
    if (events.size() < kEventsAtOnce) return absl::OkStatus();
  }
}

}  // namespace

std::vector<double> SmoothedLosses(const std::map<int64_t, double>& by_step, int points) {
  if (by_step.empty()) return {};
  const int64_t first = by_step.begin()->first;
  const int64_t steps = by_step.rbegin()->first - first + 1;
  const int64_t count = std::min<int64_t>(points, static_cast<int64_t>(by_step.size()));
  std::vector<double> means;
  auto next = by_step.begin();
  for (int64_t i = 1; i <= count; ++i) {
    const int64_t end = first + steps * i / count;
    double sum = 0;
    int losses = 0;
    for (; next != by_step.end() && next->first < end; ++next, ++losses) sum += next->second;
    means.push_back(losses > 0 ? sum / losses : means.back());
  }
  return means;
}

absl::Status FillLosses(JobStore& jobs, std::string_view tenant, v1::LeasedJob& evaluation) {
  const std::string& training = evaluation.adapter().job();
  if (training.empty()) return absl::OkStatus();
  std::map<int64_t, double> by_step;
  const absl::Status read = ReadLosses(jobs, tenant, training, by_step);
  if (absl::IsNotFound(read)) return absl::OkStatus();
  RETURN_IF_ERROR(read);
  const std::vector<double> losses = SmoothedLosses(by_step, kPoints);
  *evaluation.mutable_losses() = {losses.begin(), losses.end()};
  return absl::OkStatus();
}

}  // namespace vico::server
