"""trelscope gateware: the instrument's vendor-free core, in Amaranth."""
