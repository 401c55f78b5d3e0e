"""An emulated board on TCP, and the faults that a link can have."""
