#include "server/checks/job_requests.h"

#include <gmock/gmock.h>

#include "common/ids.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(JobRequestsTest, AFilterIsTaken) {
  v1::ListJobsRequest request;
  request.mutable_filter()->add_kinds(v1::JOB_KIND_TRAINING);
  request.mutable_filter()->add_states(v1::JOB_STATE_FAILED);
  request.mutable_filter()->set_adapter(AdapterName(NewId()));
  request.mutable_filter()->mutable_created_after()->set_seconds(100);
  const auto filter = CheckListJobs(request);
  ASSERT_THAT(filter, IsOk());
  EXPECT_THAT(filter->kinds, ElementsAre(v1::JOB_KIND_TRAINING));
  EXPECT_THAT(filter->states, ElementsAre(v1::JOB_STATE_FAILED));
  EXPECT_EQ(filter->adapter, request.filter().adapter());
  EXPECT_EQ(filter->created_after, absl::FromUnixSeconds(100));
  EXPECT_EQ(filter->created_before, absl::InfiniteFuture());
}

TEST(JobRequestsTest, TheOlderFieldsOfListsCount) {
  v1::ListJobsRequest request;
  request.set_kind(v1::JOB_KIND_GENERATION);
  request.add_states(v1::JOB_STATE_QUEUED);
  const auto filter = CheckListJobs(request);
  ASSERT_THAT(filter, IsOk());
  EXPECT_THAT(filter->kinds, ElementsAre(v1::JOB_KIND_GENERATION));
  EXPECT_THAT(filter->states, ElementsAre(v1::JOB_STATE_QUEUED));
  request.mutable_filter()->add_kinds(v1::JOB_KIND_TRAINING);
  EXPECT_THAT(CheckListJobs(request), NamesField("kind"));
}

TEST(JobRequestsTest, AllThatIsWrongInAFilterIsNamedAtOnce) {
  v1::WatchJobsRequest request;
  request.mutable_filter()->add_kinds(v1::JOB_KIND_UNSPECIFIED);
  request.mutable_filter()->add_states(static_cast<v1::JobState>(77));
  request.mutable_filter()->set_concept_name("concepts/x");
  request.mutable_filter()->set_adapter("jobs/x");
  request.set_initial_jobs(1001);
  const auto filter = CheckWatchJobs(request);
  EXPECT_THAT(filter, NamesField("filter.kinds[0]"));
  EXPECT_THAT(filter, HasMessage(AllOf(HasSubstr("filter.states[0]"), HasSubstr("concept_name"),
                                       HasSubstr("filter.adapter"), HasSubstr("initial_jobs"))));
}

TEST(JobRequestsTest, ABulkCancelHasNamesOrAFilter) {
  v1::CancelJobsRequest request;
  EXPECT_THAT(CheckCancelJobs(request), NamesField("names"));
  request.mutable_filter();
  EXPECT_THAT(CheckCancelJobs(request), IsOk());
  request.add_names(JobName(NewId()));
  EXPECT_THAT(CheckCancelJobs(request), NamesField("names"));
  request.clear_filter();
  EXPECT_THAT(CheckCancelJobs(request), IsOk());
  request.add_names("jobs/1");
  EXPECT_THAT(CheckCancelJobs(request), NamesField("names[1]"));
  for (int i = 0; i < kMaxCancelled; ++i) request.add_names(JobName(NewId()));
  EXPECT_THAT(CheckCancelJobs(request), NamesField("names"));
}

TEST(JobRequestsTest, ThumbnailsHaveASideAndAFormat) {
  v1::DownloadPictureRequest request;
  EXPECT_THAT(CheckThumbnail(request), IsOk());
  request.set_thumbnail_side(64);
  request.set_format(v1::PICTURE_FORMAT_JPEG);
  EXPECT_THAT(CheckThumbnail(request), IsOk());
  request.set_thumbnail_side(1025);
  EXPECT_THAT(CheckThumbnail(request), NamesField("thumbnail_side"));
  request.set_thumbnail_side(-1);
  EXPECT_THAT(CheckThumbnail(request), NamesField("thumbnail_side"));
  request.set_thumbnail_side(0);
  EXPECT_THAT(CheckThumbnail(request), NamesField("format"));
  request.set_format(static_cast<v1::PictureFormat>(9));
  EXPECT_THAT(CheckThumbnail(request), NamesField("format"));
}

}  // namespace
}  // namespace vico::server
