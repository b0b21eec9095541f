#include "server/jobs/event_feed.h"

#include <atomic>
#include <numeric>
#include <optional>
#include <thread>

#include <gmock/gmock.h>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

TEST(EventFeedTest, NotifiesOnlyTheJobsWatchers) {
  EventFeed feed;
  int one = 0, two = 0, queue = 0;
  const auto watch_one = feed.WatchJob("jobs/1", [&] { ++one; });
  const auto watch_two = feed.WatchJob("jobs/2", [&] { ++two; });
  const auto watch_queue = feed.WatchQueue("baseModels/1", [&] { ++queue; });
  feed.JobChanged("jobs/1");
  feed.JobChanged("jobs/1");
  feed.JobChanged("jobs/3");
  feed.QueueChanged("baseModels/1");
  feed.QueueChanged("baseModels/2");
  EXPECT_EQ(one, 2);
  EXPECT_EQ(two, 0);
  EXPECT_EQ(queue, 1);
}

TEST(EventFeedTest, AnEndedSubscriptionIsNotNotified) {
  EventFeed feed;
  int first = 0, second = 0;
  auto watch = std::make_optional(feed.WatchJob("jobs/1", [&] { ++first; }));
  const auto other = feed.WatchJob("jobs/1", [&] { ++second; });
  watch.reset();
  feed.JobChanged("jobs/1");
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST(EventFeedTest, AMovedSubscriptionStaysActive) {
  EventFeed feed;
  int woken = 0;
  EventFeed::Subscription watch;
  watch = feed.WatchJob("jobs/1", [&] { ++woken; });
  EventFeed::Subscription moved = std::move(watch);
  feed.JobChanged("jobs/1");
  EXPECT_EQ(woken, 1);
  moved = feed.WatchJob("jobs/2", [] {});
  feed.JobChanged("jobs/1");
  EXPECT_EQ(woken, 1);
}

TEST(EventFeedTest, AWakeMayEndItsOwnSubscription) {
  EventFeed feed;
  int woken = 0;
  std::optional<EventFeed::Subscription> watch;
  watch = feed.WatchJob("jobs/1", [&] {
    ++woken;
    watch.reset();
  });
  feed.JobChanged("jobs/1");
  feed.JobChanged("jobs/1");
  EXPECT_EQ(woken, 1);
}

TEST(EventFeedTest, AfterTheEndNoWakeIsRunning) {
  EventFeed feed;
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    while (!stop) feed.JobChanged("jobs/1");
  });
  for (int i = 0; i < 2000; ++i) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    auto watch = std::make_optional(feed.WatchJob("jobs/1", [flag = alive.get()] {
      EXPECT_TRUE(*flag);  // AddressSanitizer finds a use after free if the destructor did not wait
    }));
    watch.reset();
    *alive = false;
  }
  stop = true;
  changer.join();
}

TEST(EventFeedTest, OfManyWhoWaitForAJobAFewAreWokenInTurn) {
  EventFeed feed;
  std::vector<int> woken(4 * EventFeed::kWokenAtOnce);
  std::vector<EventFeed::Subscription> watches;
  for (int& count : woken) watches.push_back(feed.WatchQueue("baseModels/1", [&] { ++count; }));
  const auto sum = [&] { return std::accumulate(woken.begin(), woken.end(), 0); };
  feed.QueueChanged("baseModels/1");
  EXPECT_EQ(sum(), EventFeed::kWokenAtOnce);
  for (int i = 0; i < 3; ++i) feed.QueueChanged("baseModels/1");
  EXPECT_THAT(woken, testing::Each(1));
}

class RecordingRelay final : public EventRelay {
 public:
  void Publish(std::string_view key) override { keys.emplace_back(key); }
  std::vector<std::string> keys;
};

TEST(EventFeedTest, ChangesReachTheFeedOfAnotherServerThroughTheRelay) {
  EventFeed feed, other;
  RecordingRelay relay;
  feed.SetRelay(&relay);
  std::vector<std::string> woken;
  const auto job = other.WatchJob("jobs/1", [&] { woken.emplace_back("job"); });
  const auto queue = other.WatchQueue("baseModels/1", [&] { woken.emplace_back("queue"); });
  const auto keys = other.WatchKeys([&] { woken.emplace_back("keys"); });
  const auto workers = other.WatchWorkers([&] { woken.emplace_back("workers"); });
  feed.JobChanged("jobs/1");
  feed.QueueChanged("baseModels/1");
  feed.KeysChanged();
  feed.WorkersChanged();
  for (const std::string& key : relay.keys) other.Received(key);
  EXPECT_THAT(woken, testing::ElementsAre("job", "queue", "keys", "workers"));
  other.ReceivedUnknown();
  EXPECT_EQ(woken.size(), 8u) << "after a gap everyone reads again";
  feed.Received("jobs/1");
  EXPECT_EQ(relay.keys.size(), 4u) << "what came from another server does not go back";
  feed.SetRelay(nullptr);
  feed.JobChanged("jobs/1");
  EXPECT_EQ(relay.keys.size(), 4u);
}

class FeedOfStoreTest : public JobStoreTest {};

TEST_P(FeedOfStoreTest, EveryEventOfAJobWakesItsWatchersAfterItCanBeRead) {
  const v1::Job job = Submitted(Generation("request-1"));
  std::vector<uint64_t> seen;
  const auto watch = feed_.WatchJob(
      job.name(), [&] { seen.push_back(jobs_->Get("default", job.name())->last_sequence()); });
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1, 2)), IsOk());
  ASSERT_THAT(jobs_->Finish(Released(grant)), IsOk());
  Leased();
  clock_.Advance(absl::Seconds(31));
  ASSERT_EQ(*jobs_->ReturnExpired(), 1);
  ASSERT_THAT(jobs_->Cancel("default", job.name()), IsOk());
  EXPECT_THAT(seen, testing::ElementsAre(2, 4, 5, 6, 7, 8));
}

TEST_P(FeedOfStoreTest, QueueWatchersAreNotifiedOfANewJob) {
  int woken = 0;
  const auto watch = feed_.WatchQueue(kToyBase, [&] { ++woken; });
  Submitted(Generation("request-1"));
  EXPECT_EQ(woken, 1);
  const Grant grant = Leased();
  EXPECT_EQ(woken, 1);
  ASSERT_THAT(jobs_->Finish(Released(grant)), IsOk());
  EXPECT_EQ(woken, 2);
  Leased();
  clock_.Advance(absl::Seconds(31));
  ASSERT_EQ(*jobs_->ReturnExpired(), 1);
  EXPECT_EQ(woken, 3);
}

INSTANTIATE_TEST_SUITE_P(Backends, FeedOfStoreTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
