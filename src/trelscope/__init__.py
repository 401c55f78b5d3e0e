"""Time-resolved electroluminescence: gateware, its emulator, and the host that measures with either."""
