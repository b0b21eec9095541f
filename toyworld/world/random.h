// A small seeded generator (splitmix64). Its conversions are our own, since those of <random>
// differ between standard libraries: one seed draws the same picture everywhere.
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

  /// A generator of its own for one purpose: what it draws does not move what this one draws later.
  Random Fork(uint64_t purpose) { return Random(Next() ^ (purpose * 0xd1342543de82ef95ULL)); }

 private:
  uint64_t state_;
};

}  // namespace vico::toyworld
