// What the two ADCs see: the segment in force, those that the drive's latest edges lead to, and samples of them.
#pragma once
#include <stdint.h>

#include "sampling.h"
#include "segments.h"

namespace {

struct Start {  // of a segment
  int64_t start;  // ns
  int32_t node;
};
const int MAX_AHEAD = 8;
const uint32_t CODE = 0x3fff;  // highest

// When the codes are taken. Outside of the eye, some of a code's bits are those of one that differs by the least.
struct Eye {
  int first, last;  // taps
  int off;          // how far outside

  void look(int delay) { off = delay < first ? first - delay : delay > last ? delay - last : 0; }
  void disturb(uint64_t cycle, int count, uint32_t *codes) const {
    const uint64_t chance = off < 8 ? off : 8;  // sixteenths
    for (int k = 0; k < count; k++) {
      uint64_t toss = mix((cycle + k) * GOLDEN);
      uint32_t both = 0;
      for (int n = 0; n < 2; n++) {
        uint32_t code = codes[k] >> 14 * n & CODE, other = code ^ CODE ? code + 1 : code - 1, mask = 0;
        for (int bit = 0; bit < 14; bit++, toss = toss >> 4 | toss << 60) mask |= (toss & 15) < chance ? 1u << bit : 0;
        both |= ((code & ~mask) | (other & mask)) << 14 * n;
      }
      codes[k] = both;
    }
  }
};

struct Response {
  Segments light;
  Start ahead[MAX_AHEAD];
  int ahead_count;
  int64_t start;
  int32_t node;
  Sampler sampler;
  int piece;        // within the segment, -1: none entered
  int64_t sampled;  // instant of the latest sample, ns
  Eye eye;

  void restart() { piece = -1; }

  // The segment that the latest edge leads to.
  Start latest() const { return ahead_count ? ahead[ahead_count - 1] : Start{start, node}; }

  // Moves on to the segment in force at `now`.
  void follow(int64_t now) {
    while (ahead_count && ahead[0].start <= now) {
      start = ahead[0].start;
      node = ahead[0].node;
      for (int i = 1; i < ahead_count; i++) ahead[i - 1] = ahead[i];
      ahead_count--;
      restart();
    }
  }

  // Both ADCs' codes of `count` cycles from `cycle` on. Every edge of the drive until then is known.
  void sample(uint64_t cycle, int count, uint32_t *codes) {
    while (count) {
      int64_t now = 8 * (int64_t)cycle;
      follow(now);
      const Segment &segment = light.segments.data[node];
      const Piece *pieces = light.pieces.data + segment.first;
      double t = seconds(now);
      int at = piece < 0 ? 0 : piece;
      while (at + 1 < segment.pieces && pieces[at + 1].start <= t) at++;
      if (at != piece || now != sampled + 8) {
        sampler.enter(pieces[at], light.amps.data, light.rates.data, t - pieces[at].start);
        piece = at;
      }
      int many = count;
      if (ahead_count && ahead[0].start < now + 8 * (int64_t)many) many = (int)((ahead[0].start - now + 7) / 8);
      if (at + 1 < segment.pieces) {
        double next = pieces[at + 1].start, guess = (next - t) * 1.25e8 + 2;
        if (guess < many) many = (int)guess;
        while (many > 1 && next <= seconds(now + 8 * (int64_t)(many - 1))) many--;
      }
      sampler.take(cycle, many, codes);
      if (eye.off) eye.disturb(cycle, many, codes);
      sampled = now + 8 * (int64_t)(many - 1);
      cycle += many;
      codes += many;
      count -= many;
    }
  }

 private:
  double seconds(int64_t now) const { return (now - start) * 1e-9; }
};

}  // namespace
