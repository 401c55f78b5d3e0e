"""Register file: executes the host's requests and replies to them."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import protocol
from trelscope.gateware.layouts import CONTROLS, PACKET, REPLY, SETTINGS, STATUS
from trelscope.gateware.link.deframer import REQUEST_FRAME
from trelscope.gateware.protocol import (
    CYCLE_NS,
    LAUNCH_TAIL,
    MAX_PERIOD,
    REGISTERS,
    Access,
    Feature,
    Kind,
    Outcome,
)

ROW_BITS = 3
"""A register is selected in two steps: one register in each row of 8 by the low address bits, then one of the rows."""


def _initial(access: Access) -> dict[str, int]:
    return {r.name: r.init for r in REGISTERS.values() if r.access is access}


ROWS = (max(r.address for r in REGISTERS.values()) >> ROW_BITS) + 1


def _outside(value: Value, limits: tuple[int, int], signed: bool) -> Value:
    """Whether a 32-bit value lies outside its limits, without a comparison that every value passes."""
    lowest, highest = limits
    number = value.as_signed() if signed else value
    below = number < lowest if lowest else Const(0)
    return below | (number > highest)


def _chosen(values: list, one_hot: Value) -> Value:
    """The one of `values` whose bit in `one_hot` is set, or 0."""
    pairs = zip(values, one_hot, strict=True)
    return reduce(or_, (value & bit.replicate(len(value)) for value, bit in pairs))


class RegisterFile(wiring.Component):
    """Executes requests one at a time and replies to every one of them.

    A request is executed in the cycle after it has been taken. A value that is read is that of this cycle; a control
    that is written changes in the next one. The next request is taken once the reply has been sent.

    A value outside the register's limits is not written, and neither is 1 to `run` unless the settings are `startable`.

    Parameters
    ----------
    depth : int
        Bins of trace memory per channel and buffer, the most that `window_bins` may be.
    features : Feature
        What the instrument can do; limits `mode`.

    Members
    -------
    requests : In(stream.Signature(REQUEST_FRAME))
        Requests from the `Deframer`.
    coming : In(1)
        Strobe. The payload of `requests` was valid in the previous cycle, too, and may be offered from the next one on,
        unchanged.
    settings : Out(SETTINGS, init=_initial(Access.SETTING))
        Staged settings, as written.
    controls : Out(CONTROLS, init=_initial(Access.CONTROL))
        Values of the control registers.
    restart : Out(1)
        Strobe. 1 is being written to the register `run`.
    acknowledge : Out(8)
        Bits that are being written to the register of that name; 0 in all other cycles.
    startable : Out(1, init=1)
        A train can have the settings as they are in the next cycle; see `protocol.startable`. Low for some cycles after
        a setting has been written.
    disable : In(1)
        Keeps the register `enable` at 0.
    finished : In(1)
        Strobe. Clears the register `run`.
    status : In(STATUS)
        Values of the read-only registers.
    alive : Out(1)
        Strobe. A request is being executed.
    packet : Out(stream.Signature(PACKET))
        Replies, to the `Framer`.
    payload : Out(stream.Signature(8))
        Bytes of the reply, to the `Framer`.
    idle : Out(1)
        No request is being processed or offered.
    """

    def __init__(self, depth: int, features: Feature) -> None:
        self._depth = depth
        self._features = features
        super().__init__(
            {
                "requests": In(stream.Signature(REQUEST_FRAME)),
                "coming": In(1),
                "settings": Out(SETTINGS, init=_initial(Access.SETTING)),
                "controls": Out(CONTROLS, init=_initial(Access.CONTROL)),
                "restart": Out(1),
                "acknowledge": Out(8),
                "startable": Out(1, init=1),
                "disable": In(1),
                "finished": In(1),
                "status": In(STATUS),
                "alive": Out(1),
                "packet": Out(stream.Signature(PACKET)),
                "payload": Out(stream.Signature(8)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        request = self.requests.p
        reply = Signal(REPLY)
        reading = Signal()
        low = request.request.address[:ROW_BITS]
        # Column and row of the request's address in the register map, each one-hot.
        column = Signal(1 << ROW_BITS)
        in_row = Signal(ROWS)
        executed = Signal()
        writes = Signal()  # the request offered in the previous cycle is a write
        written = Signal(len(REGISTERS))  # the register that the request writes to, one-hot
        outside = Signal(
            len(REGISTERS)
        )  # the value offered in the previous cycle is not one of these registers'
        refused = Signal()
        settings_written = [
            chosen
            for chosen, r in zip(written, REGISTERS.values(), strict=True)
            if r.access is Access.SETTING
        ]
        outcome = Signal(Outcome)
        rest = Signal(8 * protocol.REPLY.size)  # part of the reply that has not been sent
        left = Signal(range(protocol.REPLY.size + 1))
        storage = {Access.SETTING: self.settings, Access.CONTROL: self.controls}
        with m.If(self.disable):
            m.d.sync += self.controls.enable.eq(0)
        with m.If(self.finished):
            m.d.sync += self.controls.run.eq(0)
        m.d.comb += self.alive.eq(executed)
        m.d.sync += executed.eq(0)
        with m.If(executed):
            self._write(m, storage, written, reply.value)
            rows = self._rows(m, storage, column)
            number = reply.address[ROW_BITS:]
            m.d.sync += in_row.eq(Cat(number == n for n in range(len(rows))))
        m.d.sync += writes.eq(request.kind == Kind.WRITE)
        with m.If(self.coming):
            self._choose(m, writes, written, outcome)
        self._check_value(m, request.request.value, outside)
        m.d.comb += refused.eq((written & outside).any())
        needed, below_one = self._check_settings(m)
        in_time = Signal()  # every launch leaves time for its pulse

        m.d.comb += [
            self.packet.p.kind.eq(Kind.REPLY),
            self.packet.p.length.eq(protocol.REPLY.size),
            self.payload.payload.eq(rest[:8]),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [
                    self.requests.ready.eq(1),
                    self.idle.eq(~self.requests.valid & (writes == (request.kind == Kind.WRITE))),
                ]
                with m.If(self.requests.valid):
                    m.d.sync += [
                        reply.sequence.eq(request.sequence),
                        reply.address.eq(request.request.address),
                        reply.outcome.eq(Mux(refused, Outcome.OUT_OF_RANGE, outcome)),
                        written.eq(written & ~outside),
                        reply.value.eq(request.request.value),
                        reading.eq(request.kind == Kind.READ),
                        column.eq(Cat(low == n for n in range(1 << ROW_BITS))),
                    ]
                    m.d.sync += executed.eq(1)
                    with m.If(Cat(settings_written).any()):
                        m.d.sync += self.startable.eq(0)
                    m.next = "PACKET"
            with m.State("PACKET"):
                m.d.comb += self.packet.valid.eq(1)
                m.d.sync += left.eq(protocol.REPLY.size)
                with m.If(self.packet.ready):
                    m.next = "LOOK UP"
            with m.State("LOOK UP"):
                with m.If(reading & (reply.outcome == Outcome.DONE)):
                    m.d.sync += reply.value.eq(_chosen(rows, in_row))
                m.next = "LOAD"
            with m.State("LOAD"):
                m.d.sync += [rest.eq(reply), in_time.eq(needed <= self.settings.period)]
                m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                m.d.comb += self.payload.valid.eq(1)
                m.d.sync += self.startable.eq(in_time & below_one)
                with m.If(self.payload.ready):
                    m.d.sync += [left.eq(left - 1), rest.eq(rest >> 8)]
                    with m.If(left == 1):
                        m.next = "IDLE"
        return m

    def _choose(self, m: Module, writes: Value, written: Signal, outcome: Signal) -> None:
        """Determine the outcome of the coming request, and which register it writes to."""
        m.d.sync += written.eq(0)
        with m.Switch(self.requests.p.request.address):
            for number, r in enumerate(REGISTERS.values()):
                with m.Case(r.address):
                    m.d.sync += outcome.eq(Outcome.DONE)
                    if r.access is not Access.READ:
                        m.d.sync += written[number].eq(writes)
                    else:
                        with m.If(writes):
                            m.d.sync += outcome.eq(Outcome.READ_ONLY)
            with m.Default():
                m.d.sync += outcome.eq(Outcome.NO_REGISTER)

    def _check_value(self, m: Module, value: Value, outside: Signal) -> None:
        """Determine for which registers a value is outside the limits."""
        for number, r in enumerate(REGISTERS.values()):
            if r.access is not Access.READ:
                limits = protocol.limits_on(r.name, self._depth, self._features)
                wrong = _outside(value, limits, r.signed)
                if r.name == "run":
                    wrong = wrong | (value[0] & ~self.startable)
                m.d.sync += outside[number].eq(wrong)

    def _check_settings(self, m: Module) -> tuple[Signal, Signal]:
        """Cycles of the shortest period that the launches fit into; whether the fraction of the period is below 1.

        Both are of the settings of the previous cycle.
        """
        s = self.settings
        needed = Signal(range(2 * MAX_PERIOD))
        below_one = Signal()
        whole_dither = (
            s.dither[3:] + s.dither[:3].any()
        )  # in cycles, rounded up: one more than the latest launch has
        assert CYCLE_NS == 8, "the dither is divided by 8"
        m.d.sync += [
            needed.eq(s.delay + (whole_dither + (LAUNCH_TAIL - 1))),
            below_one.eq(s.period_num < s.period_den),
        ]
        return needed, below_one

    def _write(self, m: Module, storage: dict, written: Signal, value: Value) -> None:
        for chosen, r in zip(written, REGISTERS.values(), strict=True):
            with m.If(chosen):
                if r.name == "acknowledge":
                    m.d.comb += self.acknowledge.eq(value)
                elif r.access is not Access.READ:
                    m.d.sync += storage[r.access][r.name].eq(value)
                if r.name == "run":
                    m.d.comb += self.restart.eq(value[0])

    def _rows(self, m: Module, storage: dict, column: Value) -> list[Signal]:
        """For every row of the register map, a signal that holds the value of the register in the selected column."""
        storage = {**storage, Access.READ: self.status}
        by_address = {r.address: storage[r.access][r.name] for r in REGISTERS.values()}
        rows: list[Signal] = []
        for number in range(ROWS):
            row = Signal(32, name=f"row{number}")
            first = number << ROW_BITS
            values = [by_address.get(first + n, Const(0)) for n in range(1 << ROW_BITS)]
            m.d.sync += row.eq(_chosen(values, column))
            rows.append(row)
        return rows
