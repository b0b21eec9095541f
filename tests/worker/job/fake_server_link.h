// A server in memory, which records every call and answers from a script, or OK without one.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/job/server_link.h"

namespace vico::worker {

inline v1::ReportResponse AnswerWith(v1::Directive directive) {
  v1::ReportResponse response;
  response.set_directive(directive);
  response.mutable_next_report_in()->set_seconds(5);
  return response;
}

/// Any thread.
class FakeServerLink final : public ServerLink {
 public:
  // Scripts: each call removes the first answer. Set them before the first call.
  std::deque<absl::Status> register_script;
  /// Once it is empty, Lease waits for its stop token.
  std::deque<absl::StatusOr<v1::LeaseResponse>> lease_script;
  std::deque<absl::StatusOr<v1::ReportResponse>> report_script;
  std::deque<absl::Status> finish_script;
  std::deque<absl::Status> put_script;
  std::deque<absl::Status> get_script;
  std::function<void()> on_idle_lease;  ///< called without a lock when lease_script is empty

  std::map<std::string, std::string> blobs;  ///< by digest

  /// Sets Report's answer for an empty script.
  void AnswerReportsWith(absl::StatusOr<v1::ReportResponse> answer) {
    const std::lock_guard lock(mutex_);
    report_answer_ = std::move(answer);
  }

  /// Sets Report's answer about one job, whatever else is set.
  void AnswerReportsOf(const std::string& job, absl::StatusOr<v1::ReportResponse> answer) {
    const std::lock_guard lock(mutex_);
    answers_by_job_.insert_or_assign(job, std::move(answer));
  }

  /// The names of the calls, in order: "Register", "Lease", "Report", "Finish", "GetBlob",
  /// "PutBlob".
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  size_t CountOf(std::string_view call) const {
    const std::lock_guard lock(mutex_);
    return static_cast<size_t>(std::count(calls_.begin(), calls_.end(), call));
  }
  std::vector<v1::RegisterRequest> registrations() const { return Copy(registrations_); }
  std::vector<v1::LeaseRequest> leases() const { return Copy(leases_); }
  std::vector<v1::ReportRequest> reports() const { return Copy(reports_); }
  std::vector<v1::FinishRequest> finishes() const { return Copy(finishes_); }

  /// The events of all reports that were acknowledged, in order.
  std::vector<v1::Event> events() const { return Copy(events_); }

  /// Waits until `call` was made `count` times; false after ten seconds.
  bool WaitForCalls(std::string_view call, size_t count) {
    std::unique_lock lock(mutex_);
    return called_.wait_for(lock, std::chrono::seconds(10), [&] {
      return static_cast<size_t>(std::count(calls_.begin(), calls_.end(), call)) >= count;
    });
  }

  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) override {
    const std::lock_guard lock(mutex_);
    Note("Register");
    registrations_.push_back(request);
    if (absl::Status status = Next(register_script); !status.ok()) return status;
    return v1::RegisterResponse();
  }

  absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                          std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    Note("Lease");
    leases_.push_back(request);
    if (!lease_script.empty()) {
      auto answer = std::move(lease_script.front());
      lease_script.pop_front();
      return answer;
    }
    lock.unlock();
    if (on_idle_lease) on_idle_lease();
    lock.lock();
    std::condition_variable_any idle;
    idle.wait(lock, stop, [] { return false; });
    return absl::CancelledError("stop");
  }

  absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                            absl::Duration) override {
    const std::lock_guard lock(mutex_);
    Note("Report");
    reports_.push_back(request);
    absl::StatusOr<v1::ReportResponse> answer = report_answer_;
    if (const auto found = answers_by_job_.find(request.job()); found != answers_by_job_.end()) {
      answer = found->second;
    } else if (!report_script.empty()) {
      answer = std::move(report_script.front());
      report_script.pop_front();
    }
    if (answer.ok())
      events_.insert(events_.end(), request.events().begin(), request.events().end());
    return answer;
  }

  absl::StatusOr<v1::FinishResponse> Finish(const v1::FinishRequest& request) override {
    const std::lock_guard lock(mutex_);
    Note("Finish");
    finishes_.push_back(request);
    if (absl::Status status = Next(finish_script); !status.ok()) return status;
    return v1::FinishResponse();
  }

  absl::StatusOr<std::string> GetBlob(const v1::BlobRef& blob, const LeaseKey&) override {
    const std::lock_guard lock(mutex_);
    Note("GetBlob");
    if (absl::Status status = Next(get_script); !status.ok()) return status;
    const auto found = blobs.find(blob.sha256());
    if (found == blobs.end()) return absl::NotFoundError("no such blob");
    return found->second;
  }

  absl::Status PutBlob(const v1::BlobRef& blob, std::string_view bytes, const LeaseKey&) override {
    const std::lock_guard lock(mutex_);
    Note("PutBlob");
    if (absl::Status status = Next(put_script); !status.ok()) return status;
    blobs[blob.sha256()] = std::string(bytes);
    return absl::OkStatus();
  }

  /// Adds a blob for GetBlob.
  v1::BlobRef Stored(std::string_view bytes) {
    const v1::BlobRef blob = BlobRefOf(bytes, "");
    const std::lock_guard lock(mutex_);
    blobs[blob.sha256()] = std::string(bytes);
    return blob;
  }

 private:
  template <typename T>
  std::vector<T> Copy(const std::vector<T>& what) const {
    const std::lock_guard lock(mutex_);
    return what;
  }

  static absl::Status Next(std::deque<absl::Status>& script) {
    if (script.empty()) return absl::OkStatus();
    absl::Status status = std::move(script.front());
    script.pop_front();
    return status;
  }

  void Note(std::string call) {
    calls_.push_back(std::move(call));
    called_.notify_all();
  }

  mutable std::mutex mutex_;  // guards everything below, and the scripts
  std::condition_variable called_;
  absl::StatusOr<v1::ReportResponse> report_answer_ = AnswerWith(v1::DIRECTIVE_CONTINUE);
  std::map<std::string, absl::StatusOr<v1::ReportResponse>> answers_by_job_;
  std::vector<std::string> calls_;
  std::vector<v1::RegisterRequest> registrations_;
  std::vector<v1::LeaseRequest> leases_;
  std::vector<v1::ReportRequest> reports_;
  std::vector<v1::FinishRequest> finishes_;
  std::vector<v1::Event> events_;
};

}  // namespace vico::worker
