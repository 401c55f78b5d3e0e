"""Formal proofs of properties of the gateware, for every state and every input."""
