// One emulated board: the compiled gateware, what its drive output leads to, and what its inputs see.
#pragma once
#include <math.h>
#include <stdint.h>

#include GATEWARE  // what sim/compiler/translate.py made of the netlist
#include "photons.h"
#include "response.h"

extern "C" {

struct Edge {
  int64_t time;  // ns
  int32_t code;
};
struct Ask {  // an edge run() could not resolve
  int32_t from, code;
  int64_t dt;
};

struct Supply {  // of the drive switch: V_H, in codes of the level DAC, which it follows with time constants in cycles
  double rise, fall;
  double from;
  int32_t level;
  uint64_t since;

  int32_t code(uint64_t cycle) const { return (int32_t)(at(cycle) + 0.5); }
  void follow(int32_t to, uint64_t cycle) {
    from = at(cycle);
    level = to;
    since = cycle;
  }

 private:
  double at(uint64_t cycle) const {
    const bool rising = level > from;
    const double constant = rising ? rise : fall;
    if (constant == 0) return level;
    const double left = exp(-(double)(cycle - since) / constant);
    if (rising) return level - (level - from) * left;
    return from * left > level ? from * left : level;
  }
};

struct Board {
  gateware::State state;
  gateware::Inputs in;
  uint64_t cycle, jumped;
  uint64_t retry;  // the cycle from which on a leap may be tried again
  bool fast_forward;
  // drive
  uint32_t drive_word;
  int32_t drive;
  Supply supply;
  Edge edges[8];
  int edge_count;
  double worn, wear_step;  // half-lives since Python made the device older, and when it must again
  // sampling, counting
  Response response;
  Photons photons;

  // Turns edges into segments; false when Python must compute one.
  bool resolve(Ask *ask) {
    while (edge_count) {
      response.follow(8 * cycle);  // or pulses without a sample would pile up in `ahead`
      const Start last = response.latest();
      int64_t dt = edges[0].time - last.start;
      Transition *entry = response.light.find(last.node, dt, edges[0].code);
      if (entry->to < 0 || worn + entry->wear > wear_step) {
        *ask = {last.node, edges[0].code, dt};
        return false;
      }
      worn += entry->wear;
      response.ahead[response.ahead_count++] = {edges[0].time, entry->to};
#ifdef COUNTING
      photons.ahead[photons.ahead_count++] = {edges[0].time, entry->to};
#endif
      for (int i = 1; i < edge_count; i++) edges[i - 1] = edges[i];
      edge_count--;
    }
    return true;
  }

  // Notes the edges of this cycle; returns whether the drive does anything but stay as it is.
  bool watch_drive(unsigned gate, unsigned phase, int level) {
    uint32_t word = gate | phase << 2 | (uint32_t)level << 5;
    if (word == drive_word && (gate == 0 || gate == 3)) return false;
    drive_word = word;
    // It does not move while it drives: a pulse is short, and the buffer is large.
    int32_t high = drive;
    if (level != supply.level) {
      supply.follow(level, cycle);
      high = 0;
    }
    if (!high) high = supply.code(cycle);
    for (int half = 0; half < 2; half++) {
      int32_t code = gate >> half & 1 ? high : 0;
      if (code != drive) {
        edges[edge_count++] = {(int64_t)(8 * cycle) + 4 * half + phase, code};
        drive = code;
      }
    }
    return true;
  }
};
}
