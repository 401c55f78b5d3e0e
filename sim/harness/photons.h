// A photon counter's pulses: when the light of a segment makes one, drawn ahead of the clock.
//
// Arrivals are a Poisson process. For every segment Python gives the mean number up to a time, as a table; the next
// arrival is where that has grown by an exponential deviate. Dead time and afterpulses are those of the detector.
#pragma once
#include <math.h>
#include <stdint.h>

#include "response.h"
#include "segments.h"

namespace {

const int MAX_ECHOES = 16;  // afterpulses under way; a detector that has more is no detector
const double NEVER = 1e300;

struct Means {  // of a segment: points in `at` and `mean`, then a constant rate
  int first, points;
  double rate;  // 1/ns
};

struct Counter {
  // Of the detector, times in ns.
  double dead_time, afterpulse, afterpulse_time;
  // Of the light, as far as photons are not independent: switches per ns between bright and dark; ns until an emitter
  // can emit again. 0: no such thing.
  double blink_rate, recovery;
  bool dark;
  double switch_at, emitted_at;
  uint64_t seed, draws;
  // Of each segment.
  List<Means> means;
  List<double> at, mean;
  // Drawn up to `clock` (ns), in the segment `node` which began at `start`.
  double clock;
  int64_t start;
  int32_t node;
  double need;     // mean number between `clock` and the next arrival; negative: not drawn yet
  double arrival;  // that arrival; negative: not worked out yet
  double echoes[MAX_ECHOES];
  int echo_count;
  double blind_until;

  double uniform() { return ((mix(seed + ++draws * GOLDEN) >> 11) + 0.5) * 0x1p-53; }

  double mean_at(double t) const {
    const Means &m = means.data[node];
    const double *x = at.data + m.first, *y = mean.data + m.first;
    t -= start;
    if (t >= x[m.points - 1]) return y[m.points - 1] + (t - x[m.points - 1]) * m.rate;
    int low = interval(x, m.points, t);
    return y[low] + (t - x[low]) * (y[low + 1] - y[low]) / (x[low + 1] - x[low]);
  }
  double time_of(double value) const {
    const Means &m = means.data[node];
    const double *x = at.data + m.first, *y = mean.data + m.first;
    double past = value - y[m.points - 1];
    if (past >= 0) return m.rate > 0 ? start + x[m.points - 1] + past / m.rate : NEVER;
    int low = interval(y, m.points, value);
    return start + x[low] + (value - y[low]) * (x[low + 1] - x[low]) / (y[low + 1] - y[low]);
  }
  // The last of ascending `values` that is not above `value`, which is below the last one.
  static int interval(const double *values, int size, double value) {
    int low = 0, high = size - 1;
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (values[middle] <= value)
        low = middle;
      else
        high = middle;
    }
    return low;
  }

  // A segment takes over. Nothing has been drawn beyond its start.
  void enter(int64_t new_start, int32_t new_node) {
    if (need >= 0) {
      need -= mean_at((double)new_start) - mean_at(clock);
      if (need < 0) need = 0;  // rounding
    }
    clock = (double)new_start;
    start = new_start;
    node = new_node;
    arrival = -1;
  }

  // The next pulse, or what would be one but for the dead time, unless another segment takes over before.
  double next() {
    if (need < 0) {
      need = -log(uniform());
      arrival = -1;
    }
    if (arrival < 0) arrival = time_of(mean_at(clock) + need);
    double first = arrival;
    for (int i = 0; i < echo_count; i++)
      if (echoes[i] < first) first = echoes[i];
    return first;
  }

  // Whether one of independent photons is also one of the light's.
  bool emitted(double t) {
    if (blink_rate > 0) {
      while (switch_at <= t) {
        dark = !dark;
        switch_at -= log(uniform()) / blink_rate;
      }
      if (dark) return false;
    }
    if (recovery > 0) {
      if (uniform() < exp(-(t - emitted_at) / recovery)) return false;
      emitted_at = t;
    }
    return true;
  }

  // Takes the pulse that next() gave; returns whether the detector was ready for it.
  bool take(double t) {
    bool light = t == arrival;
    if (light) {
      clock = t;
      need = -1;
    } else {
      for (int i = 0; i < echo_count; i++)
        if (echoes[i] == t) {
          echoes[i] = echoes[--echo_count];
          break;
        }
    }
    if (light && !emitted(t)) return false;
    if (t < blind_until) return false;
    blind_until = t + dead_time;
    if (afterpulse > 0 && uniform() < afterpulse && echo_count < MAX_ECHOES)
      echoes[echo_count++] = t - afterpulse_time * log(uniform());
    return true;
  }
};

// Photons of a board that counts them, as far as the drive is known.
struct Photons {
  Counter counter;
  Start ahead[MAX_AHEAD];
  int ahead_count;
  int64_t latest;  // cycle of the latest one that was taken

  // When the next one comes, ns.
  double next() {
    for (;;) {
      double t = counter.next();
      if (!ahead_count || ahead[0].start > t) return t;
      counter.enter(ahead[0].start, ahead[0].node);
      for (int i = 1; i < ahead_count; i++) ahead[i - 1] = ahead[i];
      ahead_count--;
    }
  }
  // The cycle in whose lanes the next one is.
  int64_t next_cycle() {
    double t = next();
    return t < 8e18 ? (int64_t)t / 8 : INT64_MAX / 8;
  }
  // Takes the next one; returns its instant, ns, or -1 if the detector was not ready for it.
  int64_t take() {
    double t = next();
    if (!counter.take(t)) return -1;
    latest = (int64_t)t / 8;
    return (int64_t)t;
  }
  // The discriminator's lanes in `cycle`.
  unsigned lanes(int64_t cycle) {
    unsigned seen = 0;
    while (next() < 8 * (double)(cycle + 1)) {
      int64_t t = take();
      if (t >= 0) seen |= 1u << (t - 8 * cycle);
    }
    return seen;
  }
};

}  // namespace
