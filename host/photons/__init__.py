"""Time tags to stamps, and what can be measured on a stream of them: the same live and from a file. No I/O."""
