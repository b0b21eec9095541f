// `vico … --show` on a pseudo-terminal, against a server in this process.
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/pixels/pixels.h"
#include "common/crypto/sha256.h"
#include "tests/client/lib/fake_server.h"
#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Shown {
  int exit_code = -1;
  std::string text;  ///< both outputs
};

/// Runs vico with a terminal of 80 x 24 cells as its outputs. `environment` has nothing else.
Shown OnTerminal(std::vector<std::string> words, std::vector<std::string> environment) {
  words.insert(words.begin(), VICO_BINARY);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  };
  const std::vector<char*> arguments = pointers(words);
  const std::vector<char*> variables = pointers(environment);
  int terminal = -1;
  const winsize size{24, 80, 0, 0};
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    execve(VICO_BINARY, arguments.data(), variables.data());
    _exit(127);
  }
  Shown shown;
  std::array<char, 4096> piece{};
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  // A terminal whose other side has closed fails with EIO.
  for (ssize_t count = 1; count > 0 && std::chrono::steady_clock::now() < end;) {
    pollfd waiting{terminal, POLLIN, 0};
    if (poll(&waiting, 1, 1000) <= 0) continue;
    count = read(terminal, piece.data(), piece.size());
    if (count > 0) shown.text.append(piece.data(), static_cast<std::size_t>(count));
  }
  kill(child, SIGKILL);  // does nothing if it has ended
  int status = 0;
  waitpid(child, &status, 0);
  close(terminal);
  if (WIFEXITED(status)) shown.exit_code = WEXITSTATUS(status);
  return shown;
}

class ShowTest : public testing::Test {
 protected:
  ShowTest() {
    Pixels red{32, 32, {}};
    for (int i = 0; i < 32 * 32; ++i) red.rgb.insert(red.rgb.end(), {255, 0, 0});
    png_ = *EncodePng(red);
    server_.generate = [this](const v1::CreateGenerationJobRequest&, FakeServer::Events& events) {
      v1::Event event;
      event.mutable_picture()->set_seed(7);
      *event.mutable_picture()->mutable_blob() = Blob();
      Send(events, event, 1);
      SendBytes(events);
      event.mutable_succeeded();
      Send(events, event, 2);
      return grpc::Status::OK;
    };
    server_.train = [](const v1::CreateTrainingJobRequest&, v1::Job& job) {
      job.set_name("jobs/1");
      return grpc::Status::OK;
    };
    server_.watch = [this](grpc::ServerContext&, const v1::WatchJobRequest& request,
                           FakeServer::Events& events) {
      v1::Event event;
      for (std::uint64_t step = 1; step <= 10; ++step) {
        event.mutable_progress()->set_step(static_cast<std::int64_t>(step));
        event.mutable_progress()->set_total_steps(10);
        event.mutable_progress()->set_loss(1.0 / static_cast<double>(step));
        Send(events, event, step);
      }
      event.mutable_sample()->set_step(10);
      *event.mutable_sample()->mutable_picture()->mutable_blob() = Blob();
      Send(events, event, 11);
      if (request.include_pictures()) SendBytes(events);
      event.mutable_succeeded()->set_adapter("adapters/1");
      Send(events, event, 12);
      return grpc::Status::OK;
    };
  }

  v1::BlobRef Blob() const {
    v1::BlobRef blob;
    blob.set_sha256(Sha256Hex(png_));
    blob.set_size_bytes(png_.size());
    return blob;
  }
  static void Send(FakeServer::Events& events, const v1::Event& event, std::uint64_t sequence) {
    v1::WatchJobResponse message;
    message.set_job("jobs/1");
    *message.mutable_event() = event;
    message.mutable_event()->set_sequence(sequence);
    events.Write(message);
  }
  void SendBytes(FakeServer::Events& events) const {
    v1::WatchJobResponse chunk;
    chunk.set_job("jobs/1");
    chunk.mutable_chunk()->set_sha256(Sha256Hex(png_));
    chunk.mutable_chunk()->set_data(png_);
    chunk.mutable_chunk()->set_last(true);
    events.Write(chunk);
  }

  std::vector<std::string> Generate() const {
    return {"generate", "1", "p", "--server", server_.address(), "--out", folder_.path()};
  }
  std::vector<std::string> Train() const {
    return {"train", "1", "--init-word", "dog", "--watch", "--server", server_.address()};
  }
  static std::vector<std::string> Showing(std::vector<std::string> words) {
    words.emplace_back("--show");
    return words;
  }

  FakeServer server_;
  TempFolder folder_;
  std::string png_;
};

TEST_F(ShowTest, APictureIsDrawnInTheColoursOfTheTerminal) {
  const Shown shown =
      OnTerminal(Showing(Generate()), {"TERM=xterm-256color", "COLORTERM=truecolor"});
  EXPECT_EQ(shown.exit_code, 0) << shown.text;
  EXPECT_THAT(shown.text, HasSubstr("48;2;25"));
  EXPECT_THAT(OnTerminal(Generate(), {"TERM=xterm-256color", "COLORTERM=truecolor"}).text,
              Not(HasSubstr("48;2;")));
}

TEST_F(ShowTest, TheTerminalSaysWhichProtocol) {
  EXPECT_THAT(OnTerminal(Showing(Generate()), {"TERM=xterm-kitty"}).text, HasSubstr("\x1b_Ga=T"));
  EXPECT_THAT(OnTerminal(Showing(Generate()), {"TERM=foot"}).text, HasSubstr("\x1bP0;1;0q"));
}

TEST_F(ShowTest, ATrainingShowsItsSamplesAndItsLoss) {
  const Shown shown = OnTerminal(Showing(Train()), {"TERM=xterm"});
  EXPECT_EQ(shown.exit_code, 0) << shown.text;
  EXPECT_THAT(shown.text, HasSubstr("48;5;196"));
  EXPECT_THAT(shown.text, HasSubstr("at step 10"));
  const Shown plain = OnTerminal(Train(), {"TERM=xterm"});
  EXPECT_THAT(plain.text, Not(HasSubstr("48;5;196")));
  EXPECT_THAT(plain.text, Not(HasSubstr("at step 10")));
}

TEST_F(ShowTest, WithoutATerminalTheCommandSaysSoAndGoesOn) {
  const Shown dumb = OnTerminal(Showing(Generate()), {"TERM=dumb"});
  EXPECT_THAT(dumb.text, HasSubstr("--show: there is no terminal"));
  std::vector<std::string> words = Showing(Generate());
  words.insert(words.begin(), VICO_BINARY);
  const Finished finished = RunToEnd(words, std::chrono::minutes(1));
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("--show: there is no terminal, so nothing is drawn\n"));
  EXPECT_THAT(finished.out, HasSubstr(folder_.path()));
}

}  // namespace
}  // namespace vico::client
