// A small seeded generator (splitmix64). The distributions of <random> differ between standard
// libraries; with these a seed draws the same picture everywhere.
#pragma once

#include <cstdint>

namespace vico::toyworld {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }  ///< in [0, 1)
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  int Below(int count) { return static_cast<int>(Uniform() * count); }  ///< in 0..count-1
  bool Chance(double probability) { return Uniform() < probability; }

  /// A separate generator for one purpose, whose draws do not change later draws of this one.
  Random Fork(uint64_t purpose) { return Random(Next() ^ (purpose * 0xd1342543de82ef95ULL)); }

 private:
  uint64_t state_;
};

}  // namespace vico::toyworld
