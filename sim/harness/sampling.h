// The two ADCs: a piece of the response sampled every 8 ns, with noise, as codes.
//
// Samples are made a block at a time, ahead of the clock, so that the processor's vectors have something to do; those
// behind an edge that nobody knew of are thrown away. Each depends on its own instant and its place in the piece alone.
#pragma once
#include <math.h>
#include <stdint.h>

#include "segments.h"

namespace {

const int MAX_TERMS = 256;
const int BLOCK = 16;  // samples
const double STEP = 8e-9;  // s
typedef double Samples __attribute__((vector_size(8 * BLOCK), aligned(8)));
const double NEGLIGIBLE = 1e-18;  // V; also keeps subnormals out of the recurrence

struct Adc {
  double lsb, floor, slope, zero;  // V; V^2; V^2 per V above `zero`
  int32_t full;                    // highest code
};

// A sum of exponentials, advanced by whole blocks.
struct Tracker {
  double value[MAX_TERMS], power[MAX_TERMS][BLOCK], block[MAX_TERMS];
  double constant;
  int terms;

  void enter(const Signal &signal, const double *amps, const double *rates, double t) {
    constant = signal.constant;
    terms = signal.terms;
    for (int i = 0; i < terms; i++) {
      double rate = rates[signal.first + i], factor = exp(-rate * STEP);
      value[i] = amps[signal.first + i] * exp(-rate * t);
      double power_now = 1;
      for (int k = 0; k < BLOCK; k++, power_now *= factor) power[i][k] = power_now;
      block[i] = power_now;
    }
  }
  void next(double *volts) {
    Samples sum;
    for (int k = 0; k < BLOCK; k++) sum[k] = constant;
    for (int i = 0; i < terms; i++) {
      sum += value[i] * *(const Samples *)power[i];
      value[i] *= block[i];
    }
    *(Samples *)volts = sum;
    while (terms && fabs(value[terms - 1]) < NEGLIGIBLE) terms--;
  }
};

// Whether dividing by it is the same as multiplying by its inverse.
inline bool is_power_of_two(double value) {
  int exponent;
  return frexp(value, &exponent) == 0.5;
}

// Codes of BLOCK samples: noise of unit variance is 64 coin tosses, smeared over their grid; excess kurtosis -0.03, reaches
// 8 sigma. EXACT: the step is a power of two; SLOPE: the noise depends on the signal. Neither changes what comes out.
template <bool EXACT, bool SLOPE>
void convert(const Adc &adc, const double *volts, const uint64_t *tosses, const uint64_t *smear, int half, int32_t *codes) {
  const double scale = 0.24935149047701487;  // 1/sqrt(16 + 1/12)
  const double inverse = 1 / adc.lsb, floor_noise = sqrt(adc.floor), full = adc.full;
  for (int k = 0; k < BLOCK; k++) {
    double grain = (double)(int32_t)(smear[k] >> half) * 0x1p-32;
    double unit = ((double)(__builtin_popcountll(tosses[k]) - 32) + grain) * scale;
    double noise = floor_noise;
    if (SLOPE) {
      double signal = volts[k] > adc.zero ? volts[k] - adc.zero : 0;
      noise = sqrt(adc.floor + adc.slope * signal);
    }
    double sum = volts[k] + noise * unit;
    double code = floor(EXACT ? sum * inverse : sum / adc.lsb);
    double limited = code < 0 ? 0 : code > full ? full : code;
    codes[k] = (int32_t)limited;
  }
}

struct Sampler {
  Adc adc[2];
  bool exact[2];  // their steps are powers of two
  uint64_t seed;
  Tracker tracker[2];
  uint32_t codes[BLOCK];  // both channels' of each sample, the light's in the lower 14 bits
  int first, left;        // of them, not yet taken

  // Samples from `t` s into the piece on.
  void enter(const Piece &piece, const double *amps, const double *rates, double t) {
    for (int n = 0; n < 2; n++) tracker[n].enter(piece.signal[n], amps, rates, t);
    for (int n = 0; n < 2; n++) exact[n] = is_power_of_two(adc[n].lsb);
    left = 0;
  }
  // The next `count` samples, of the instants from `cycle` on.
  void take(uint64_t cycle, int count, uint32_t *taken) {
    int had = left < count ? left : count;
    move(had, taken);
    cycle += had;
    taken += had;
    count -= had;
    for (; count >= BLOCK; count -= BLOCK, cycle += BLOCK, taken += BLOCK) fill(cycle, taken);
    if (count) {
      fill(cycle, codes);
      first = 0;
      left = BLOCK;
      move(count, taken);
    }
  }
  void move(int count, uint32_t *taken) {
    for (int k = 0; k < count; k++) taken[k] = codes[first + k];
    first += count;
    left -= count;
  }

  void fill(uint64_t cycle, uint32_t *codes) {
    uint64_t tosses[2][BLOCK], smear[BLOCK];
    int32_t made[2][BLOCK];
    const uint64_t begin = seed + 3 * cycle * GOLDEN;
    for (int k = 0; k < BLOCK; k++) {
      uint64_t at = begin + (uint64_t)k * (3 * GOLDEN);
      tosses[0][k] = mix(at);
      tosses[1][k] = mix(at + GOLDEN);
      smear[k] = mix(at + 2 * GOLDEN);
    }
    for (int n = 0; n < 2; n++) {
      const Adc &a = adc[n];
      double volts[BLOCK];
      tracker[n].next(volts);
      auto make = a.slope ? exact[n] ? convert<true, true> : convert<false, true>
                          : exact[n] ? convert<true, false> : convert<false, false>;
      make(a, volts, tosses[n], smear, 32 * n, made[n]);
    }
    for (int k = 0; k < BLOCK; k++) codes[k] = (uint32_t)made[0][k] | (uint32_t)made[1][k] << 14;
  }
};

}  // namespace
