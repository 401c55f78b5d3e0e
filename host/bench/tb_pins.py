"""Plays the workload on the gateware's Verilog: runs inside the simulator that `icarus` starts."""

import os
import socket
import time
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from trelscope.host.bench.icarus import ANSWER, REQUEST
from trelscope.host.bench.workload import TAKEN, commands


@cocotb.test()
async def play(dut: Any) -> None:
    """As many cycles as the other side asks for, again and again, until it hangs up."""
    queue = bytearray(commands())
    dut.valid.value, dut.payload.value, dut.rst.value = 0, 0, 1
    Clock(dut.clk, 8, unit="ns").start()
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    dut.valid.value, dut.payload.value = 1, queue[0]
    valid, payload, word, edge = dut.valid, dut.payload, dut.word, RisingEdge(dut.clk)
    with socket.create_connection(("127.0.0.1", int(os.environ["BENCH_PORT"]))) as connection:
        file = connection.makefile("rwb")
        while request := file.read(REQUEST.size):
            words = []
            begin = time.process_time()
            for _ in range(*REQUEST.unpack(request)):
                await edge
                # What is read here is what the cycle showed that ends with this edge.
                now = int(word.value)
                words.append(now)
                if now >> TAKEN & 1:
                    del queue[0]
                    valid.value = bool(queue)
                    if queue:
                        payload.value = queue[0]
            seconds = time.process_time() - begin
            answer = np.array(words, np.uint32).tobytes()
            file.write(ANSWER.pack(seconds, len(answer)) + answer)
            file.flush()
