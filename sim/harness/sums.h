// Samples added to the sums of a trace memory, many at once. A code word holds both channels' codes of one sample, the
// light's in the lower 14 bits; `shift` says which of them is meant.
#pragma once
#include <stdint.h>

namespace {

const uint32_t FULL_SCALE = 0x3fff;
const uint32_t CEILING = 0xffc00000u;  // sums below it have room for one more of the widest bins

inline uint32_t code(uint32_t word, int shift) { return word >> shift & FULL_SCALE; }

template <int STEP>
bool any_full(const uint32_t *sums, int count) {
  uint32_t most = 0;
  for (int i = 0; i < count; i++) most = sums[i * STEP] > most ? sums[i * STEP] : most;
  return most >= CEILING;
}
template <int STEP>
void add_each(uint32_t *sums, const uint32_t *words, int count, int shift) {
  for (int i = 0; i < count; i++) sums[i * STEP] += code(words[i], shift);
}
template <int EACH>
void add_groups(uint32_t *sums, const uint32_t *words, int bins, int each, int shift) {
  const int size = EACH ? EACH : each;
  for (int b = 0; b < bins; b++) {
    uint32_t sum = 0;
    for (int k = 0; k < size; k++) sum += code(words[b * size + k], shift);
    sums[b] += sum;
  }
}

// How samples fall into bins: each bin gets `each` of them, and the next one is `step` further.
struct Grid {
  int each, step;
  explicit Grid(int bin_shift) : each(bin_shift > 3 ? 1 << (bin_shift - 3) : 1), step(bin_shift < 3 ? 8 >> bin_shift : 1) {}

  // Whether one more sample in each of the bins from `sums` on might reach the ceiling.
  bool full(const uint32_t *sums, int samples) const {
    int count = samples / each;
    switch (step) {
      case 1: return any_full<1>(sums, count);
      case 2: return any_full<2>(sums, count);
      case 4: return any_full<4>(sums, count);
      default: return any_full<8>(sums, count);
    }
  }
  // Adds samples, the first of which is the first of its bin, as the last one is the last.
  void add(uint32_t *sums, const uint32_t *words, int samples, int shift) const {
    int count = samples / each;
    switch (each) {
      case 1: break;
      case 2: return add_groups<2>(sums, words, count, each, shift);
      case 4: return add_groups<4>(sums, words, count, each, shift);
      case 8: return add_groups<8>(sums, words, count, each, shift);
      default: return add_groups<0>(sums, words, count, each, shift);
    }
    switch (step) {
      case 1: return add_each<1>(sums, words, count, shift);
      case 2: return add_each<2>(sums, words, count, shift);
      case 4: return add_each<4>(sums, words, count, shift);
      default: return add_each<8>(sums, words, count, shift);
    }
  }
};

// How many codes are the ADC's first or last.
inline uint32_t extremes(const uint32_t *words, int samples, int shift) {
  uint32_t count = 0;
  for (int i = 0; i < samples; i++) {
    uint32_t now = code(words[i], shift);
    count += (now == 0) | (now == FULL_SCALE);
  }
  return count;
}

}  // namespace
