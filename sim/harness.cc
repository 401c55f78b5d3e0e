// The emulated board: the compiled gateware, and around it what a board has: a drive output that lights the device,
// ADCs that sample the result, and a byte link. sim/emulator.py drives it through the C functions at the end. run()
// stops when it meets a drive edge of which Python has not said yet where it leads (see light.h).
//
// Everything is deterministic: noise is a hash of seed, cycle and channel, arithmetic is plain IEEE double without
// contraction, and sums are taken in a fixed order.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include GATEWARE  // what sim/translate.py made of the netlist
#include "light.h"
#include "sampling.h"

namespace {

enum Rest { BUSY, SENDING, SILENT };  // what of the instrument is at rest: see sim/compile.py
const uint64_t SHORTEST_JUMP = 4;  // cycles worth the second evaluation a jump costs

}  // namespace

extern "C" {

struct Edge {
  int64_t time;  // ns
  int32_t code;
};
struct Ask {  // an edge run() could not resolve
  int32_t from, code;
  int64_t dt;
};

struct Board {
  gateware::State state;
  gateware::Inputs in;
  uint64_t cycle, jumped;
  bool fast_forward;
  // drive
  uint32_t drive_word;
  int32_t drive;
  // segments
  Segments light;
  Edge edges[8];
  int edge_count;
  struct { int64_t start; int32_t node; } ahead[8];
  int ahead_count;
  int64_t start;
  int32_t node;
  // sampling
  Sampler sampler;
  int piece;         // within the segment, -1: none entered
  int64_t sampled;   // instant of the latest sample, ns

  void restart_sampling() { piece = -1; }

  // Turns edges into segments; false when Python must compute one.
  bool resolve(Ask *ask) {
    while (edge_count) {
      follow(8 * cycle);  // or pulses without a sample would pile up in `ahead`
      int64_t last_start = ahead_count ? ahead[ahead_count - 1].start : start;
      int32_t last_node = ahead_count ? ahead[ahead_count - 1].node : node;
      int64_t dt = edges[0].time - last_start;
      Transition *entry = light.find(last_node, dt, edges[0].code);
      if (entry->to < 0) {
        *ask = {last_node, edges[0].code, dt};
        return false;
      }
      ahead[ahead_count].start = edges[0].time;
      ahead[ahead_count++].node = entry->to;
      for (int i = 1; i < edge_count; i++) edges[i - 1] = edges[i];
      edge_count--;
    }
    return true;
  }

  Rest rest(const gateware::Inputs &in) const {
    if (!gateware::sending_rests(state, in)) return BUSY;
    return gateware::silent_rests(state, in) ? SILENT : SENDING;
  }

  bool quiet(Rest rest, const gateware::Inputs &in) const {
    gateware::Outputs out;
    if (rest == SILENT)
      gateware::silent_quiet(state, in, out);
    else
      gateware::quiet(state, in, out);
    return out.ff__quiet;
  }

  // One cycle; returns whether the instrument is sure to be at the same kind of rest after it.
  __attribute__((always_inline)) bool evaluate(Rest rest, const gateware::Inputs &in, gateware::Outputs &out) {
    if (rest == SILENT) return gateware::silent_cycle(state, in, out);
    if (rest == SENDING)
      gateware::sending_cycle(state, in, out);
    else
      gateware::cycle(state, in, out);
    return false;
  }

  // Jumps to where something happens, if that is far enough.
  __attribute__((noinline)) bool jump(gateware::Inputs in, uint64_t until) {
    gateware::Outputs out;
    gateware::horizon(state, in, out);
    uint64_t skip = out.ff__horizon;
    if (skip > until - cycle - 1) skip = until - cycle - 1;
    if (skip < SHORTEST_JUMP) return false;
    in.ff__skip = skip;
    gateware::jump(state, in, out);
    cycle += skip + 1;
    jumped += skip;
    return true;
  }

  void watch_drive(unsigned gate, unsigned phase, int level) {
    uint32_t word = gate | phase << 2 | (uint32_t)level << 5;
    if (word == drive_word && (gate == 0 || gate == 3)) return;
    drive_word = word;
    for (int half = 0; half < 2; half++) {
      int32_t code = gate >> half & 1 ? level : 0;
      if (code != drive) {
        edges[edge_count++] = {(int64_t)(8 * cycle) + 4 * half + phase, code};
        drive = code;
      }
    }
  }

  // Moves on to the segment in force at `now`.
  void follow(int64_t now) {
    while (ahead_count && ahead[0].start <= now) {
      start = ahead[0].start;
      node = ahead[0].node;
      for (int i = 1; i < ahead_count; i++) ahead[i - 1] = ahead[i];
      ahead_count--;
      restart_sampling();
    }
  }

  uint32_t sample() {
    int64_t now = 8 * cycle;
    follow(now);
    const Segment &segment = light.segments.data[node];
    double t = (now - start) * 1e-9;
    int at = piece < 0 ? 0 : piece;
    while (at + 1 < segment.pieces && light.pieces.data[segment.first + at + 1].start <= t) at++;
    if (at != piece || now != sampled + 8) {
      const Piece &p = light.pieces.data[segment.first + at];
      sampler.enter(p, light.amps.data, light.rates.data, t - p.start);
      piece = at;
    }
    sampled = now;
    return sampler.next(cycle);
  }
};

Board *board_new(uint64_t seed, int fast_forward, const Adc *adc) {
  Board *b = (Board *)aligned_alloc(alignof(Board), sizeof(Board));
  memset((void *)b, 0, sizeof *b);
  b->fast_forward = fast_forward;
  b->sampler.seed = mix(seed);
  b->sampler.adc[0] = adc[0];
  b->sampler.adc[1] = adc[1];
  b->light.start();
  b->restart_sampling();
  b->state.clear();
  b->in.phase_ready = 1;
  b->in.sample_valid = 1;
  return b;
}
void board_free(Board *b) {
  b->light.stop();
  free(b);
}
uint64_t board_cycle(const Board *b) { return b->cycle; }
uint64_t board_jumped(const Board *b) { return b->jumped; }
void board_trip(Board *b, int level) { b->in.trip = level != 0; }

// Adds a segment: `counts` holds two term counts a piece, `constants` two constants a piece.
void board_add_segment(Board *b, int pieces, const double *starts, const double *constants, const int32_t *counts,
                      const double *amps, const double *rates) {
  Segments &light = b->light;
  light.segments.push({light.pieces.size, pieces});
  for (int i = 0; i < pieces; i++) {
    Piece p;
    p.start = starts[i];
    for (int n = 0; n < 2; n++) {
      int terms = counts[2 * i + n];
      p.signal[n] = {constants[2 * i + n], light.amps.size, terms};
      for (int k = 0; k < terms; k++) {
        light.amps.push(*amps++);
        light.rates.push(*rates++);
      }
    }
    light.pieces.push(p);
  }
}
// Returns 0 when the table is getting full: forget everything and start again.
int board_add_transition(Board *b, int from, int64_t dt, int code, int to) {
  Transition *entry = b->light.find(from, dt, code);
  *entry = {from, to, dt, code};
  return ++b->light.table_used < b->light.table_size / 2;
}
// Forgets all segments and transitions. The segments in force or about to be are numbered anew from 0, their old numbers
// written to `live`; they must be added again, in that order, before running on. Returns how many they are.
int board_forget(Board *b, int32_t *live) {
  live[0] = b->node;
  b->node = 0;
  for (int i = 0; i < b->ahead_count; i++) {
    live[i + 1] = b->ahead[i].node;
    b->ahead[i].node = i + 1;
  }
  b->light.clear();
  b->restart_sampling();
  return b->ahead_count + 1;
}

// Runs until cycle `until`; returns 1 when `ask` must be answered first. While `tx` is full the link is held up.
int board_run(Board *b, uint64_t until, const uint8_t *rx, int rx_size, int *rx_used, uint8_t *tx, int tx_room,
              int *tx_used, Ask *ask) {
  gateware::Inputs in = b->in;
  gateware::Outputs out;
  int taken = 0, given = 0;
  bool known = b->resolve(ask);
  Rest rest = BUSY;
  bool steady = false;  // `rest` holds for the next cycle
  out.sampling = false;
  while (known && b->cycle < until) {
    in.rx__valid = taken < rx_size;
    in.rx__payload = in.rx__valid ? rx[taken] : 0;
    in.tx__ready = given < tx_room;
    if (!steady) rest = b->rest(in);
    if (b->fast_forward && !out.sampling && b->quiet(rest, in) && b->jump(in, until)) {
      steady = false;
      continue;
    }
    steady = b->evaluate(rest, in, out);
    b->watch_drive(out.gate, out.phase, out.level);
    if (out.sampling) in.samples = b->sample();
    b->cycle++;
    taken += in.rx__valid && out.rx__ready;
    if (in.tx__ready && out.tx__valid) tx[given++] = out.tx__payload;
    if (b->edge_count) known = b->resolve(ask);
  }
  b->in = in;
  *rx_used = taken;
  *tx_used = given;
  return !known;
}

// Runs plain cycles with nothing but test equipment at the pins, and notes one word a cycle: gate (2 bits, from bit 0),
// phase (3), level (14), enable, sampling, whether a byte of `rx` was taken, whether one was given, and that one (8).
// Samples are 0 and edges light nothing. Returns how many bytes were taken.
int board_probe(Board *b, int cycles, int trip, int phase_ready, const uint8_t *rx, int rx_size, uint32_t *words) {
  gateware::Inputs &in = b->in;
  gateware::Outputs out;
  int taken = 0;
  in.trip = trip;
  in.phase_ready = phase_ready;
  in.tx__ready = 1;
  in.samples = 0;
  for (int i = 0; i < cycles; i++) {
    in.rx__valid = taken < rx_size;
    in.rx__payload = in.rx__valid ? rx[taken] : 0;
    gateware::cycle(b->state, in, out);
    bool took = in.rx__valid && out.rx__ready;
    words[i] = out.gate | out.phase << 2 | out.level << 5 | out.enable << 19 | out.sampling << 20 | took << 21 |
               out.tx__valid << 22 | out.tx__payload << 23;
    b->cycle++;
    taken += took;
  }
  return taken;
}
}
