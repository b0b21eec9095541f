// Generations that run at once, and beside a training.
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "tests/worker/torch_engine/torch_engine_fixture.h"
#include "worker/io/image.h"
#include "worker/io/tensors.h"

namespace vico::worker {
namespace {

// The most that a channel of a pixel differs by, of 255, when a picture is drawn with others. Rows
// of several jobs in one pass change the rounding of matrix products only.
constexpr int kMostDifference = 1;

/// One generation, with what its callbacks said.
struct Drawing {
  v1::GenerateSpec spec;
  const AdapterSource* adapter = nullptr;
  int64_t stop_after = 1000;  // steps
  std::vector<int64_t> steps = {};
  std::map<int, std::string> pictures = {};
  absl::StatusOr<bool> finished = false;
};

class EngineBatchesTest : public TorchEngineTest {
 protected:
  /// An adapter after a few steps of a training.
  AdapterSource Trained(uint64_t seed) {
    train_.set_seed(seed);
    train_.set_sample_every_steps(0);
    const auto trained = Train();
    EXPECT_THAT(trained, IsOk());
    return trained.ok() ? SourceOf(*trained) : AdapterSource{};
  }

  /// The adapter with weights that are not finite.
  AdapterSource Overflowing(const AdapterSource& source) {
    const AdapterBytes bytes = source.fetch().value();
    const auto file = SafetensorsFile::FromBytes(bytes.safetensors, "adapter").value();
    TensorMap tensors = ReadTensors(file);
    for (auto& [name, tensor] : tensors) {
      if (name.find("attn2.to_v") != std::string::npos) tensor.fill_(1e38);
    }
    return SourceOf({.safetensors = SerializeTensors(tensors, file.metadata()).value()});
  }

  Drawing DrawingOf(const AdapterSource* adapter, const std::string& prompt) {
    Drawing drawing = {.spec = generate_, .adapter = adapter};
    drawing.spec.set_prompt(prompt);
    return drawing;
  }

  /// Four jobs that differ in all that may differ in a batch.
  std::vector<Drawing> FourDrawings(const std::vector<AdapterSource>& adapters) {
    std::vector<Drawing> drawings = {
        DrawingOf(&adapters[0], "a photo of S*"), DrawingOf(&adapters[1], "S* on the beach"),
        DrawingOf(&adapters[2], "a red S*"), DrawingOf(nullptr, "a robot in the snow")};
    drawings[1].spec.set_scheduler("euler_ancestral");
    drawings[1].spec.set_steps(6);
    drawings[1].spec.add_seeds(17);
    drawings[2].spec.set_scheduler("dpmsolver++");
    drawings[2].spec.set_steps(4);
    drawings[2].spec.set_guidance_scale(1);
    drawings[2].spec.set_strength(0.7);
    drawings[3].spec.set_scheduler("heun");
    drawings[3].spec.set_steps(5);
    drawings[3].spec.set_guidance_scale(7.5);
    return drawings;
  }

  static void Draw(Engine& engine, Drawing& drawing) {
    GenerateCallbacks callbacks;
    callbacks.on_step = [&](int64_t step, int64_t) {
      drawing.steps.push_back(step);
      return step < drawing.stop_after;
    };
    callbacks.on_preview = [](int, int64_t, const PngPicture&) {};
    callbacks.on_picture = [&](int index, const PngPicture& picture) {
      drawing.pictures[index] = picture.bytes;
    };
    callbacks.on_warning = [](const std::string&, const std::string&) {};
    drawing.finished = engine.Generate(drawing.spec, {.adapter = drawing.adapter}, callbacks);
  }

  static void DrawAlone(std::vector<Drawing>& drawings) {
    for (Drawing& drawing : drawings) Draw(*engine_, drawing);
  }

  static void DrawTogether(std::vector<Drawing>& drawings) {
    std::vector<std::jthread> threads;
    for (Drawing& drawing : drawings) threads.emplace_back([&] { Draw(*engine_, drawing); });
  }

  /// The most that a channel of a pixel differs by.
  static int Difference(const Drawing& a, const Drawing& b) {
    EXPECT_EQ(a.pictures.size(), b.pictures.size());
    int most = 0;
    for (const auto& [index, png] : a.pictures) {
      const Pixels one = DecodePng(png).value(), other = DecodePng(b.pictures.at(index)).value();
      EXPECT_EQ(one.rgb.size(), other.rgb.size());
      for (size_t i = 0; i < one.rgb.size(); ++i) {
        most = std::max(most, std::abs(int{one.rgb[i]} - int{other.rgb[i]}));
      }
    }
    return most;
  }

  static void ExpectSame(const Drawing& drawing, const Drawing& alone) {
    ASSERT_THAT(drawing.finished, IsOk());
    EXPECT_TRUE(*drawing.finished);
    EXPECT_EQ(drawing.steps, alone.steps);
    EXPECT_FALSE(drawing.pictures.empty());
    EXPECT_LE(Difference(drawing, alone), kMostDifference);
  }
};

TEST_F(EngineBatchesTest, TakesSeveralGenerationsAtOnce) {
  EXPECT_EQ(engine_->most_generations(), 4);
}

TEST_F(EngineBatchesTest, PicturesDrawnTogetherAreThoseDrawnAlone) {
  const std::vector<AdapterSource> adapters = {Trained(1), Trained(2), Trained(3)};
  std::vector<Drawing> alone = FourDrawings(adapters), together = FourDrawings(adapters);
  DrawAlone(alone);

  for (int round = 0; round < 2; ++round) {  // the second time the adapters are in the cache
    DrawTogether(together);
    for (size_t i = 0; i < alone.size(); ++i) {
      ExpectSame(together[i], alone[i]);
      RecordProperty("difference_" + std::to_string(i), Difference(together[i], alone[i]));
    }
    together = FourDrawings(adapters);
  }
  EXPECT_GT(Difference(alone[0], alone[2]), kMostDifference) << "the pictures differ";
}

TEST_F(EngineBatchesTest, ASoloGenerationHasTheBitsOfOneAlone) {
  const std::vector<AdapterSource> adapters = {Trained(1), Trained(2), Trained(3)};
  std::vector<Drawing> alone = FourDrawings(adapters), together = FourDrawings(adapters);
  for (std::vector<Drawing>* const drawings : {&alone, &together}) {
    (*drawings)[1].spec.set_determinism(v1::DETERMINISM_SOLO);
  }
  DrawAlone(alone);
  DrawTogether(together);
  EXPECT_EQ(together[1].pictures, alone[1].pictures);
  for (size_t i = 0; i < alone.size(); ++i) ExpectSame(together[i], alone[i]);
}

TEST_F(EngineBatchesTest, AGenerationAloneHasTheBitsOfASoloOne) {
  const AdapterSource adapter = Trained(1);
  Drawing shared = DrawingOf(&adapter, "a photo of S*"), solo = shared;
  solo.spec.set_determinism(v1::DETERMINISM_SOLO);
  Draw(*engine_, shared);
  Draw(*engine_, solo);
  EXPECT_EQ(shared.pictures, solo.pictures);
}

TEST_F(EngineBatchesTest, AnAdapterThatOverflowsFailsItsOwnGenerationOnly) {
  std::vector<AdapterSource> adapters = {Trained(1), Trained(2), Trained(3)};
  std::vector<Drawing> alone = FourDrawings(adapters);
  DrawAlone(alone);
  adapters[1] = Overflowing(adapters[1]);
  std::vector<Drawing> together = FourDrawings(adapters);

  DrawTogether(together);

  EXPECT_THAT(together[1].finished, HasReason("NON_FINITE"));
  EXPECT_TRUE(together[1].pictures.empty());
  for (const size_t i : {0, 2, 3}) ExpectSame(together[i], alone[i]);
}

TEST_F(EngineBatchesTest, AGenerationThatStopsLeavesTheRest) {
  const std::vector<AdapterSource> adapters = {Trained(1), Trained(2), Trained(3)};
  std::vector<Drawing> alone = FourDrawings(adapters), together = FourDrawings(adapters);
  DrawAlone(alone);
  together[1].stop_after = 2;

  DrawTogether(together);

  ASSERT_THAT(together[1].finished, IsOk());
  EXPECT_FALSE(*together[1].finished);
  EXPECT_TRUE(together[1].pictures.empty());
  for (const size_t i : {0, 2, 3}) ExpectSame(together[i], alone[i]);
}

TEST_F(EngineBatchesTest, AnEvictedAdapterIsKeptWhileAGenerationUsesIt) {
  const AdapterSource first = Trained(1), second = Trained(2);
  auto engine = OpenTorchEngine({.base_models = {base_},
                                 .device = "cpu",
                                 .threads = 1,
                                 .cached_adapters = 1,
                                 .code_version = "test"},
                                Log::Off());
  ASSERT_THAT(engine, IsOk());
  Drawing wanted = DrawingOf(&first, "a photo of S*"), evicted = wanted;
  Draw(**engine, wanted);
  Drawing other = DrawingOf(&second, "a photo of S*");
  GenerateCallbacks callbacks = draws_;
  callbacks.on_step = [&](int64_t step, int64_t) {
    if (step == 1) std::jthread([&] { Draw(**engine, other); });
    return true;
  };
  callbacks.on_picture = [&](int index, const PngPicture& picture) {
    evicted.pictures[index] = picture.bytes;
  };

  ASSERT_THAT((*engine)->Generate(evicted.spec, {.adapter = &first}, callbacks), IsOk());

  ASSERT_THAT(other.finished, IsOk());
  EXPECT_EQ((*engine)->load().loaded_adapters, 1);
  EXPECT_LE(Difference(evicted, wanted), kMostDifference);
}

TEST_F(EngineBatchesTest, ATrainingBesideGenerationsHasTheBitsOfOneAlone) {
  train_.set_steps(12);
  const auto alone = Train();
  ASSERT_THAT(alone, IsOk());
  const AdapterSource adapter = SourceOf(*alone);
  std::vector<Drawing> drawings = {DrawingOf(&adapter, "a photo of S*"),
                                   DrawingOf(nullptr, "a robot")};
  for (Drawing& drawing : drawings) drawing.spec.set_steps(30);
  const auto samples = samples_;

  absl::StatusOr<TrainedAdapter> beside;
  {
    const std::jthread training([&] { beside = Train(); });
    DrawTogether(drawings);
  }

  ASSERT_THAT(beside, IsOk());
  EXPECT_EQ(beside->safetensors, alone->safetensors);
  for (const auto& [step, sample] : samples) EXPECT_EQ(samples_.at(step).bytes, sample.bytes);
  for (const Drawing& drawing : drawings) EXPECT_THAT(drawing.finished, IsOk());
}

TEST_F(EngineBatchesTest, AGenerationAndATrainingGoOnByTurns) {
  train_.set_steps(1000);
  train_.set_sample_every_steps(0);
  std::atomic<bool> drawn = false;
  std::atomic<int64_t> trained = 0;
  shows_.on_step = [&](const TrainStep& step) {
    trained = step.step;
    return !drawn;
  };
  std::vector<int64_t> trained_at;  // training steps that were done at each step of the generation
  draws_.on_step = [&](int64_t, int64_t) {
    trained_at.push_back(trained);
    return true;
  };
  generate_.set_steps(20);
  const std::jthread training([&] { EXPECT_THAT(Train(), IsOk()); });
  while (trained == 0) std::this_thread::yield();

  ASSERT_THAT(engine_->Generate(generate_, {}, draws_), IsOk());
  drawn = true;

  ASSERT_EQ(trained_at.size(), 20u);
  EXPECT_GT(trained_at.back(), trained_at.front()) << "the training goes on meanwhile";
  // One while the generation waits, and one while it does not. TurnOrderTest has the exact bound.
  EXPECT_LE(trained_at.back() - trained_at.front(), 2 * 19);
}

}  // namespace
}  // namespace vico::worker
