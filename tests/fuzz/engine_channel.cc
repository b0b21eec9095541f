// Both ends of the channel between worker and engine. The first byte selects the end that reads the
// rest: 'e' the engine, 't' the worker during a training, anything else the worker during a
// generation.
#include <fstream>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include "common/status.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/temp_folder.h"
#include "tests/worker/job/fake_engine.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/process/engine_process.h"
#include "worker/process/engine_server.h"

namespace vico::fuzz {
namespace {

namespace wire = engine::v1;

std::string Frame(const google::protobuf::Message& message) {
  std::string frame(8, '\0');
  for (size_t i = 0; i < 8; ++i) {
    frame[i] = static_cast<char>(message.ByteSizeLong() >> (8 * i) & 0xff);
  }
  return frame + message.SerializeAsString();
}

/// An engine that makes use of all callbacks, a few times.
worker::FakeEngine TalkativeEngine() {
  worker::FakeEngine engine;
  engine.train =
      [](const v1::TrainSpec& spec, const auto& pictures,
         const worker::TrainCallbacks& callbacks) -> absl::StatusOr<worker::TrainedAdapter> {
    for (const worker::CheckpointSource& source : callbacks.checkpoints) {
      if (source.fetch().ok()) callbacks.on_resumed(source.step, {0.5});
    }
    const bool kept =
        callbacks.keep_going() && callbacks.on_step({.step = 1, .total_steps = spec.steps()});
    if (callbacks.wants_checkpoint(1, !kept)) {
      callbacks.on_checkpoint(
          {.step = 1, .serialize = []() -> absl::StatusOr<std::string> { return "state"; }});
    }
    callbacks.on_warning("PICTURES", std::to_string(pictures.size()));
    return worker::TrainedAdapter{.stopped = !kept};
  };
  engine.generate = [](const v1::GenerateSpec&, const worker::GenerationInputs& inputs,
                       const worker::GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
    if (inputs.adapter != nullptr) RETURN_IF_ERROR(inputs.adapter->fetch().status());
    callbacks.on_preview(0, 1, {.bytes = "preview"});
    callbacks.on_picture(0, {.bytes = "picture"});
    return callbacks.on_step(1, 2);
  };
  return engine;
}

void FeedEngine(std::string_view bytes) {
  int sockets[2];
  MustHold(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0, "sockets open");
  worker::FakeEngine engine = TalkativeEngine();
  std::thread other([&] {
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const ssize_t sent = send(sockets[1], rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      rest.remove_prefix(static_cast<size_t>(sent));
    }
    shutdown(sockets[1], SHUT_WR);
    char ignored[4096];
    while (read(sockets[1], ignored, sizeof ignored) > 0) {
    }
    close(sockets[1]);
  });
  {
    worker::FrameChannel channel(sockets[0]);
    worker::ServeEngine(engine, channel).IgnoreError();
  }
  other.join();
}

worker::TrainCallbacks TrainingCallbacks() {
  worker::TrainCallbacks callbacks;
  callbacks.on_step = [](const worker::TrainStep&) { return true; };
  callbacks.keep_going = [] { return true; };
  callbacks.on_sample = [](const worker::TrainingSample&) {};
  callbacks.on_mask = [](const worker::LearnedMask&) {};
  callbacks.on_warning = [](const std::string&, const std::string&) {};
  callbacks.wants_checkpoint = [](int64_t, bool) { return true; };
  callbacks.on_checkpoint = [](const worker::TrainCheckpoint& checkpoint) {
    MustHold(checkpoint.serialize().ok(), "a received checkpoint has bytes");
  };
  callbacks.checkpoints.push_back(
      {.step = 1, .fetch = []() -> absl::StatusOr<std::string> { return "state"; }});
  return callbacks;
}

worker::GenerateCallbacks GenerationCallbacks() {
  worker::GenerateCallbacks callbacks;
  callbacks.on_step = [](int64_t, int64_t) { return true; };
  callbacks.on_preview = [](int, int64_t, const worker::PngPicture&) {};
  callbacks.on_picture = [](int, const worker::PngPicture&) {};
  callbacks.on_warning = [](const std::string&, const std::string&) {};
  return callbacks;
}

void FeedWorker(bool training, std::string_view bytes) {
  static TempFolder folder;
  const std::string path = folder.path() + "/bytes";
  std::ofstream(path, std::ios::binary) << bytes;
  const auto process =
      worker::EngineProcess::Open({.command = {VICO_FUZZ_ENGINE, path}}, Log::Off());
  if (!process.ok()) {
    MustHold(!process.status().message().empty(), "a refused engine has a reason");
    return;
  }
  if (training) {
    v1::TrainSpec spec;
    spec.set_steps(2);
    (*process)->Train(spec, {"picture"}, TrainingCallbacks()).status().IgnoreError();
  } else {
    worker::AdapterSource adapter;
    adapter.fetch = []() -> absl::StatusOr<worker::AdapterBytes> {
      return worker::AdapterBytes{.safetensors = "adapter", .reference = "reference"};
    };
    (*process)->Generate({}, {.adapter = &adapter}, GenerationCallbacks()).status().IgnoreError();
  }
}

std::string Hello() {
  wire::FromEngine message;
  message.mutable_hello()->set_device("cpu");
  message.mutable_hello()->add_offers()->mutable_base_model()->set_name("baseModels/toyworld");
  return Frame(message);
}

/// A session of the engine's end: a job and answers to all its questions.
void AddEngineSeeds(std::vector<std::string>& seeds) {
  wire::ToEngine answer;
  answer.mutable_answer()->set_yes(true);
  answer.mutable_answer()->set_bytes("bytes");
  wire::ToEngine train;
  train.mutable_train()->mutable_spec()->set_steps(2);
  train.mutable_train()->add_pictures("picture");
  train.mutable_train()->add_checkpoint_steps(1);
  std::string session = Frame(train);
  for (int i = 0; i < 4; ++i) session += Frame(answer);
  seeds.push_back("e" + session);
  wire::ToEngine generate;
  generate.mutable_generate()->mutable_adapter()->set_name("adapters/a");
  seeds.push_back("e" + Frame(generate) + Frame(answer) + Frame(answer));
  answer.mutable_answer()->mutable_status()->set_code(5);
  seeds.push_back("e" + Frame(generate) + Frame(answer) + Frame(train));
  seeds.push_back("e" + Frame(answer));
  seeds.push_back("e" + std::string("\xff\xff\xff\x7f\0\0\0\0", 8));  // announces 2 GiB
  seeds.push_back("e" + std::string(8, '\xff'));
}

/// Every message that an engine may send, in sessions of both kinds.
void AddWorkerSeeds(std::vector<std::string>& seeds) {
  std::string shared = Hello();
  wire::FromEngine message;
  message.mutable_warning()->set_reason("REASON");
  shared += Frame(message);
  std::string training = shared;
  message.mutable_train_step()->set_step(1);
  training += Frame(message);
  message.mutable_keep_going();
  training += Frame(message);
  message.mutable_wants_checkpoint()->set_step(1);
  training += Frame(message);
  message.mutable_fetch_checkpoint()->set_index(0);
  training += Frame(message);
  message.mutable_resumed()->add_losses(0.5);
  training += Frame(message);
  message.mutable_sample()->mutable_picture()->set_png("png");
  training += Frame(message);
  message.mutable_mask()->set_site("site");
  training += Frame(message);
  message.mutable_checkpoint()->set_bytes("state");
  training += Frame(message);
  message.mutable_fetch_checkpoint()->set_index(-1);
  seeds.push_back("t" + training + Frame(message));
  message.mutable_trained()->set_safetensors("adapter");
  seeds.push_back("t" + training + Frame(message));
  std::string generation = shared;
  message.mutable_fetch_adapter();
  generation += Frame(message);
  message.mutable_generate_step()->set_step(1);
  generation += Frame(message);
  message.mutable_preview()->mutable_picture()->set_png("png");
  generation += Frame(message);
  message.mutable_finished()->mutable_picture()->set_png("png");
  generation += Frame(message);
  message.mutable_generated()->set_finished(true);
  seeds.push_back("g" + generation + Frame(message));
  message.mutable_failed()->set_code(8);
  seeds.push_back("g" + generation + Frame(message));
  seeds.push_back("g" + Frame(message));  // in place of the greeting
  seeds.push_back("g" + Hello() + Hello());
  seeds.push_back("t" + Hello() + Hello());
  message.mutable_failed()->Clear();  // a failure that is none
  seeds.push_back("t" + Frame(message));
  seeds.push_back("t" + Hello() + Frame(message));
  seeds.push_back("t" + Hello() + std::string("\xff\xff\xff\x7f\0\0\0\0", 8));
  seeds.push_back("t");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  AddEngineSeeds(seeds);
  AddWorkerSeeds(seeds);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = AsText(data + 1, size - 1);
  if (data[0] == 'e') {
    FeedEngine(rest);
  } else {
    FeedWorker(data[0] == 't', rest);
  }
  return 0;
}

}  // namespace vico::fuzz
