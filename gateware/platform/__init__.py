"""Boards: everything that is made of a vendor's primitives, or of a part on the other side of a pin."""
