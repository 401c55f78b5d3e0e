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

#include "board.h"
#include "leap.h"

extern "C" {

struct Detector {  // of photons; times in ns
  double dead_time, afterpulse, afterpulse_time, blink_rate, recovery;
};

// `detector`: of a board that counts photons, else null. `rise`, `fall`: of V_H, in cycles.
Board *board_new(uint64_t seed, int fast_forward, const Adc *adc, const Detector *detector, double rise, double fall) {
  Board *b = (Board *)aligned_alloc(alignof(Board), sizeof(Board));
  memset((void *)b, 0, sizeof *b);
  b->fast_forward = fast_forward;
  b->supply.rise = rise;
  b->supply.fall = fall;
  b->response.sampler.seed = mix(seed);
  b->response.sampler.adc[0] = adc[0];
  b->response.sampler.adc[1] = adc[1];
  if (detector) {
    b->photons.counter.dead_time = detector->dead_time;
    b->photons.counter.afterpulse = detector->afterpulse;
    b->photons.counter.afterpulse_time = detector->afterpulse_time;
    b->photons.counter.blink_rate = detector->blink_rate;
    b->photons.counter.recovery = detector->recovery;
    b->photons.counter.emitted_at = -NEVER;
    b->photons.counter.seed = mix(mix(seed) + 1);
    b->photons.counter.need = -1;
  }
  b->response.light.start();
  b->response.restart();
  b->state.clear();
  b->in.phase_ready = 1;
  b->in.sample_valid = 1;
  return b;
}
void board_free(Board *b) {
  b->response.light.stop();
  free(b->photons.counter.means.data);
  free(b->photons.counter.at.data);
  free(b->photons.counter.mean.data);
  free(b);
}
uint64_t board_cycle(const Board *b) { return b->cycle; }
uint64_t board_jumped(const Board *b) { return b->jumped; }
// The delays, in taps, at which the ADCs' codes are taken while all their bits stand still.
void board_set_eye(Board *b, int first, int last) { b->response.eye = {first, last, 0}; }
void board_trip(Board *b, int level) { b->in.trip = level != 0; }

// Adds a segment: `counts` holds two term counts a piece, `constants` two constants a piece.
void board_add_segment(Board *b, int pieces, const double *starts, const double *constants, const int32_t *counts,
                      const double *amps, const double *rates) {
  Segments &light = b->response.light;
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
  Counter &counter = b->photons.counter;
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
  Transition *entry = b->response.light.find(from, dt, code);
  *entry = {from, to, dt, code, wear};
  return ++b->response.light.table_used < b->response.light.table_size / 2;
}
// Forgets all segments and transitions. The segments in force or about to be are numbered anew from 0, their old numbers
// written to `live`; they must be added again, in that order, before running on. Returns how many they are.
int board_forget(Board *b, int32_t *live) {
  int count = 0;
  auto keep = [&](int32_t &node) {
    live[count] = node;
    node = count++;
  };
  keep(b->response.node);
  for (int i = 0; i < b->response.ahead_count; i++) keep(b->response.ahead[i].node);
  keep(b->photons.counter.node);
  for (int i = 0; i < b->photons.ahead_count; i++) keep(b->photons.ahead[i].node);
  b->response.light.clear();
  b->photons.counter.means.clear();
  b->photons.counter.at.clear();
  b->photons.counter.mean.clear();
  b->response.restart();
  return count;
}

// Runs until cycle `until`; returns 1 when `ask` must be answered first. While `tx` is full the link is held up.
int board_run(Board *b, uint64_t until, const uint8_t *rx, int rx_size, int *rx_used, uint8_t *tx, int tx_room,
              int *tx_used, Ask *ask) {
  gateware::Inputs in = b->in;
  gateware::Outputs out;
  uint8_t *given = tx, *const end = tx + tx_room;
  int taken = 0;
  bool known = b->resolve(ask), silent = false;
  unsigned staying = 0;  // the kinds of rest that the previous cycle has left possible
  while (known && b->cycle < until) {
    in.rx__valid = taken < rx_size;
    in.rx__payload = in.rx__valid ? rx[taken] : 0;
    in.tx__ready = given < end;
    if (!silent || !(staying & gateware::silent))
      silent = staying & gateware::silent && gateware::silent_rests(b->state, in);
    // A change of the drive is seen in its own cycle: what it leads to may limit a leap.
    gateware::drive(b->state, in, out);
    bool changing = b->watch_drive(out.gate, out.phase, out.level);
    b->response.eye.look((int)out.adc_delay);
#ifdef COUNTING
    // The lanes of one cycle are seen in the next.
    in.photons = b->cycle ? b->photons.lanes((int64_t)b->cycle - 1) : 0;
#endif
    if (b->fast_forward && !changing && b->cycle >= b->retry) {
      if (silent)
        gateware::silent_outlook(b->state, in, out);
      else
        gateware::outlook(b->state, in, out);
      if (Leap(*b, in, out).take(until, given, (int)(end - given), staying)) continue;
    }
    staying = silent ? gateware::silent_cycle(b->state, in, out) : gateware::cycle(b->state, in, out);
    if (out.sampling) {
      uint32_t codes;
      b->response.sample(b->cycle, 1, &codes);
      in.samples = codes;
    }
    b->cycle++;
    taken += in.rx__valid && out.rx__ready;
    if (in.tx__ready && out.tx__valid) *given++ = out.tx__payload;
    if (b->edge_count) known = b->resolve(ask);
  }
  b->in = in;
  *rx_used = taken;
  *tx_used = (int)(given - tx);
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
