"""Link between host and instrument: frames on byte streams, and the UART that carries the bytes."""
