#include "worker/personalize/row_parts.h"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vico::worker {
namespace {

using testing::Each;
using testing::ElementsAre;

const c10::Device kCpu(c10::kCPU);

std::vector<int64_t> Counts(const RowParts& parts, int64_t rows) {
  std::vector<int64_t> counts(static_cast<size_t>(parts.CountFor(rows)));
  std::vector<std::atomic<int>> seen(static_cast<size_t>(rows));
  parts.ForEach(rows, [&](int64_t part, const RowRange& range) {
    counts.at(static_cast<size_t>(part)) = range.count;
    for (int64_t i = 0; i < range.count; ++i) ++seen.at(static_cast<size_t>(range.begin + i));
  });
  EXPECT_THAT(std::vector<int>(seen.begin(), seen.end()), Each(1)) << rows << " rows";
  return counts;
}

TEST(RowPartsTest, CutsTheRowsEvenly) {
  const RowParts parts(5, 3, kCpu);
  EXPECT_THAT(Counts(parts, 5), ElementsAre(1, 2, 2));
  EXPECT_THAT(Counts(parts, 4), ElementsAre(1, 1, 2));
  EXPECT_THAT(Counts(parts, 2), ElementsAre(1, 1));
  EXPECT_THAT(Counts(parts, 1), ElementsAre(1));
}

TEST(RowPartsTest, MakesNoMorePartsThanThreads) {
  EXPECT_EQ(RowParts(8, 2, kCpu).CountFor(8), 2);
  EXPECT_EQ(RowParts(8, 1, kCpu).CountFor(8), 1);
}

TEST(RowPartsTest, AGpuGetsTheWholeBatchAtOnce) {
  EXPECT_EQ(RowParts(8, 4, c10::Device(c10::kCUDA, 0)).CountFor(8), 1);
}

std::vector<int64_t> Devices(const RowParts& parts, int64_t rows) {
  std::vector<int64_t> devices;
  for (int64_t part = 0; part < parts.CountFor(rows); ++part) {
    devices.push_back(parts.DeviceOf(part, rows));
  }
  return devices;
}

TEST(RowPartsTest, EachGpuGetsOnePart) {
  const RowParts parts(4, 1, c10::Device(c10::kCUDA, 0), 3);
  EXPECT_EQ(parts.CountFor(4), 3);
  EXPECT_THAT(Devices(parts, 4), ElementsAre(0, 1, 2));
  EXPECT_THAT(Devices(parts, 2), ElementsAre(0, 1));
}

TEST(RowPartsTest, CpuDevicesShareThePartsOfOne) {
  for (const int64_t devices : {1, 2, 3, 4}) {
    EXPECT_EQ(RowParts(4, 4, kCpu, devices).CountFor(4), 4) << devices;
    EXPECT_EQ(RowParts(4, 6, kCpu, devices).CountFor(4), 4) << devices;
  }
  EXPECT_THAT(Devices(RowParts(4, 4, kCpu, 4), 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Devices(RowParts(4, 4, kCpu, 3), 4), ElementsAre(0, 0, 1, 2));
  EXPECT_THAT(Devices(RowParts(4, 4, kCpu, 2), 4), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(Devices(RowParts(4, 2, kCpu, 4), 4), ElementsAre(0, 1));
  EXPECT_THAT(Devices(RowParts(4, 4, kCpu, 1), 4), ElementsAre(0, 0, 0, 0));
}

TEST(RowPartsTest, SeveralCpuDevicesUseNoMoreThreadsThanOne) {
  const RowParts parts(4, 8, kCpu, 4);
  std::vector<std::atomic<int>> threads(4);
  parts.ForEach(4, [&](int64_t part, const RowRange&) {
    threads.at(static_cast<size_t>(part)) = at::get_num_threads();
  });
  EXPECT_THAT(std::vector<int>(threads.begin(), threads.end()), ElementsAre(2, 2, 2, 2));
}

TEST(RowPartsTest, DividesTheThreadsAndRestoresTheirNumber) {
  const int before = at::get_num_threads();
  {
    const RowParts parts(2, 6, kCpu);
    std::vector<std::atomic<int>> threads(2);
    parts.ForEach(2, [&](int64_t part, const RowRange&) {
      threads.at(static_cast<size_t>(part)) = at::get_num_threads();
    });
    EXPECT_THAT(std::vector<int>(threads.begin(), threads.end()), ElementsAre(3, 3));
    EXPECT_EQ(at::get_num_threads(), 3);
  }
  EXPECT_EQ(at::get_num_threads(), before);
}

TEST(RowPartsTest, RunsEveryPartOnAThreadOfItsOwnInTheCallersGradMode) {
  const c10::AutoGradMode no_grad(false);
  const RowParts parts(2, 2, kCpu);
  std::vector<std::thread::id> ids(2);
  std::vector<std::atomic<bool>> grad(2);
  parts.ForEach(2, [&](int64_t part, const RowRange&) {
    ids.at(static_cast<size_t>(part)) = std::this_thread::get_id();
    grad.at(static_cast<size_t>(part)) = c10::GradMode::is_enabled();
  });
  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_FALSE(grad[0] || grad[1]);
}

TEST(RowPartsTest, ThrowsTheFirstPartsErrorWhenAllHaveEnded) {
  const RowParts parts(2, 2, kCpu);
  std::atomic<int> ended = 0;
  try {
    parts.ForEach(2, [&](int64_t part, const RowRange&) {
      ++ended;
      throw std::runtime_error("part " + std::to_string(part));
    });
    FAIL() << "did not throw";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "part 0");
  }
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace vico::worker
