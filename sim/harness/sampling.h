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
const double NEGLIGIBLE = 1e-18;  // V; also keeps subnormals out of the recurrence

struct Adc {
  double lsb, floor, slope, zero;  // V; V^2; V^2 per V above `zero`
  int32_t full;                    // highest code
};

// A sum of exponentials, advanced by whole blocks.
struct Tracker {
  double value[MAX_TERMS], power[MAX_TERMS][BLOCK + 1];
  double constant;
  int terms;

  void enter(const Signal &signal, const double *amps, const double *rates, double t) {
    constant = signal.constant;
    terms = signal.terms;
    for (int i = 0; i < terms; i++) {
      double rate = rates[signal.first + i], factor = exp(-rate * STEP);
      value[i] = amps[signal.first + i] * exp(-rate * t);
      power[i][0] = 1;
      for (int k = 0; k < BLOCK; k++) power[i][k + 1] = power[i][k] * factor;
    }
  }
  void next(double *volts) {
    double sum[BLOCK];
    for (int k = 0; k < BLOCK; k++) sum[k] = constant;
    for (int i = 0; i < terms; i++) {
      for (int k = 0; k < BLOCK; k++) sum[k] += value[i] * power[i][k];
      value[i] *= power[i][BLOCK];
    }
    for (int k = 0; k < BLOCK; k++) volts[k] = sum[k];
    while (terms && fabs(value[terms - 1]) < NEGLIGIBLE) terms--;
  }
};

struct Sampler {
  Adc adc[2];
  uint64_t seed;
  Tracker tracker[2];
  uint32_t codes[2 * BLOCK];  // both channels' of each sample, the light's in the lower 14 bits
  int first, left;            // of them, not yet taken

  // Samples from `t` s into the piece on.
  void enter(const Piece &piece, const double *amps, const double *rates, double t) {
    for (int n = 0; n < 2; n++) tracker[n].enter(piece.signal[n], amps, rates, t);
    left = 0;
  }
  // The next `count` samples, at most BLOCK, of the instants from `cycle` on.
  const uint32_t *next(uint64_t cycle, int count) {
    if (left < count) {
      for (int k = 0; k < left; k++) codes[k] = codes[first + k];
      fill(cycle + left, codes + left);
      first = 0;
      left += BLOCK;
    }
    return codes + first;
  }
  void take(int count) {
    first += count;
    left -= count;
  }

  // Noise of unit variance: 64 coin tosses, smeared over their grid. Excess kurtosis -0.03, reaches 8 sigma.
  void fill(uint64_t cycle, uint32_t *codes) {
    const double scale = 0.24935149047701487;  // 1/sqrt(16 + 1/12)
    uint64_t smear[BLOCK];
    int32_t made[2][BLOCK];
    for (int k = 0; k < BLOCK; k++) smear[k] = mix(seed + (3 * (cycle + k) + 2) * GOLDEN);
    for (int n = 0; n < 2; n++) {
      const Adc a = adc[n];
      double volts[BLOCK];
      tracker[n].next(volts);
      for (int k = 0; k < BLOCK; k++) {
        uint64_t tosses = mix(seed + (3 * (cycle + k) + n) * GOLDEN);
        double grain = (double)(int32_t)(smear[k] >> (32 * n)) * 0x1p-32;
        double unit = ((double)(__builtin_popcountll(tosses) - 32) + grain) * scale;
        double signal = volts[k] > a.zero ? volts[k] - a.zero : 0;
        double code = floor((volts[k] + sqrt(a.floor + a.slope * signal) * unit) / a.lsb);
        double limited = code < 0 ? 0 : code > a.full ? a.full : code;
        made[n][k] = (int32_t)limited;
      }
    }
    for (int k = 0; k < BLOCK; k++) codes[k] = (uint32_t)made[0][k] | (uint32_t)made[1][k] << 14;
  }
};

}  // namespace
