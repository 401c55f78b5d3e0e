// The emulated board: the compiled gateware, and around it what a board has: a drive output that lights the device,
// ADCs that sample the result, and a byte link. sim/emulator.py drives it through the C functions at the end.
//
// The response of device and detector to each drive edge (a "segment": pieces of constant + decaying exponentials)
// is computed in Python. In steady state the same few segments follow one another, so they are kept here as a graph:
// from a segment, an edge after `dt` ns to drive code `code` leads to another. run() stops when it meets an edge it
// does not know.
//
// Everything is deterministic: noise is a hash of seed, cycle and channel, arithmetic is plain IEEE double without
// contraction, and sums are taken in a fixed order.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include GATEWARE  // what sim/translate.py made of the netlist

namespace {

typedef double v4 __attribute__((vector_size(32)));
const int MAX_VECTORS = 64;
const double NEGLIGIBLE = 1e-18;  // V; also keeps subnormals out of the recurrence
const uint64_t SHORTEST_JUMP = 4;  // cycles worth the second evaluation a jump costs

template <class T>
struct List {  // growing array; the C++ library is not linked
  T *data = nullptr;
  int size = 0, room = 0;
  void push(const T &item) {
    if (size == room) data = (T *)realloc((void *)data, sizeof(T) * (room = room ? 2 * room : 16));
    data[size++] = item;
  }
  void clear() { size = 0; }
};

// One signal over one piece: terms in `rates` order, slowest first, so the ones that die are at the end.
struct Signal {
  double constant;
  int first, terms;
};
struct Piece {
  double start;  // s after the edge
  Signal signal[2];
};
struct Segment {
  int first, pieces;
};
struct Transition {
  int32_t from, to;
  int64_t dt;
  int32_t code;
};

// A signal being sampled every 8 ns.
struct Tracker {
  v4 value[MAX_VECTORS], factor[MAX_VECTORS];
  double constant;
  int vectors;

  void enter(const Signal &signal, const double *amps, const double *rates, double t, double step) {
    constant = signal.constant;
    vectors = (signal.terms + 3) / 4;
    for (int i = 0; i < 4 * vectors; i++) {
      bool real = i < signal.terms;
      double rate = real ? rates[signal.first + i] : 0;
      ((double *)value)[i] = real ? amps[signal.first + i] * exp(-rate * t) : 0;
      ((double *)factor)[i] = real ? exp(-rate * step) : 0;
    }
  }
  double next() {
    v4 sum = {0, 0, 0, 0};
    for (int i = 0; i < vectors; i++) {
      sum += value[i];
      value[i] *= factor[i];
    }
    return constant + ((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  void drop_dead_terms() {
    while (vectors) {
      v4 last = value[vectors - 1];
      for (int i = 0; i < 4; i++)
        if (fabs(last[i]) > NEGLIGIBLE) return;
      vectors--;
    }
  }
};

inline uint64_t mix(uint64_t x) {  // splitmix64's output function
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ull;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// Unit-variance noise: 64 coin tosses, smeared over their grid. Excess kurtosis -0.03, reaches 8 sigma.
inline double noise(uint64_t tosses, uint32_t smear) {
  const double scale = 0.24935149047701487;  // 1/sqrt(16 + 1/12)
  return (__builtin_popcountll(tosses) - 32 + (smear * 0x1p-32 - 0.5)) * scale;
}

}  // namespace

extern "C" {

struct Adc {
  double lsb, floor, slope, zero;  // V; V^2; V^2 per V above `zero`
  int32_t full;                    // highest code
};
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
  uint64_t cycle, jumped, seed;
  bool fast_forward;
  Adc adc[2];
  // drive
  uint32_t drive_word;
  int32_t drive;
  // segments
  List<Segment> segments;
  List<Piece> pieces;
  List<double> amps, rates;
  Transition *table;
  uint32_t table_size, table_used;
  Edge edges[8];
  int edge_count;
  struct { int64_t start; int32_t node; } ahead[8];
  int ahead_count;
  int64_t start;
  int32_t node;
  // sampling
  Tracker tracker[2];
  int piece;         // within the segment, -1: none entered
  int64_t sampled;   // instant of the latest sample, ns
  uint32_t samples;  // of this piece, since entered

  void restart_sampling() { piece = -1; }

  Transition *find(int32_t from, int64_t dt, int32_t code) {
    uint32_t at = (uint32_t)mix((uint64_t)dt * 0x9e3779b97f4a7c15ull + ((uint64_t)from << 20) + code);
    for (;; at++) {
      Transition *entry = &table[at & (table_size - 1)];
      if (entry->to < 0 || (entry->from == from && entry->dt == dt && entry->code == code)) return entry;
    }
  }

  // Turns edges into segments; false when Python must compute one.
  bool resolve(Ask *ask) {
    while (edge_count) {
      follow(8 * cycle);  // or pulses without a sample would pile up in `ahead`
      int64_t last_start = ahead_count ? ahead[ahead_count - 1].start : start;
      int32_t last_node = ahead_count ? ahead[ahead_count - 1].node : node;
      int64_t dt = edges[0].time - last_start;
      Transition *entry = find(last_node, dt, edges[0].code);
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
    const Segment &segment = segments.data[node];
    double t = (now - start) * 1e-9;
    int at = piece < 0 ? 0 : piece;
    while (at + 1 < segment.pieces && pieces.data[segment.first + at + 1].start <= t) at++;
    if (at != piece || now != sampled + 8) {
      const Piece &p = pieces.data[segment.first + at];
      for (int n = 0; n < 2; n++) tracker[n].enter(p.signal[n], amps.data, rates.data, t - p.start, 8e-9);
      piece = at;
      samples = 0;
    }
    sampled = now;
    if ((++samples & 63) == 0)
      for (int n = 0; n < 2; n++) tracker[n].drop_dead_terms();
    uint64_t smear = mix(seed + (3 * cycle + 2) * 0x9e3779b97f4a7c15ull);
    uint32_t codes = 0;
    for (int n = 0; n < 2; n++) {
      const Adc &a = adc[n];
      double v = tracker[n].next();
      double signal = v > a.zero ? v - a.zero : 0;
      uint64_t tosses = mix(seed + (3 * cycle + n) * 0x9e3779b97f4a7c15ull);
      v += sqrt(a.floor + a.slope * signal) * noise(tosses, (uint32_t)(smear >> (32 * n)));
      double code = floor(v / a.lsb);
      int32_t limited = code < 0 ? 0 : code > a.full ? a.full : (int32_t)code;
      codes |= (uint32_t)limited << (14 * n);
    }
    return codes;
  }
};

Board *board_new(uint64_t seed, int fast_forward, const Adc *adc) {
  Board *b = (Board *)aligned_alloc(alignof(Board), sizeof(Board));
  memset((void *)b, 0, sizeof *b);
  b->seed = mix(seed);
  b->fast_forward = fast_forward;
  b->adc[0] = adc[0];
  b->adc[1] = adc[1];
  b->table_size = 1 << 16;
  b->table = (Transition *)malloc(sizeof(Transition) * b->table_size);
  for (uint32_t i = 0; i < b->table_size; i++) b->table[i].to = -1;
  b->restart_sampling();
  b->state.clear();
  b->in.phase_ready = 1;
  b->in.sample_valid = 1;
  return b;
}
void board_free(Board *b) {
  free(b->segments.data);
  free(b->pieces.data);
  free(b->amps.data);
  free(b->rates.data);
  free(b->table);
  free(b);
}
uint64_t board_cycle(const Board *b) { return b->cycle; }
uint64_t board_jumped(const Board *b) { return b->jumped; }
void board_trip(Board *b, int level) { b->in.trip = level != 0; }

// Adds a segment: `counts` holds two term counts a piece, `constants` two constants a piece.
void board_add_segment(Board *b, int pieces, const double *starts, const double *constants, const int32_t *counts,
                      const double *amps, const double *rates) {
  b->segments.push({b->pieces.size, pieces});
  for (int i = 0; i < pieces; i++) {
    Piece p;
    p.start = starts[i];
    for (int n = 0; n < 2; n++) {
      int terms = counts[2 * i + n];
      p.signal[n] = {constants[2 * i + n], b->amps.size, terms};
      for (int k = 0; k < terms; k++) {
        b->amps.push(*amps++);
        b->rates.push(*rates++);
      }
    }
    b->pieces.push(p);
  }
}
// Returns 0 when the table is getting full: forget everything and start again.
int board_add_transition(Board *b, int from, int64_t dt, int code, int to) {
  Transition *entry = b->find(from, dt, code);
  *entry = {from, to, dt, code};
  return ++b->table_used < b->table_size / 2;
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
  b->segments.clear();
  b->pieces.clear();
  b->amps.clear();
  b->rates.clear();
  b->table_used = 0;
  for (uint32_t i = 0; i < b->table_size; i++) b->table[i].to = -1;
  b->restart_sampling();
  return b->ahead_count + 1;
}

// Runs until cycle `until`; returns 1 when `ask` must be answered first. While `tx` is full the link is held up.
int board_run(Board *b, uint64_t until, const uint8_t *rx, int rx_size, int *rx_used, uint8_t *tx, int tx_room,
              int *tx_used, Ask *ask) {
  gateware::Inputs in = b->in;
  gateware::Outputs out;
  int taken = 0, given = 0;
  bool known = b->resolve(ask), resting = gateware::rests(b->state);
  out.sampling = false;
  while (known && b->cycle < until) {
    in.rx__valid = taken < rx_size;
    in.rx__payload = in.rx__valid ? rx[taken] : 0;
    in.tx__ready = given < tx_room;
    if (b->fast_forward && !out.sampling) {
      if (resting)
        gateware::resting_quiet(b->state, in, out);
      else
        gateware::quiet(b->state, in, out);
      if (out.ff__quiet && b->jump(in, until)) continue;
    }
    if (resting && !in.rx__valid && !in.trip) {
      resting = gateware::resting_cycle(b->state, in, out);
    } else {
      gateware::cycle(b->state, in, out);
      resting = gateware::rests(b->state);
    }
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
