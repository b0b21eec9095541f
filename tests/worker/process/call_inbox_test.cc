#include "worker/process/call_inbox.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "worker/process/call_router.h"

namespace vico::worker {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

engine::v1::FromEngine Note(uint64_t call = 1) {
  engine::v1::FromEngine note;
  note.mutable_warning()->set_reason("NOTE");
  note.set_call(call);
  return note;
}

engine::v1::FromEngine Question() {
  engine::v1::FromEngine question;
  question.mutable_keep_going();
  return question;
}

engine::v1::FromEngine End(uint64_t call = 1) {
  engine::v1::FromEngine end;
  end.mutable_generated();
  end.set_call(call);
  return end;
}

TEST(CallInbox, KeepsTheOrderAndGivesTheRestAfterItIsClosed) {
  CallInbox inbox;
  ASSERT_THAT(inbox.Put(Note()), IsOk());
  ASSERT_THAT(inbox.Put(Question()), IsOk());
  inbox.Close();
  EXPECT_TRUE(inbox.Take(kNow)->has_warning());
  EXPECT_TRUE(inbox.Take(kNow)->has_keep_going());
  EXPECT_THAT(inbox.Take(kNow), HasCode(absl::StatusCode::kUnavailable));
}

TEST(CallInbox, WaitsNoLongerThanItsCallerDoes) {
  CallInbox inbox;
  EXPECT_THAT(inbox.Take(absl::Milliseconds(1)), HasCode(absl::StatusCode::kDeadlineExceeded));
}

TEST(CallInbox, HasRoomForSoManyNotesOnly) {
  CallInbox inbox;
  for (int i = 0; i < kMostOpenNotes; ++i) ASSERT_THAT(inbox.Put(Note()), IsOk());
  EXPECT_THAT(inbox.Put(Note()), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(inbox.Put(Question()), IsOk()) << "a question has room of its own";
  ASSERT_THAT(inbox.Take(kNow), IsOk());
  EXPECT_THAT(inbox.Put(Note()), HasCode(absl::StatusCode::kDataLoss)) << "taken, but not handled";
  inbox.Settle(MessageKind::kNote);
  EXPECT_THAT(inbox.Put(Note()), IsOk());
}

TEST(CallInbox, HasRoomForOneQuestionOnly) {
  CallInbox inbox;
  ASSERT_THAT(inbox.Put(Question()), IsOk());
  EXPECT_THAT(inbox.Put(Question()), HasCode(absl::StatusCode::kDataLoss));
  inbox.Settle(MessageKind::kQuestion);
  EXPECT_THAT(inbox.Put(Question()), IsOk());
}

TEST(CallRouter, HandsEachMessageToItsCall) {
  CallRouter router;
  const OpenCall first = router.Open();
  const OpenCall second = router.Open();
  EXPECT_NE(first.number, second.number);
  ASSERT_THAT(router.Route(Note(second.number)), IsOk());
  EXPECT_THAT(first.inbox->Take(kNow), HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(second.inbox->Take(kNow), IsOk());
}

TEST(CallRouter, RefusesMessagesOfCallsThatDoNotRun) {
  CallRouter router;
  const OpenCall call = router.Open();
  EXPECT_THAT(router.Route(Note(0)), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(router.Route(Note(call.number + 1)), HasCode(absl::StatusCode::kDataLoss));
  ASSERT_THAT(router.Route(End(call.number)), IsOk());
  EXPECT_THAT(router.Route(Note(call.number)), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(call.inbox->Take(kNow)->has_generated());
  const OpenCall forgotten = router.Open();
  router.Forget(forgotten.number);
  EXPECT_THAT(router.Route(Note(forgotten.number)), HasCode(absl::StatusCode::kDataLoss));
}

TEST(CallRouter, ACallThatOpensAfterTheEndIsClosed) {
  CallRouter router;
  const OpenCall before = router.Open();
  router.Close();
  const OpenCall after = router.Open();
  EXPECT_THAT(before.inbox->Take(absl::Minutes(1)), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(after.inbox->Take(absl::Minutes(1)), HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vico::worker
