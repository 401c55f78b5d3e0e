"""Proofs about the gateware: for every state and every input, not for those a test happened to try."""
