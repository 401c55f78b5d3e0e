"""Time tags: a word on the wire for every photon."""
