// The emulated board: the compiled gateware, and around it what a board has: a drive output that lights the device,
// ADCs that sample the result, and a byte link. sim/emulator.py drives it through the C functions at the end. run()
// stops when it meets a drive edge of which Python has not said yet where it leads (see segments.h).
//
// Everything is deterministic: noise is a hash of seed, cycle and channel, arithmetic is plain IEEE double without
// contraction, and sums are taken in a fixed order.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include GATEWARE  // what sim/compiler/translate.py made of the netlist
#include "segments.h"
#include "photons.h"
#include "sampling.h"

namespace {

enum Rest { BUSY, SENDING, SILENT };  // what of the instrument is at rest: see sim/compiler/build.py
const int STRETCH = gateware::streaming0_cycles;  // that are run in one go
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

struct Detector {  // of photons; times in ns
  double dead_time, afterpulse, afterpulse_time;
};
struct Start {  // of a segment
  int64_t start;
  int32_t node;
};
const int MAX_AHEAD = 8;

struct Board {
  gateware::State state;
  gateware::Inputs in;
  uint64_t cycle, jumped;
  uint64_t retry;  // the cycle from which on a stretch may be tried again
  bool fast_forward;
  // drive
  uint32_t drive_word;
  int32_t drive;
  // segments
  Segments light;
  Edge edges[8];
  int edge_count;
  Start ahead[MAX_AHEAD];
  int ahead_count;
  int64_t start;
  int32_t node;
  double worn, wear_step;  // half-lives since Python made the device older, and when it must again
  // sampling
  Sampler sampler;
  int piece;         // within the segment, -1: none entered
  int64_t sampled;   // instant of the latest sample, ns

  // counting
  Counter counter;
  Start counter_ahead[MAX_AHEAD];
  int counter_ahead_count;

  void restart_sampling() { piece = -1; }

  // Turns edges into segments; false when Python must compute one.
  bool resolve(Ask *ask) {
    while (edge_count) {
      follow(8 * cycle);  // or pulses without a sample would pile up in `ahead`
      int64_t last_start = ahead_count ? ahead[ahead_count - 1].start : start;
      int32_t last_node = ahead_count ? ahead[ahead_count - 1].node : node;
      int64_t dt = edges[0].time - last_start;
      Transition *entry = light.find(last_node, dt, edges[0].code);
      if (entry->to < 0 || worn + entry->wear > wear_step) {
        *ask = {last_node, edges[0].code, dt};
        return false;
      }
      worn += entry->wear;
      ahead[ahead_count++] = {edges[0].time, entry->to};
#ifdef COUNTING
      counter_ahead[counter_ahead_count++] = {edges[0].time, entry->to};
#endif
      for (int i = 1; i < edge_count; i++) edges[i - 1] = edges[i];
      edge_count--;
    }
    return true;
  }

  // The kind of rest, of those that the previous cycle has left possible.
  Rest rest(unsigned staying, const gateware::Inputs &in) const {
    if (staying & gateware::silent && gateware::silent_rests(state, in)) return SILENT;
    return staying & gateware::sending && gateware::sending_rests(state, in) ? SENDING : BUSY;
  }

  bool quiet(Rest rest, const gateware::Inputs &in) const {
    gateware::Outputs out;
    if (rest == SILENT)
      gateware::silent_quiet(state, in, out);
    else
      gateware::quiet(state, in, out);
    return out.ff__quiet;
  }

  // One cycle; returns the kinds of rest it leaves possible.
  __attribute__((always_inline)) unsigned evaluate(Rest rest, const gateware::Inputs &in, gateware::Outputs &out) {
    if (rest == SILENT) return gateware::silent_cycle(state, in, out);
    if (rest == SENDING) return gateware::sending_cycle(state, in, out);
    return gateware::cycle(state, in, out);
  }

  // Jumps to where something happens, if that is far enough.
  __attribute__((noinline)) bool jump(gateware::Inputs in, uint64_t until) {
    gateware::Outputs out;
    gateware::horizon(state, in, out);
    uint64_t skip = out.ff__horizon;
    if (skip > until - cycle - 1) skip = until - cycle - 1;  // until > cycle
    if (skip < SHORTEST_JUMP) return false;
    in.ff__skip = skip;
    gateware::jump(state, in, out);
    cycle += skip + 1;
    jumped += skip;
    return true;
  }

  // Notes the edges of this cycle; returns whether the drive does anything but stay as it is.
  bool watch_drive(unsigned gate, unsigned phase, int level) {
    uint32_t word = gate | phase << 2 | (uint32_t)level << 5;
    if (word == drive_word && (gate == 0 || gate == 3)) return false;
    drive_word = word;
    for (int half = 0; half < 2; half++) {
      int32_t code = gate >> half & 1 ? level : 0;
      if (code != drive) {
        edges[edge_count++] = {(int64_t)(8 * cycle) + 4 * half + phase, code};
        drive = code;
      }
    }
    return true;
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

#ifdef COUNTING
  // When the next photon comes, as far as the drive is known.
  double next_photon() {
    for (;;) {
      double t = counter.next();
      if (!counter_ahead_count || counter_ahead[0].start > t) return t;
      counter.enter(counter_ahead[0].start, counter_ahead[0].node);
      for (int i = 1; i < counter_ahead_count; i++) counter_ahead[i - 1] = counter_ahead[i];
      counter_ahead_count--;
    }
  }

  // The discriminator's lanes in the cycle from `begin` ns on.
  unsigned lanes(int64_t begin) {
    unsigned seen = 0;
    for (double t; (t = next_photon()) < begin + 8;)
      if (counter.take(t)) seen |= 1u << ((int64_t)t - begin);
    return seen;
  }
#endif

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
    uint32_t code = *sampler.next(cycle, 1);
    sampler.take(1);
    return code;
  }

  // The STRETCH samples from this cycle on, if no edge or piece comes between; else null.
  const uint32_t *samples_ahead() {
    int64_t last = 8 * (int64_t)(cycle + STRETCH - 1);
    if (piece < 0 || sampled + 8 != 8 * (int64_t)cycle || (ahead_count && ahead[0].start <= last)) return 0;
    const Segment &segment = light.segments.data[node];
    if (piece + 1 < segment.pieces && light.pieces.data[segment.first + piece + 1].start <= (last - start) * 1e-9)
      return 0;
    return sampler.next(cycle, STRETCH);
  }

  // Runs STRETCH cycles in one go, if all of them are a stretch; returns whether.
  bool advance(unsigned staying, gateware::Inputs &in) {
    bool (*run)(gateware::State &, gateware::Inputs, const uint64_t *) = 0;
    if (cycle < retry) return false;
    if (staying & gateware::streaming0 && gateware::streaming0_rests(state, in)) run = gateware::streaming0_run;
    if (staying & gateware::streaming1 && gateware::streaming1_rests(state, in)) run = gateware::streaming1_run;
#ifdef COUNTING
    // The stretch's last cycle sees the lanes of the one before.
    if (run && next_photon() < 8 * (int64_t)(cycle + STRETCH - 1)) return false;
#endif
    const uint32_t *codes = run ? samples_ahead() : 0;
    if (!codes) return false;
    uint64_t samples[STRETCH];
    samples[0] = in.samples;
    for (int n = 1; n < STRETCH; n++) samples[n] = codes[n - 1];
    if (!run(state, in, samples)) {
      retry = cycle + STRETCH;
      return false;
    }
    in.samples = codes[STRETCH - 1];
    sampler.take(STRETCH);
    cycle += STRETCH;
    sampled = 8 * (int64_t)(cycle - 1);
    return true;
  }
};

// `detector`: of a board that counts photons, else null.
Board *board_new(uint64_t seed, int fast_forward, const Adc *adc, const Detector *detector) {
  Board *b = (Board *)aligned_alloc(alignof(Board), sizeof(Board));
  memset((void *)b, 0, sizeof *b);
  b->fast_forward = fast_forward;
  b->sampler.seed = mix(seed);
  b->sampler.adc[0] = adc[0];
  b->sampler.adc[1] = adc[1];
  if (detector) {
    b->counter.dead_time = detector->dead_time;
    b->counter.afterpulse = detector->afterpulse;
    b->counter.afterpulse_time = detector->afterpulse_time;
    b->counter.seed = mix(mix(seed) + 1);
    b->counter.need = -1;
  }
  b->light.start();
  b->restart_sampling();
  b->state.clear();
  b->in.phase_ready = 1;
  b->in.sample_valid = 1;
  return b;
}
void board_free(Board *b) {
  b->light.stop();
  free(b->counter.means.data);
  free(b->counter.at.data);
  free(b->counter.mean.data);
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
// Adds to the segment added last how many photons to expect: means[i] up to at[i] ns, then `rate` a ns.
void board_add_means(Board *b, int points, const double *at, const double *means, double rate) {
  Counter &counter = b->counter;
  counter.means.push({counter.at.size, points, rate});
  for (int i = 0; i < points; i++) {
    counter.at.push(at[i]);
    counter.mean.push(means[i]);
  }
}
// Half-lives that the device has aged since Python made it older, in whole segments.
double board_worn(const Board *b) { return b->worn; }
// The device is as old as its segments say: edges are asked about again once it has aged by more than `step` since.
void board_renew(Board *b, double step) {
  b->worn = 0;
  b->wear_step = step;
}
// Returns 0 when the table is getting full: forget everything and start again.
int board_add_transition(Board *b, int from, int64_t dt, int code, int to, double wear) {
  Transition *entry = b->light.find(from, dt, code);
  *entry = {from, to, dt, code, wear};
  return ++b->light.table_used < b->light.table_size / 2;
}
// Forgets all segments and transitions. The segments in force or about to be are numbered anew from 0, their old numbers
// written to `live`; they must be added again, in that order, before running on. Returns how many they are.
int board_forget(Board *b, int32_t *live) {
  int count = 0;
  auto keep = [&](int32_t &node) {
    live[count] = node;
    node = count++;
  };
  keep(b->node);
  for (int i = 0; i < b->ahead_count; i++) keep(b->ahead[i].node);
  keep(b->counter.node);
  for (int i = 0; i < b->counter_ahead_count; i++) keep(b->counter_ahead[i].node);
  b->light.clear();
  b->counter.means.clear();
  b->counter.at.clear();
  b->counter.mean.clear();
  b->restart_sampling();
  return count;
}

// Runs until cycle `until`; returns 1 when `ask` must be answered first. While `tx` is full the link is held up.
int board_run(Board *b, uint64_t until, const uint8_t *rx, int rx_size, int *rx_used, uint8_t *tx, int tx_room,
              int *tx_used, Ask *ask) {
  gateware::Inputs in = b->in;
  gateware::Outputs out;
  int taken = 0, given = 0;
  bool known = b->resolve(ask);
  Rest rest = BUSY;
  unsigned staying = 0;
  out.sampling = false;
  while (known && b->cycle < until) {
    in.rx__valid = taken < rx_size;
    in.rx__payload = in.rx__valid ? rx[taken] : 0;
    in.tx__ready = given < tx_room;
    if (rest != SILENT || !(staying & gateware::silent)) rest = b->rest(staying, in);
    // All has been sent, perhaps: what more is at rest now, a whole cycle tells.
    if (rest == SENDING && gateware::silent_rests(b->state, in)) rest = BUSY;
    uint64_t limit = until;
    // A change of the drive is seen in its own cycle: what it leads to may limit a jump.
    gateware::drive(b->state, in, out);
    bool changing = b->watch_drive(out.gate, out.phase, out.level);
    bool may_jump = !changing && b->fast_forward && !out.sampling;
#ifdef COUNTING
    // The lanes of one cycle are seen in the next, and no jump may pass over one that is not dark.
    in.photons = b->cycle ? b->lanes(8 * (int64_t)(b->cycle - 1)) : 0;
    may_jump = may_jump && !in.photons;
    double next = b->next_photon() / 8 + 1;
    if (next < (double)limit) limit = (uint64_t)next;
#endif
    if (may_jump && rest != SENDING && b->quiet(rest, in) && b->jump(in, limit)) {
      staying = 0;
      continue;
    }
    if (rest == SILENT && out.sampling && !changing && b->cycle + STRETCH <= until && b->advance(staying, in)) continue;
    staying = b->evaluate(rest, in, out);
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
    gateware::drive(b->state, in, out);
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
