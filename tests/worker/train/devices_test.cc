// A training whose rows are on several devices ends with the adapter of one device.
#include <map>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/cuda.h>

#include "tests/worker/loaded_tiny_base.h"
#include "worker/train/trainer.h"

namespace vico::worker {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

constexpr int kThreads = 4;  // one for each row at least; more than cores do no harm here

struct Trained {
  Tensors adapter;
  std::vector<double> losses;
};

class DevicesTest : public ::testing::Test {
 protected:
  DevicesTest() {
    at::set_num_threads(kThreads);
    base.threads = kThreads;
    for (int i = 0; i < 3; ++i) base.replicas.push_back(base.ReplicaOn(torch::kCPU));
    options.steps = 4;
    options.attention_learning_rate = 1e-3;
    options.init_word = "robot";
    options.seed = 11;
  }

  Trained Train(int64_t devices, const TrainStart* start = nullptr) {
    options.devices = devices;
    Trained trained;
    Adapter adapter = TrainAdapter(
        base, pictures, options,
        [&](const StepReport& report, Adapter&) {
          trained.losses.push_back(report.loss);
          if (report.step == 2) middle = report.state();
          return true;
        },
        start);
    for (const auto& [name, tensor] : adapter->NamedTensors()) {
      trained.adapter[name] = tensor.detach().clone();
    }
    return trained;
  }

  static void ExpectSameBits(const Trained& a, const Trained& b) {
    EXPECT_EQ(a.losses, b.losses);
    ASSERT_EQ(a.adapter.size(), b.adapter.size());
    for (const auto& [name, tensor] : a.adapter) {
      EXPECT_TRUE(at::equal(tensor, b.adapter.at(name))) << name;
    }
  }

  Base base = LoadTinyBase();
  torch::Tensor pictures = [] {
    at::manual_seed(4);
    return at::rand({3, 3, 64, 64});
  }();
  TrainOptions options;
  TrainingState middle;
};

TEST_F(DevicesTest, TheAdapterOfSeveralCpusIsThatOfOne) {
  for (const Dialect dialect : {Dialect::kPaper, Dialect::kMmagic}) {
    options.dialect = dialect;
    for (const int64_t batch_size : {2, 4}) {
      options.batch_size = batch_size;
      const Trained one = Train(1);
      for (const int64_t devices : {2, 3, 4}) {
        if (devices > batch_size) continue;
        SCOPED_TRACE(testing::Message() << "dialect " << static_cast<int>(dialect) << ", batch "
                                        << batch_size << ", devices " << devices);
        ExpectSameBits(Train(devices), one);
      }
    }
  }
}

// Weights of a replica change what the rows on it compute, and no other replica's do.
TEST_F(DevicesTest, EachDeviceComputesItsRows) {
  options.batch_size = 4;
  const Trained whole = Train(3);
  for (const size_t replica : {0, 1, 2}) {
    auto bias = base.replicas[replica].unet->parameters().back();
    bias.add_(0.5);
    const bool is_used = replica < 2;
    EXPECT_EQ(Train(3).losses.front() != whole.losses.front(), is_used) << replica;
    bias.sub_(0.5);
  }
}

TEST_F(DevicesTest, AReplicaSharesNoMemoryAndNeedsNoGradient) {
  const auto weights = base.unet->parameters();
  const auto copies = base.replicas[0].unet->parameters();
  ASSERT_EQ(weights.size(), copies.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_TRUE(at::equal(weights[i], copies[i]));
    EXPECT_NE(weights[i].data_ptr(), copies[i].data_ptr());
    EXPECT_FALSE(copies[i].requires_grad());
  }
  EXPECT_FALSE(base.replicas[0].unet->is_training());
}

TEST_F(DevicesTest, ATrainingResumesOnAnotherNumberOfCpus) {
  options.batch_size = 4;
  const Trained whole = Train(2);
  const TrainStart start{middle};
  for (const int64_t devices : {1, 4}) {
    Trained rest = Train(devices, &start);
    rest.losses.insert(rest.losses.begin(), whole.losses.begin(), whole.losses.begin() + 2);
    ExpectSameBits(rest, whole);
  }
}

TEST_F(DevicesTest, MoreDevicesThanThereAreAreRefused) {
  options.batch_size = 4;
  EXPECT_THROW(Train(5), c10::Error);
}

// On GPUs the rows of a part are computed together, so that sums are added in another order.
TEST_F(DevicesTest, TheAdapterOfSeveralGpusIsCloseToThatOfOne) {
  const auto gpus = static_cast<int64_t>(torch::cuda::device_count());
  if (gpus < 2) GTEST_SKIP() << "needs two CUDA devices, found " << gpus;
  const torch::Device first(torch::kCUDA, 0);
  base.text->to(first);
  base.vae->to(first);
  base.unet->to(first);
  base.replicas = {base.ReplicaOn(torch::Device(torch::kCUDA, 1))};
  options.batch_size = 2;
  const Trained one = Train(1);
  const Trained two = Train(2);
  ASSERT_EQ(one.losses.size(), two.losses.size());
  for (size_t i = 0; i < one.losses.size(); ++i) {
    EXPECT_NEAR(one.losses[i], two.losses[i], 1e-3 * one.losses[i]) << "step " << i + 1;
  }
  for (const auto& [name, tensor] : one.adapter) {
    const double most = (tensor - two.adapter.at(name)).abs().max().item<double>();
    // Adam moves a parameter by at most about its rate in a step.
    EXPECT_LT(most, 2 * 4 * (name == "placeholder_embedding" ? 5e-3 : 1e-3)) << name;
  }
}

}  // namespace
}  // namespace vico::worker
