// A server with one registered worker, and the calls of clients about jobs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <gmock/gmock.h>

#include "tests/server/server_fixture.h"

namespace vico::server {

class JobServiceTest : public ServerTest {
 protected:
  JobServiceTest() { EXPECT_THAT(Register(), IsOk()); }

  absl::StatusOr<v1::Job> Cancel(const std::string& name) {
    Call call;
    v1::CancelJobRequest request;
    request.set_name(name);
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->CancelJob(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  absl::StatusOr<v1::Job> Retry(const std::string& name,
                                const std::string& request_id = RequestId()) {
    Call call;
    v1::RetryJobRequest request;
    request.set_name(name);
    request.set_request_id(request_id);
    v1::Job job;
    const absl::Status status = FromGrpc(jobs_->RetryJob(&call, request, &job));
    if (!status.ok()) return status;
    return job;
  }

  /// Registers a second worker.
  absl::Status RegisterOther(const std::string& base_model) {
    Call call;
    v1::RegisterRequest request;
    request.set_worker("worker-b");
    request.set_device("cpu");
    *request.add_base_models() = TestOffer(base_model);
    v1::RegisterResponse response;
    return FromGrpc(workers_->Register(&call, request, &response));
  }

  absl::Status Delete(const std::string& name) {
    Call call;
    v1::DeleteJobRequest request;
    request.set_name(name);
    google::protobuf::Empty response;
    return FromGrpc(jobs_->DeleteJob(&call, request, &response));
  }

  size_t CountJobs() {
    Call call;
    v1::ListJobsResponse response;
    EXPECT_THAT(FromGrpc(jobs_->ListJobs(&call, {}, &response)), IsOk());
    return static_cast<size_t>(response.jobs_size());
  }

  /// Finishes a leased generation with one picture, as a worker. Returns the picture's bytes.
  std::string DrawAndFinish(const v1::LeasedJob& leased) {
    cv::Mat noise(200, 200, CV_8UC3);
    cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
    const std::string png = Encoded(noise, ".png");
    const auto blob = Put(png, "image/png", leased);
    EXPECT_THAT(blob, IsOk());
    v1::Event event;
    event.mutable_picture()->set_seed(leased.spec().generate().seeds(0));
    *event.mutable_picture()->mutable_blob() = *blob;
    EXPECT_THAT(Report(leased, 1, {ProgressAt(1), event}), IsOk());
    v1::FinishRequest finish;
    *finish.mutable_generated()->add_pictures() = event.picture();
    EXPECT_THAT(Finish(finish, leased), IsOk());
    return png;
  }

  static std::vector<v1::Event::WhatCase> Story(
      const std::vector<v1::WatchJobResponse>& responses) {
    std::vector<v1::Event::WhatCase> story;
    for (const auto& response : responses) {
      if (response.has_event()) story.push_back(response.event().what_case());
    }
    return story;
  }
};

}  // namespace vico::server
