// What the light detector and the drive monitor give after each drive edge, computed in Python (sim/physics/plant.py) a
// "segment" at a time: pieces of constant + decaying exponentials. In steady state the same few segments follow one
// another, so they are kept here as a graph: from a segment, an edge after `dt` ns to drive code `code` leads to another.
#pragma once
#include <stdint.h>
#include <stdlib.h>

namespace {

template <class T>
struct List {  // growing array; the C++ library is not linked
  T *data;
  int size, room;
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
  double wear;  // half-lives that the device ages until then
};

inline uint64_t mix(uint64_t x) {  // splitmix64's output function
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ull;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}
const uint64_t GOLDEN = 0x9e3779b97f4a7c15ull;  // splitmix64's step

struct Segments {
  List<Segment> segments;
  List<Piece> pieces;
  List<double> amps, rates;
  Transition *table;
  uint32_t table_size, table_used;

  void start() {
    table_size = 1 << 16;
    table = (Transition *)malloc(sizeof(Transition) * table_size);
    clear();
  }
  void stop() {
    free(segments.data);
    free(pieces.data);
    free(amps.data);
    free(rates.data);
    free(table);
  }
  void clear() {
    segments.clear();
    pieces.clear();
    amps.clear();
    rates.clear();
    table_used = 0;
    for (uint32_t i = 0; i < table_size; i++) table[i].to = -1;
  }

  // Where that edge leads, or where to note it: `to` is -1 then.
  Transition *find(int32_t from, int64_t dt, int32_t code) {
    uint32_t at = (uint32_t)mix((uint64_t)dt * GOLDEN + ((uint64_t)from << 20) + code);
    for (;; at++) {
      Transition *entry = &table[at & (table_size - 1)];
      if (entry->to < 0 || (entry->from == from && entry->dt == dt && entry->code == code)) return entry;
    }
  }
};

}  // namespace
