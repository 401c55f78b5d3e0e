"""Boards: everything that depends on the FPGA vendor's primitives or on parts of the front end."""
