// Leaps: cycles that are left out because all that happens in them is foreseen. Counters go on by as many, the samples and
// photons of the window are added to the trace memory, and the sending half of the link is evaluated apart from the rest.
// docs/emulator.md says why what comes after is the same as if no cycle had been left out.
#pragma once
#include <stdint.h>

#include "board.h"
#include "sums.h"

namespace {

const int LONGEST_LEAP = 8192;     // samples
const int SHORTEST_JUMP = 4;       // cycles worth an evaluation of what counts
const int SHORTEST_LEAP = 16;      // or of all that a sample or a byte takes
const int PATIENCE = 4;            // cycles after which it is worth another look
const int MOST_PHOTONS = 4096;
const int DARK = 24;               // cycles from a photon until nothing but memory knows of it, and those of a row

struct Leap {
  Board &board;
  const gateware::Inputs &in;
  gateware::Outputs out;  // what the gateware foresees
  Grid grid;
  int64_t hits[MOST_PHOTONS];  // photons in the window, ns from the beginning of the first bin
  int hit_count;

  Leap(Board &board, const gateware::Inputs &in, const gateware::Outputs &out)
      : board(board), in(in), out(out), grid((int)out.ff__shift), hit_count(0) {}

  // Leaves cycles out if that is worth while, none from `until` on; returns how many. `tx` moves on behind the bytes that
  // were sent in them, at most `room`.
  int take(uint64_t until, uint8_t *&tx, int room, unsigned &staying) {
    const bool window = out.ff__streaming, sending = out.ff__sending;
    if (!window && !out.ff__still) return wait(PATIENCE);
    if (window && out.ff__place >= 8) return wait((int)((1 << out.ff__shift) - out.ff__place + 7) / 8);
    uint64_t most = out.ff__horizon + 1;
    if (most > until - board.cycle) most = until - board.cycle;
    if (window && most > LONGEST_LEAP) most = LONGEST_LEAP;
    if (sending && most > (uint64_t)room) most = room;
    if (sending && !link_rests()) return wait(PATIENCE);
    int many = window ? (int)most / grid.each * grid.each : (int)most;
    const int least = window || sending ? SHORTEST_LEAP : SHORTEST_JUMP;
    if (many < least) return wait((int)most);
    if (window && full(many)) return wait(PATIENCE);
#ifdef COUNTING
    if (out.ff__tagging) many = until_a_tag(many);
    if (many < least) return wait(many);
    if (window && out.ff__counting) {
      many = gather_photons(many, least);
      if (!many) return 0;
    } else {
      pass_photons(many);
    }
#endif
    if (window) add_samples(many);
    if (sending) link(many, tx);
    gateware::Inputs counting = in;
    counting.ff__skip = many - 1;
    unsigned lasting = gateware::count(board.state, counting);
    staying = sending ? 0 : staying & lasting;
    board.cycle += many;
    board.jumped += many;
    return many;
  }

 private:
  int wait(int cycles) {
    board.retry = board.cycle + (cycles > 0 ? cycles : 1);
    return 0;
  }
  int side() const { return (int)out.ff__buffer; }
  uint32_t *drive_sums() { return gateware::drive_sums(board.state, side()) + out.ff__bin; }
#ifdef COUNTING
  // The light's memory is interleaved: bin b is in lane b mod 8.
  uint32_t &light_sum(int64_t ns) {
    int64_t bin = (int64_t)out.ff__bin + (ns >> out.ff__shift);
    return gateware::light_sums(board.state, 8 * side() + (int)(bin & 7))[bin >> 3];
  }
  int64_t instant(int sample) const { return (int64_t)out.ff__place + 8 * sample; }
#else
  uint32_t *light_sums() { return gateware::light_sums(board.state, side()) + out.ff__bin; }
#endif

  // Whether a sum might reach its ceiling, where it would have to stay.
  bool full(int many) {
    if (grid.full(drive_sums(), many)) return true;
#ifdef COUNTING
    if (out.ff__counting) return false;  // see gather_photons
    for (int n = 0; n < many; n++)
      if (light_sum(instant(n)) >= CEILING) return true;
    return false;
#else
    return grid.full(light_sums(), many);
#endif
  }

  void add_samples(int many) {
    uint32_t codes[LONGEST_LEAP];
    board.response.sample(board.cycle, many, codes);
    for (int n = 0; n < 2; n++) gateware::clipped(board.state, 2 * n + side()) += extremes(codes, many, 14 * n);
    grid.add(drive_sums(), codes, many, 14);
#ifdef COUNTING
    for (int n = 0; n < hit_count; n++) light_sum(hits[n])++;
    if (!out.ff__counting)
      for (int n = 0; n < many; n++) light_sum(instant(n)) += code(codes[n], 0);
#else
    grid.add(light_sums(), codes, many, 0);
#endif
  }

  bool link_rests() const {
    return side() ? gateware::link1_rests(board.state, in) : gateware::link0_rests(board.state, in);
  }
  void link(int many, uint8_t *&tx) {
    if (side())
      gateware::link1(board.state, in, many, tx);
    else
      gateware::link0(board.state, in, many, tx);
  }

#ifdef COUNTING
  // No cycle is left out in which a photon is seen that gets a time tag.
  int until_a_tag(int many) {
    if (in.photons) return 0;
    int64_t left = board.photons.next_cycle() + 1 - (int64_t)board.cycle;
    return left < many ? (int)left / grid.each * grid.each : many;
  }

  // Takes the photons of the cycles left out, which nobody looks at. Those of the last one are seen in the cycle after.
  void pass_photons(int many) {
    while (board.photons.next_cycle() < (int64_t)board.cycle + many - 1) board.photons.take();
  }

  // Takes the photons of at most `many` cycles of the window into `hits`; returns how many cycles, at least `least`, or 0.
  // A leap begins and ends in the dark: nothing but memory knows of a photon, and none is in a row that is held.
  int gather_photons(int many, int least) {
    const int64_t begin = (int64_t)board.cycle, limit = begin + many, dark = (1 << out.ff__shift) + DARK;
    int64_t clear = board.photons.latest + dark + 1;  // the first cycle that may be an end
    if (clear > begin) {
      wait((int)(clear - begin));
      return 0;
    }
    const Photons before = board.photons;
    Photons then = before;
    int ended = 0, count = 0;
    int64_t latest = -1, next;
    while (true) {
      next = board.photons.next_cycle();
      int64_t end = next < limit ? begin + (next - begin) / grid.each * grid.each : limit;
      if (end >= clear && end - begin >= least) {
        ended = (int)(end - begin);
        hit_count = count;
        then = board.photons;
      }
      if (next >= limit || clear > limit || count == MOST_PHOTONS) break;
      int64_t t = board.photons.take();
      if (t < 0) continue;
      // Two in one lane are seen as one.
      if (t != latest) hits[count++] = t - 8 * begin + (int64_t)out.ff__place;
      latest = t;
      clear = t / 8 + dark + 1;
    }
    for (int n = 0; n < hit_count; n++)
      if (light_sum(hits[n]) >= CEILING) ended = 0;
    if (!ended) {
      next = Photons(before).next_cycle();
      wait((int)(next + dark + 1 - begin));
    }
    board.photons = ended ? then : before;
    return ended;
  }
#endif
};

}  // namespace
