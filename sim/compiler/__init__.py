"""The gateware's netlist to C++ to a shared library."""
