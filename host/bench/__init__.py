"""How fast the instrument runs, on this machine and next to other ways to run it.

Whatever is compared is measured in turn, in one run, on one core, so that the ratios say something on a machine that
others use too.
"""
