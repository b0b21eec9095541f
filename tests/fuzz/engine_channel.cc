// Both ends of the channel between worker and engine. The first byte selects the end that reads the
// rest: 'e' the engine, 't' the worker during a training (call 1), '2' the worker during two
// generations (calls 1 and 2), anything else the worker during a generation (call 1).
#include <fstream>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include "common/status.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/paced_frames.h"
#include "tests/support/temp_folder.h"
#include "tests/worker/job/fake_engine.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/process/engine_process.h"
#include "worker/serving/engine_server.h"

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
  engine.generations = 2;
  engine.train =
      [](const v1::TrainSpec& spec, const auto& pictures,
         const worker::TrainCallbacks& callbacks) -> absl::StatusOr<worker::TrainedAdapter> {
    for (const worker::CheckpointSource& source : callbacks.checkpoints) {
      if (source.fetch().ok()) callbacks.on_resumed(source.step, {0.5});
    }
    if (callbacks.checkpoints.empty()) {
      RETURN_IF_ERROR(callbacks.fetch_continued().status());
    }
    const bool kept = callbacks.keep_going() &&
                      callbacks.on_step({.step = 1, .total_steps = spec.steps()}) &&
                      !callbacks.finishes_early();
    if (callbacks.wants_checkpoint(1, !kept)) {
      callbacks.on_checkpoint(
          {.step = 1, .serialize = []() -> absl::StatusOr<std::string> { return "state"; }});
    }
    callbacks.on_sample({.step = 1, .picture = {.bytes = "sample"}});
    callbacks.on_mask({.step = 1, .png = "mask"});
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
    SendPaced(sockets[1], bytes);
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

void Generate(worker::EngineProcess& process) {
  worker::AdapterSource adapter;
  adapter.fetch = []() -> absl::StatusOr<worker::AdapterBytes> {
    return worker::AdapterBytes{.safetensors = "adapter", .reference = "reference"};
  };
  const auto drawn = process.Generate({}, {.adapter = &adapter}, GenerationCallbacks());
  MustHold(drawn.ok() || !drawn.status().message().empty(), "a failure has a reason");
}

void FeedWorker(uint8_t calls, std::string_view bytes) {
  static TempFolder folder;
  const std::string path = folder.path() + "/bytes";
  std::ofstream(path, std::ios::binary) << bytes;
  const auto process =
      worker::EngineProcess::Open({.command = {VICO_FUZZ_ENGINE, path}}, Log::Off());
  if (!process.ok()) {
    MustHold(!process.status().message().empty(), "a refused engine has a reason");
    return;
  }
  if (calls == 't') {
    v1::TrainSpec spec;
    spec.set_steps(2);
    (*process)->Train(spec, {"picture"}, TrainingCallbacks()).status().IgnoreError();
    return;
  }
  std::thread second;
  if (calls == '2') second = std::thread([&process] { Generate(**process); });
  Generate(**process);
  if (second.joinable()) second.join();
}

std::string Hello() {
  wire::FromEngine message;
  message.mutable_hello()->set_device("cpu");
  message.mutable_hello()->set_most_generations(2);
  message.mutable_hello()->add_offers()->mutable_base_model()->set_name("baseModels/toyworld");
  return Frame(message);
}

wire::ToEngine Answer(uint64_t call) {
  wire::ToEngine answer;
  answer.set_call(call);
  answer.mutable_answer()->set_yes(true);
  answer.mutable_answer()->set_bytes("bytes");
  return answer;
}

wire::ToEngine Received(uint64_t call) {
  wire::ToEngine received;
  received.set_call(call);
  received.mutable_received();
  return received;
}

wire::ToEngine Training(uint64_t call) {
  wire::ToEngine train;
  train.set_call(call);
  train.mutable_train()->mutable_spec()->set_steps(2);
  train.mutable_train()->add_pictures("picture");
  train.mutable_train()->add_checkpoint_steps(1);
  return train;
}

wire::ToEngine Generation(uint64_t call) {
  wire::ToEngine generate;
  generate.set_call(call);
  generate.mutable_generate()->mutable_adapter()->set_name("adapters/a");
  return generate;
}

/// Sessions of the engine's end, with replies to all that it sends, and such that break the rules.
void AddEngineSeeds(std::vector<std::string>& seeds) {
  const std::string answer = Frame(Answer(1));
  const std::string received = Frame(Received(1));
  const std::string rest =
      answer + answer + answer + received + received + received + received;  // after its start
  seeds.push_back("e" + Frame(Training(1)) + answer + received + rest);
  wire::ToEngine continued = Training(1);
  continued.mutable_train()->clear_checkpoint_steps();
  seeds.push_back("e" + Frame(continued) + answer + rest);
  const std::string drawn = Frame(Generation(1)) + answer + received + received + answer;
  seeds.push_back("e" + drawn);
  wire::ToEngine refusal = Answer(1);
  refusal.mutable_answer()->mutable_status()->set_code(5);
  seeds.push_back("e" + Frame(Generation(1)) + Frame(refusal) + Frame(Training(2)));
  // Several at once, and one more than the engine takes.
  seeds.push_back("e" + Frame(Generation(1)) + Frame(Generation(2)) + Frame(Training(3)) +
                  Frame(Generation(4)) + Frame(Answer(2)) + answer + Frame(Answer(3)));
  seeds.push_back("e" + Frame(Generation(1)) + Frame(Generation(1)));
  seeds.push_back("e" + Frame(Generation(1)) + answer + answer);  // one answer too many
  seeds.push_back("e" + drawn + received + answer);               // for a call that has ended
  seeds.push_back("e" + answer);
  seeds.push_back("e" + received);
  seeds.push_back("e" + std::string("\xff\xff\xff\x7f\0\0\0\0", 8));  // announces 2 GiB
  seeds.push_back("e" + std::string(8, '\xff'));
}

/// Every message that an engine may send in a training.
std::string TrainingMessages() {
  wire::FromEngine message;
  message.set_call(1);
  std::string frames;
  message.mutable_warning()->set_reason("REASON");
  frames += Frame(message);
  message.mutable_train_step()->set_step(1);
  frames += Frame(message);
  message.mutable_keep_going();
  frames += Frame(message);
  message.mutable_wants_checkpoint()->set_step(1);
  frames += Frame(message);
  message.mutable_fetch_checkpoint()->set_index(0);
  frames += Frame(message);
  message.mutable_resumed()->add_losses(0.5);
  frames += Frame(message);
  message.mutable_sample()->mutable_picture()->set_png("png");
  frames += Frame(message);
  message.mutable_mask()->set_site("site");
  frames += Frame(message);
  message.mutable_checkpoint()->set_bytes("state");
  return frames + Frame(message);
}

/// Every message that an engine may send in a generation.
std::string GenerationMessages(uint64_t call) {
  wire::FromEngine message;
  message.set_call(call);
  std::string frames;
  message.mutable_warning()->set_reason("REASON");
  frames += Frame(message);
  message.mutable_fetch_adapter();
  frames += Frame(message);
  message.mutable_generate_step()->set_step(1);
  frames += Frame(message);
  message.mutable_preview()->mutable_picture()->set_png("png");
  frames += Frame(message);
  message.mutable_finished()->mutable_picture()->set_png("png");
  return frames + Frame(message);
}

std::string GenerationEnd(uint64_t call) {
  wire::FromEngine end;
  end.set_call(call);
  end.mutable_generated()->set_finished(true);
  return Frame(end);
}

void AddTrainingSeeds(std::vector<std::string>& seeds) {
  const std::string training = Hello() + TrainingMessages();
  wire::FromEngine message;
  message.set_call(1);
  message.mutable_fetch_checkpoint()->set_index(-1);
  seeds.push_back("t" + training + Frame(message));
  message.mutable_trained()->set_safetensors("adapter");
  seeds.push_back("t" + training + Frame(message));
  message.mutable_failed();  // a failure that is none
  seeds.push_back("t" + Frame(message));
  seeds.push_back("t" + Hello() + Frame(message));
  seeds.push_back("t" + Hello() + Hello());
  seeds.push_back("t" + Hello() + std::string("\xff\xff\xff\x7f\0\0\0\0", 8));
  seeds.push_back("t");
}

void AddGenerationSeeds(std::vector<std::string>& seeds) {
  const std::string generation = Hello() + GenerationMessages(1);
  seeds.push_back("g" + generation + GenerationEnd(1));
  wire::FromEngine message;
  message.set_call(1);
  message.mutable_failed()->set_code(8);
  message.mutable_failed()->set_message("no memory");
  seeds.push_back("g" + generation + Frame(message));
  seeds.push_back("g" + Frame(message));  // in place of the hello
  seeds.push_back("g" + Hello() + GenerationMessages(2));
  seeds.push_back("g" + Hello() + GenerationEnd(1) + GenerationMessages(1));
  message.mutable_generate_step()->set_step(1);
  seeds.push_back("2" + Hello() + Frame(message) + Frame(message));
  std::string notes = Hello();
  message.mutable_warning()->set_reason("REASON");
  for (int i = 0; i < 20; ++i) notes += Frame(message);
  seeds.push_back("2" + notes);
  seeds.push_back("2" + Hello() + GenerationMessages(1) + GenerationMessages(2) + GenerationEnd(2) +
                  GenerationEnd(1));
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  AddEngineSeeds(seeds);
  AddTrainingSeeds(seeds);
  AddGenerationSeeds(seeds);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = AsText(data + 1, size - 1);
  if (data[0] == 'e') {
    FeedEngine(rest);
  } else {
    FeedWorker(data[0], rest);
  }
  return 0;
}

}  // namespace vico::fuzz
