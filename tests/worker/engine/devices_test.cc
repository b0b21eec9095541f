// The devices that --device names, and trainings of an engine with several.
#include "worker/engine/devices.h"

#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include "tests/worker/torch_engine/torch_engine_fixture.h"

namespace vico::worker {
namespace {

using testing::HasSubstr;

TEST(DevicesNamedTest, CpusAndGpusAreNamed) {
  const auto cpus = DevicesNamed("cpu,cpu", 2);
  ASSERT_THAT(cpus, IsOk());
  EXPECT_EQ(Joined(*cpus), "cpu,cpu");
  EXPECT_EQ(Joined(*DevicesNamed("cpu", 1)), "cpu");
  const bool has_cuda = torch::cuda::device_count() > 0;
  EXPECT_EQ(Joined(*DevicesNamed("auto", 1)), has_cuda ? "cuda:0" : "cpu");
}

TEST(DevicesNamedTest, ErrorsNameTheFlag) {
  EXPECT_THAT(DevicesNamed("", 1), HasMessage(HasSubstr("--device: must name a device")));
  EXPECT_THAT(DevicesNamed("gpu", 1), HasMessage(HasSubstr("--device: must be auto, cpu")));
  EXPECT_THAT(DevicesNamed("cpu,meta", 2), HasMessage(HasSubstr("got meta")));
  EXPECT_THAT(DevicesNamed("cpu,cpu,cpu", 2),
              HasMessage("--device: 3 CPU devices need as many --threads or more, got 2"));
}

TEST(DevicesNamedTest, AGpuMustExist) {
  const auto gpus = static_cast<int>(torch::cuda::device_count());
  const std::string missing = "cuda:" + std::to_string(gpus);
  EXPECT_THAT(DevicesNamed(missing, 1), HasCode(absl::StatusCode::kFailedPrecondition));
  if (gpus == 0) GTEST_SKIP() << "needs a CUDA device for the rest";
  EXPECT_EQ(Joined(*DevicesNamed("cuda", 1)), "cuda:0");
  EXPECT_THAT(DevicesNamed("cuda:0,cuda:0", 1), HasMessage(HasSubstr("names cuda:0 twice")));
  EXPECT_THAT(DevicesNamed("cuda:0,cpu", 1), HasMessage(HasSubstr("CPUs only or GPUs only")));
}

class EngineDevicesTest : public TorchEngineTest {
 protected:
  EngineDevicesTest() {
    train_.set_batch_size(4);
    train_.set_sample_every_steps(0);
  }

  static std::unique_ptr<Engine> Open(const std::string& device) {
    auto engine = OpenTorchEngine(
        {.base_models = {base_}, .device = device, .threads = 4, .code_version = "test"},
        Log::Off());
    EXPECT_THAT(engine, IsOk());
    return engine.ok() ? *std::move(engine) : nullptr;
  }
};

TEST_F(EngineDevicesTest, AnEngineSaysHowManyDevicesItHas) {
  const auto engine = Open("cpu,cpu,cpu");
  EXPECT_EQ(engine->devices(), 3);
  EXPECT_EQ(engine->device(), "cpu,cpu,cpu");
  EXPECT_EQ(engine_->devices(), 1);
}

// The number of CPU devices is not part of a checkpoint's identity: it does not change the bits.
TEST_F(EngineDevicesTest, ATrainingResumesOnAnotherNumberOfCpus) {
  const auto one = Open("cpu");
  const auto four = Open("cpu,cpu,cpu,cpu");
  std::string kept;
  shows_.wants_checkpoint = [](int64_t step, bool) { return step == 2; };
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) { kept = *checkpoint.serialize(); };
  train_.set_devices(4);
  const auto whole = four->Train(train_, pictures_, shows_);
  ASSERT_THAT(whole, IsOk());
  ASSERT_EQ(steps_.size(), 5u);
  shows_.wants_checkpoint = nullptr;
  shows_.on_warning = [](const std::string& reason, const std::string& message) {
    ADD_FAILURE() << reason << ": " << message;
  };

  shows_.checkpoints = {{.step = 2, .fetch = [&] { return kept; }}};
  for (Engine* engine : {one.get(), four.get()}) {
    steps_.clear();
    const auto resumed = engine->Train(train_, pictures_, shows_);
    ASSERT_THAT(resumed, IsOk());
    EXPECT_EQ(steps_.size(), 3u);
    EXPECT_EQ(Sha256Hex(resumed->safetensors), Sha256Hex(whole->safetensors));
  }
}

TEST_F(EngineDevicesTest, TheAdapterFilesTensorsAreThoseOfOneDevice) {
  const auto several = Open("cpu,cpu");
  const auto one = Open("cpu");
  for (const auto dialect : {v1::DIALECT_PAPER, v1::DIALECT_MMAGIC}) {
    train_.set_dialect(dialect);
    const auto expected = one->Train(train_, pictures_, shows_);
    ASSERT_THAT(expected, IsOk());
    train_.set_devices(2);
    const auto found = several->Train(train_, pictures_, shows_);
    ASSERT_THAT(found, IsOk());
    train_.clear_devices();
    const auto again = several->Train(train_, pictures_, shows_);
    ASSERT_THAT(again, IsOk());
    // The file with `devices` in its spec differs in its metadata.
    EXPECT_EQ(again->safetensors, expected->safetensors);
    const auto tensors = [](const std::string& file) {
      uint64_t header = 0;
      for (size_t i = 0; i < 8; ++i) {
        header |= uint64_t{static_cast<unsigned char>(file[i])} << (8 * i);
      }
      return file.substr(8 + header);
    };
    EXPECT_EQ(Sha256Hex(tensors(found->safetensors)), Sha256Hex(tensors(expected->safetensors)));
  }
}

}  // namespace
}  // namespace vico::worker
