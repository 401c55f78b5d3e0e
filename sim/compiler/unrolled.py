"""A stretch of clock cycles as one C++ function."""

from dataclasses import dataclass

from trelscope.sim.compiler.function import Function, constant, indent, memory_name
from trelscope.sim.compiler.netlist import Memory, Word
from trelscope.sim.compiler.rest import Stretch


@dataclass(kw_only=True)
class Unrolled(Function):
    """Several cycles in one go. Registers are C++ variables meanwhile, so that passing a value on costs nothing.

    Whether all cycles were as the stretch says is asked once, at the end. If not, the memories are put back as they
    were; the registers have not been touched yet. So what must not change may be taken for what it was at first.
    """

    stretch: Stretch

    def source(self, name: str) -> list[str]:
        """Code of `{name}_run`."""
        self._place()
        cycles, stream = self.stretch.cycles, self.stretch.stream
        held = [word for word in self._kept() if word not in self.kind.fixed]
        lines = [f"uint64_t now_{word.name} = state.{word.name};" for word in held]
        for memory in self.netlist.memories:
            array = memory_name(memory)
            lines.append(
                f"uint64_t wrote_{array} = 0, at_{array}[{cycles}], was_{array}[{cycles}];"
            )
        lines += [
            "uint64_t changed = 0;",
            *(f"uint64_t first_{output};" for output in self.stretch.steady),
            "#pragma GCC unroll 64",
            f"for (int n = 0; n < {cycles}; n++) {{",
            *indent(self._body()),
            "}",
            "if (__builtin_expect(changed != 0, 0)) {",
            f"  for (int n = {cycles}; n--;) {{",
        ]
        for memory in self.netlist.memories:
            array = memory_name(memory)
            lines.append(
                f"    if (wrote_{array} >> n & 1) state.{array}[at_{array}[n]] = was_{array}[n];"
            )
        moving = [word for word in held if self._moves(word)]
        lines += [
            "  }",
            "  return false;",
            "}",
            *(f"state.{word.name} = now_{word.name};" for word in moving),
            "return true;",
        ]
        return [
            f"static bool {name}_run(State &__restrict state, const Inputs in, const uint64_t *__restrict {stream}) {{",
            *indent(lines),
            "}",
            "",
        ]

    def _moves(self, word: Word) -> bool:
        return not any(word in s for s in (self.kind.watched, self.kind.asleep, self.kind.fixed))

    def _held(self, word: Word) -> str:
        return f"now_{word.name}"

    def _input(self, word: Word) -> str:
        return f"{word.name}[n]" if word.name == self.stretch.stream else super()._input(word)

    def _give(self) -> list[str]:
        lines = []
        for name, operand in self.outputs.items():
            value = self._value(operand)
            if name in self.stretch.outputs:
                lines.append(f"changed |= {value} ^ {constant(self.stretch.outputs[name])};")
            else:
                lines.append(f"if (n == 0) first_{name} = {value};")
                lines.append(f"changed |= {value} ^ first_{name};")
        return lines

    def _write(self, memory: Memory) -> list[str]:
        array = memory_name(memory)
        return [
            f"wrote_{array} |= 1ull << n;",
            f"at_{array}[n] = {self._value(memory.write_address)};",
            f"was_{array}[n] = state.{array}[at_{array}[n]];",
            f"state.{array}[at_{array}[n]] = {self._value(memory.write_data)};",
        ]

    def _take(self, word: Word, name: str) -> list[str]:
        return [f"now_{word.name} = {name};"] if self._moves(word) else []

    def _ending(self, word: Word, name: str) -> list[str]:
        return [] if self._moves(word) else [f"changed |= {name} ^ {self.stored[word]};"]

    def _staying(self) -> list[str]:
        return []

    def _finish(self) -> list[str]:
        return []
