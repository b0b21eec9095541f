#include "client/lib/event_assembler.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/sha256.h"

namespace vico::client {
namespace {

using ::testing::ElementsAre;

v1::WatchJobResponse Message(std::uint64_t sequence) {
  v1::WatchJobResponse message;
  message.mutable_event()->set_sequence(sequence);
  message.mutable_event()->mutable_progress()->set_step(1);
  return message;
}

v1::WatchJobResponse PictureMessage(std::uint64_t sequence, const std::string& bytes) {
  v1::WatchJobResponse message;
  message.mutable_event()->set_sequence(sequence);
  v1::BlobRef& blob = *message.mutable_event()->mutable_picture()->mutable_blob();
  blob.set_sha256(Sha256Hex(bytes));
  blob.set_size_bytes(bytes.size());
  return message;
}

v1::WatchJobResponse Chunk(const std::string& whole, std::size_t offset, const std::string& data,
                           bool last) {
  v1::WatchJobResponse message;
  message.mutable_chunk()->set_sha256(Sha256Hex(whole));
  message.mutable_chunk()->set_offset(offset);
  message.mutable_chunk()->set_data(data);
  message.mutable_chunk()->set_last(last);
  return message;
}

class EventAssemblerTest : public ::testing::Test {
 protected:
  EventAssembler Assembler(std::uint64_t after = 0, bool pictures = true) {
    return EventAssembler(after, pictures,
                          [this](const v1::Event& event, const std::string* bytes) {
                            seen_.push_back(std::to_string(event.sequence()) +
                                            (bytes == nullptr ? "" : ":" + *bytes));
                            return absl::OkStatus();
                          });
  }

  std::vector<std::string> seen_;
};

TEST_F(EventAssemblerTest, EventsAreDeliveredInOrder) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(Message(1)).ok());
  EXPECT_TRUE(assembler.Take(Message(2)).ok());
  EXPECT_THAT(seen_, ElementsAre("1", "2"));
  EXPECT_EQ(assembler.delivered(), 2U);
}

TEST_F(EventAssemblerTest, AGapIsAnError) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(Message(1)).ok());
  EXPECT_TRUE(absl::IsDataLoss(assembler.Take(Message(3))));
  EXPECT_THAT(seen_, ElementsAre("1"));
}

TEST_F(EventAssemblerTest, EventsDeliveredBeforeAreSkipped) {
  EventAssembler assembler = Assembler(2);
  EXPECT_TRUE(assembler.Take(Message(2)).ok());
  EXPECT_TRUE(assembler.Take(Message(3)).ok());
  EXPECT_THAT(seen_, ElementsAre("3"));
}

TEST_F(EventAssemblerTest, APictureIsDeliveredWithItsBytes) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_TRUE(assembler.Take(Chunk("abcd", 0, "abc", false)).ok());
  EXPECT_TRUE(seen_.empty());
  EXPECT_EQ(assembler.delivered(), 0U);
  EXPECT_TRUE(assembler.Take(Chunk("abcd", 3, "d", true)).ok());
  EXPECT_THAT(seen_, ElementsAre("1:abcd"));
}

TEST_F(EventAssemblerTest, AnIncompletePictureIsReadAgain) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_TRUE(assembler.Take(Chunk("abcd", 0, "ab", false)).ok());
  assembler.EndStream();
  EXPECT_EQ(assembler.delivered(), 0U);
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_TRUE(assembler.Take(Chunk("abcd", 0, "abcd", true)).ok());
  EXPECT_THAT(seen_, ElementsAre("1:abcd"));
}

TEST_F(EventAssemblerTest, WrongBytesAreAnError) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_TRUE(absl::IsDataLoss(assembler.Take(Chunk("abcd", 0, "abcX", true))));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(EventAssemblerTest, MoreBytesThanAnnouncedAreAnError) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_TRUE(absl::IsDataLoss(assembler.Take(Chunk("abcd", 0, "abcde", false))));
}

TEST_F(EventAssemblerTest, AChunkOutOfOrderIsAnError) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_TRUE(absl::IsDataLoss(assembler.Take(Chunk("abcd", 2, "cd", true))));
}

TEST_F(EventAssemblerTest, APictureThatTheServerDeletedHasNoBytes) {
  EventAssembler assembler = Assembler();
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_TRUE(assembler.Take(Message(2)).ok());
  EXPECT_THAT(seen_, ElementsAre("1", "2"));
}

TEST_F(EventAssemblerTest, WithoutPicturesAnEventIsDeliveredAtOnce) {
  EventAssembler assembler = Assembler(0, false);
  EXPECT_TRUE(assembler.Take(PictureMessage(1, "abcd")).ok());
  EXPECT_THAT(seen_, ElementsAre("1"));
}

TEST_F(EventAssemblerTest, TheLastEventIsKept) {
  EventAssembler assembler = Assembler();
  v1::WatchJobResponse message;
  message.mutable_event()->set_sequence(1);
  message.mutable_event()->mutable_succeeded()->set_adapter("adapters/1");
  EXPECT_FALSE(assembler.terminal());
  EXPECT_TRUE(assembler.Take(std::move(message)).ok());
  ASSERT_TRUE(assembler.terminal());
  EXPECT_EQ(assembler.terminal()->succeeded().adapter(), "adapters/1");
}

TEST_F(EventAssemblerTest, AnErrorOfTheReceiverIsReturnedAndTheEventNotCounted) {
  EventAssembler assembler(0, true, [](const v1::Event&, const std::string*) {
    return absl::ResourceExhaustedError("disk full");
  });
  EXPECT_TRUE(absl::IsResourceExhausted(assembler.Take(Message(1))));
  EXPECT_EQ(assembler.delivered(), 0U);
}

}  // namespace
}  // namespace vico::client
