#include "server/jobs/worker_book.h"

#include <gmock/gmock.h>

#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WorkerBookTest : public testing::Test {
 protected:
  void Register(const std::string& name) {
    v1::RegisterRequest request;
    request.set_worker(name);
    request.set_device("cpu");
    request.add_base_models()->mutable_base_model()->set_name("baseModels/tiny");
    book_.Registered(request);
  }

  static v1::WorkerLoad Load(uint64_t memory, int adapters) {
    v1::WorkerLoad load;
    load.set_memory_bytes(memory);
    load.set_loaded_adapters(adapters);
    return load;
  }

  FakeClock clock_;
  WorkerBook book_{clock_};
};

TEST_F(WorkerBookTest, AWorkerIsShownWithWhatItHolds) {
  Register("a");
  book_.Heard("a", Load(100, 2));
  book_.Took("a", "jobs/1");
  book_.Took("a", "jobs/1");  // as each report says again
  book_.Took("a", "jobs/2");
  book_.GaveBack("a", "jobs/1");
  book_.Heard("stranger", Load(7, 7));
  const auto all = book_.List();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0].jobs(), ElementsAre("jobs/2"));
  EXPECT_THAT(all[0].base_models(), ElementsAre("baseModels/tiny"));
  EXPECT_EQ(all[0].load().memory_bytes(), 100u);
  EXPECT_TRUE(all[0].alive());
}

TEST_F(WorkerBookTest, ASilentWorkerIsGoneAndADayLaterForgotten) {
  Register("a");
  book_.Took("a", "jobs/1");
  clock_.Advance(absl::Seconds(61));
  ASSERT_EQ(book_.List().size(), 1u);
  EXPECT_FALSE(book_.List()[0].alive());
  EXPECT_THAT(book_.List()[0].jobs(), IsEmpty());
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(book_.List(), IsEmpty());
}

TEST_F(WorkerBookTest, ADrainLastsUntilItIsUndone) {
  EXPECT_THAT(book_.Drain("a", true), HasCode(absl::StatusCode::kNotFound));
  Register("a");
  EXPECT_FALSE(book_.IsDraining("a"));
  EXPECT_TRUE(book_.Drain("a", true)->draining());
  Register("a");  // as after a call that failed
  EXPECT_TRUE(book_.IsDraining("a"));
  EXPECT_FALSE(book_.Drain("a", false)->draining());
  EXPECT_FALSE(book_.IsDraining("a"));
}

TEST_F(WorkerBookTest, SumsAreOfTheLiving) {
  Register("gone");
  book_.Heard("gone", Load(1000, 9));
  clock_.Advance(absl::Seconds(61));
  Register("a");
  Register("b");
  book_.Heard("a", Load(100, 2));
  book_.Heard("b", Load(30, 1));
  book_.Drain("b", true).IgnoreError();
  const WorkerLoads sum = book_.Sum();
  EXPECT_EQ(sum.memory_bytes, 130);
  EXPECT_EQ(sum.memory_bytes_most, 100);
  EXPECT_EQ(sum.loaded_adapters, 3);
  EXPECT_EQ(sum.draining, 1);
}

}  // namespace
}  // namespace vico::server
